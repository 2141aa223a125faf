// Removes old runs now and then, a batch at a time. Any number of orchestrators may: they pass over each other's rows.

import type { Logger } from 'pino'
import type { Removed, Retention } from '../store/retention.ts'

export interface JanitorOptions {
  readonly retention: Retention
  /** Seconds for which an ended run is kept; nothing is removed where it is 0. */
  readonly keepSeconds: number
  readonly log: Logger
  readonly removed: (removed: Removed) => void
}

const everyMs = 60_000
const batchesMax = 1000

export class Janitor {
  readonly #options: JanitorOptions
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<unknown> = Promise.resolve()
  #stopped = false

  constructor(options: JanitorOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#options.keepSeconds > 0) this.#again()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#sweeping
  }

  async sweep(): Promise<Removed> {
    const { retention, keepSeconds, removed } = this.#options
    let total: Removed = { runs: 0, steps: 0, events: 0 }
    for (let batch = 0; batch < batchesMax && keepSeconds > 0 && !this.#stopped; batch++) {
      const { full, ...of } = await retention.removeBatch(keepSeconds)
      total = { runs: total.runs + of.runs, steps: total.steps + of.steps, events: total.events + of.events }
      removed(of)
      if (!full) break
    }
    if (total.runs > 0) this.#options.log.info(total, 'removed old runs')
    return total
  }

  #again(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#sweeping = this.sweep()
        .catch((error: unknown) => this.#options.log.warn({ err: error }, 'could not remove old runs'))
        .then(() => this.#again())
    }, everyMs)
  }
}
