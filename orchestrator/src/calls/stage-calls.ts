// What the limits of a stage, over all orchestrators, ask of each call: a place among those in flight, then a turn.

import type { Logger } from 'pino'
import type { PlaceLedger } from '../store/place-ledger.ts'
import type { StageLimits } from '../store/stage-limits.ts'
import { CallRates } from './call-rates.ts'
import type { Waits } from './call-wait.ts'
import { KnownLimits } from './known-limits.ts'
import type { CallRate } from './reserve.ts'
import { StagePlaces } from './stage-places.ts'

export class StageCalls {
  readonly #known: KnownLimits
  readonly #places: StagePlaces
  readonly #rates: CallRates

  constructor(limits: StageLimits, ledger: PlaceLedger, log: Logger) {
    this.#known = new KnownLimits(limits, log)
    this.#places = new StagePlaces(this.#known, ledger, log)
    this.#rates = new CallRates(this.#known, limits, log)
  }

  /** Throws when the limits cannot be read; afterwards they are looked at every second. */
  async start(): Promise<void> {
    await this.#known.start()
  }

  /** When nobody calls any more. */
  async stop(): Promise<void> {
    await this.#known.stop()
    this.#rates.stop()
    await this.#places.stop()
  }

  /** Looks at the limits now. */
  async refresh(): Promise<void> {
    await this.#known.refresh()
  }

  /** Resolves with the release of a place when a call of the stage may begin. Throws the signal's reason. */
  async take(stage: string, call: Waits): Promise<() => void> {
    const release = await this.#places.take(stage, call)
    try {
      await this.#rates.take(stage, call) // last, since a turn is not to be missed
      return release
    } catch (error) {
      release()
      throw error
    }
  }

  places(stage: string): { readonly max: number; readonly waiting: number } | undefined {
    const max = this.#known.of(stage)?.concurrency ?? null
    return max === null ? undefined : { max, waiting: this.#places.waiting(stage) }
  }

  rate(stage: string): (CallRate & { readonly waiting: number }) | undefined {
    const { count = null, perMs = null } = this.#known.of(stage) ?? {}
    return count === null || perMs === null ? undefined : { count, perMs, waiting: this.#rates.waiting(stage) }
  }

  /** Calls of a stage that wait here. */
  waiting(stage: string): number {
    return this.#places.waiting(stage) + this.#rates.waiting(stage)
  }

  /** Calls that wait here, of every stage with a limit. */
  allWaiting(): ReadonlyMap<string, number> {
    return new Map(this.#known.stages.map(stage => [stage, this.waiting(stage)]))
  }
}
