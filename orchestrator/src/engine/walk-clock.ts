// The time of a walk: that of the database at the claim, and from there this machine's steady clock. So one orchestrator
// goes on with what another kept, whatever their own clocks say, and a clock that is set moves nothing.

import type { ClaimedRun } from '../store/runs.ts'

export class WalkClock {
  readonly #claimed: ClaimedRun
  readonly #beganAt = performance.now()

  constructor(claimed: ClaimedRun) {
    this.#claimed = claimed
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#claimed.at + (performance.now() - this.#beganAt)
  }

  /** Milliseconds that are left of the time of the run; nothing where it has no end. */
  leftMs(): number | undefined {
    const { run, openMs, at } = this.#claimed
    const { timeoutMs } = run.plan
    return timeoutMs === undefined ? undefined : timeoutMs - openMs - (this.now() - at)
  }
}
