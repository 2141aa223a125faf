// The limits of stages as they were last read, once a second.

import type { Logger } from 'pino'
import { Ticker } from '../upkeep/ticker.ts'
import type { StageLimitRow, StageLimits } from '../store/stage-limits.ts'

const lookMs = 1000

export class KnownLimits {
  readonly #limits: Pick<StageLimits, 'list'>
  readonly #ticker: Ticker
  readonly #listeners: (() => void)[] = []
  #rows: ReadonlyMap<string, StageLimitRow> = new Map()

  constructor(limits: Pick<StageLimits, 'list'>, log: Logger) {
    this.#limits = limits
    this.#ticker = new Ticker(
      async () => {
        await this.refresh()
        return lookMs
      },
      error => log.warn({ err: error }, 'the limits of stages were not read'),
    )
  }

  /** Throws when the limits cannot be read. */
  async start(): Promise<void> {
    await this.refresh()
    this.#ticker.start()
  }

  async stop(): Promise<void> {
    await this.#ticker.stop()
  }

  async refresh(): Promise<void> {
    this.#rows = new Map((await this.#limits.list()).map(row => [row.stage, row]))
    for (const tell of this.#listeners) tell()
  }

  /** Called whenever the limits were read. */
  onRead(listener: () => void): void {
    this.#listeners.push(listener)
  }

  of(stage: string): StageLimitRow | undefined {
    return this.#rows.get(stage)
  }

  get stages(): readonly string[] {
    return [...this.#rows.keys()]
  }
}
