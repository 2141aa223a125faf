// Progress of steps on its way to the database: at most two a second of each step, written together, and never in the
// way of transitions.

import type { Progress } from '@meshwork/contracts'
import type { Runs } from '../store/runs.ts'

export interface StepProgress {
  readonly runId: string
  readonly fence: number
  readonly step: string
  readonly attempt: number
  readonly progress: Progress
}

const everyMs = 500
const pendingMax = 10_000

export class ProgressWriter {
  readonly #runs: Runs
  readonly #written: (runIds: readonly string[]) => void
  readonly #pending = new Map<string, StepProgress>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(runs: Runs, written: (runIds: readonly string[]) => void) {
    this.#runs = runs
    this.#written = written
  }

  put(item: StepProgress): void {
    if (this.#pending.size >= pendingMax) return
    this.#pending.set(`${item.runId}/${item.step}`, item)
    this.#timer ??= setTimeout(() => this.#flush(), everyMs)
  }

  /** What is not written yet of a step that has ended. */
  forget(runId: string, step: string): void {
    this.#pending.delete(`${runId}/${step}`)
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#pending.clear()
    await this.#writing
  }

  #flush(): void {
    this.#timer = undefined
    const items = [...this.#pending.values()]
    this.#pending.clear()
    const rows = items.map(item => ({ ...item, progress: { ...item.progress } }))
    // Progress that cannot be written is lost; the step goes on.
    this.#writing = this.#runs.saveProgress(rows).then(
      () => this.#written([...new Set(items.map(({ runId }) => runId))]),
      () => {},
    )
  }
}
