// What a walk tells of itself, in logs and metrics.

import type { Logger } from 'pino'
import type { PlanStep } from '../plan/plan.ts'
import type { ClaimedRun } from '../store/runs.ts'
import type { EngineMetrics } from './metrics.ts'
import type { End } from '../engine/compose.ts'
import { itemPlace } from '../step/item-name.ts'
import type { StepState } from '../step/state.ts'
import { Timeline } from './timeline.ts'

export class WalkTelemetry {
  readonly #metrics: EngineMetrics
  readonly #claimed: ClaimedRun
  readonly #timeline = new Timeline(performance.now())
  readonly log: Logger

  constructor(metrics: EngineMetrics, log: Logger, claimed: ClaimedRun) {
    const { id, workflow } = claimed.run
    this.#metrics = metrics
    this.#claimed = claimed
    this.log = log.child({ runId: id, workflow })
    metrics.runTaken(workflow)
  }

  /** Whether there is nothing to do before something happens, or a time that was asked for. */
  rest(resting: boolean): void {
    this.#timeline.rest(resting, performance.now())
  }

  called(step: PlanStep, { attempts }: StepState): void {
    const now = performance.now()
    const sinceClaimMs = this.#timeline.called(now)
    const { waitedMs, recovered } = this.#claimed
    if (sinceClaimMs !== undefined && !recovered) this.#metrics.firstStep.observe((waitedMs + sinceClaimMs) / 1000)
    // An item waits for those before it by intent.
    const gapMs = attempts === 1 && !itemPlace(step.name) ? this.#timeline.since(step.needs, now) : undefined
    if (gapMs !== undefined) this.#metrics.stepToStep.observe(gapMs / 1000)
  }

  /** `step`: of an item, its step. */
  callEnded(step: string): void {
    this.#timeline.answered(step, performance.now())
  }

  settled(step: PlanStep, { inputHash }: StepState, after: StepState, attempt: number, seconds: number): void {
    this.#metrics.stepAnswered(step.stage, after)
    const { status, problem, outputHash } = after
    const facts = { step: step.name, attempt, seconds, status, code: problem?.code, inputHash, outputHash }
    this.log.info(facts, 'step answered')
  }

  ended(end: End): void {
    const { run, waitedMs, recovered } = this.#claimed
    const shares = this.#timeline.shares(performance.now(), waitedMs)
    this.#metrics.runEnded(run.workflow, end.status, shares, recovered)
    if (end.status === 'failed') this.#metrics.runFailed(run.workflow, end.problem)
    this.log.info({ status: end.status, seconds: shares.seconds }, 'run ended')
  }
}
