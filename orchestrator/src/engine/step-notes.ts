// What is told of steps beside their transitions, on its way to the database: written together, twice a second, the newest
// of each kind and step, and never in the way of transitions.

import type { JsonValue } from '@meshwork/contracts'
import type { Notes } from '../store/notes.ts'

/** How far it is; that its call waits, for what goes on by itself or does not; that it was sent after all. */
export const noteTypes = ['step.progress', 'step.limited', 'step.stuck', 'step.called'] as const

export interface StepNote {
  readonly runId: string
  readonly fence: number
  readonly step: string
  readonly attempt: number
  readonly type: (typeof noteTypes)[number]
  readonly data: { readonly [key: string]: JsonValue }
}

const everyMs = 500
const pendingMax = 10_000

export class StepNotes {
  readonly #notes: Pick<Notes, 'save'>
  readonly #written: (runIds: readonly string[]) => void
  readonly #pending = new Map<string, StepNote>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(notes: Pick<Notes, 'save'>, written: (runIds: readonly string[]) => void) {
    this.#notes = notes
    this.#written = written
  }

  put(note: StepNote): void {
    if (this.#pending.size >= pendingMax) return
    this.#pending.set(keyOf(note.runId, note.step, note.type), note)
    // That a call was sent is to be told before it is answered.
    if (note.type === 'step.called') this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), everyMs)
  }

  /** What is not written yet of a step that has ended. */
  forget(runId: string, step: string): void {
    if (this.#pending.size > 0) for (const type of noteTypes) this.#pending.delete(keyOf(runId, step, type))
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#pending.clear()
    await this.#writing
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const notes = [...this.#pending.values()]
    this.#pending.clear()
    // What cannot be written is lost; the step goes on.
    const writing = this.#notes.save(notes).then(
      () => this.#written([...new Set(notes.map(({ runId }) => runId))]),
      () => {},
    )
    this.#writing = Promise.all([this.#writing, writing]).then(() => {})
  }
}

const keyOf = (runId: string, step: string, type: string) => `${runId}/${step}/${type}`
