// The time of a walk: that of the database at the claim, and from there this machine's steady clock. So one orchestrator
// goes on with what another kept, whatever their own clocks say, and a clock that is set moves nothing.

import type { PlanStep } from '../plan/plan.ts'
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

  /** Milliseconds that a call of a step may take: as long as the step says, and no longer than the run has, but for last steps. */
  timeoutMs(step: Pick<PlanStep, 'timeoutMs' | 'last'>): number {
    const left = step.last ? Infinity : (this.leftMs() ?? Infinity)
    return Math.max(1, Math.floor(Math.min(step.timeoutMs, left)))
  }
}
