// Writes the spans of a walk when what they tell of is recorded; of what is refused nothing is written.

import type { Span, Traces } from '@meshwork/kit'
import type { Plan, PlanStep } from '../plan/plan.ts'
import type { ClaimedRun } from '../store/runs.ts'
import type { End } from '../engine/compose.ts'
import { itemPlace } from '../step/item-name.ts'
import { RunSpans } from './run-spans.ts'
import type { Change } from '../step/settle.ts'
import type { StepState } from '../step/state.ts'

const tellAgainMs = 30_000
const lost = { code: 'MESHWORK_ATTEMPT_LOST', detail: 'the orchestrator that made the call ended before its answer' }

export class WalkSpans {
  readonly #traces: Traces
  readonly #spans: RunSpans
  readonly #steps: ReadonlyMap<string, PlanStep>
  /** Written with the next transition that is recorded. */
  readonly #pending: Span[] = []

  constructor(traces: Traces, claimed: ClaimedRun, plan: Plan, states: ReadonlyMap<string, StepState>) {
    const rerun = plan.steps.reduce((sum, { name }) => sum + (states.get(name)?.generation ?? 1) - 1, 0)
    this.#traces = traces
    this.#spans = new RunSpans(claimed, rerun)
    this.#steps = new Map(plan.steps.map(step => [step.name, step]))
    if (traces.on && claimed.recovered) this.#goOn(claimed, states)
  }

  /** What the orchestrator that held the run may not have sent any more. Spans that it did send are sent as they were. */
  #goOn({ steps, at }: ClaimedRun, states: ReadonlyMap<string, StepState>): void {
    for (const { name, status, started_at } of steps) {
      const step = this.#steps.get(itemPlace(name)?.step ?? name)
      const state = states.get(name)
      if (!step || !state || state.attempts === 0 || (step.each && step.name === name)) continue
      const { attempts: attempt, seconds, endedAt } = state
      if (status === 'running' && started_at !== null) {
        const startMs = new Date(started_at).getTime()
        this.#pending.push(this.#spans.attempt(step, state, { attempt, startMs, endMs: at, problem: lost }))
      } else if (endedAt !== null && endedAt > at - tellAgainMs) {
        const ended = { attempt, startMs: endedAt - (seconds ?? 0) * 1000, endMs: endedAt }
        this.#pending.push(this.#spans.attempt(step, state, { ...ended, problem: state.problem ?? undefined }))
        const span = step.name === name ? this.#spans.step(step, state) : undefined
        if (span) this.#pending.push(span)
      }
    }
  }

  traceparent(state: StepState): string {
    return this.#spans.traceparent(state)
  }

  answered(step: PlanStep, state: StepState, attempt: number, endMs: number, seconds: number, problem: Problem): void {
    if (!this.#traces.on) return
    const startMs = endMs - seconds * 1000
    this.#pending.push(this.#spans.attempt(step, state, { attempt, startMs, endMs, problem }))
  }

  recorded(changes: readonly Change[], end: End | undefined, now: number): void {
    if (!this.#traces.on) return
    for (const span of this.#pending.splice(0)) this.#traces.write(span)
    for (const { state } of changes) {
      const step = this.#steps.get(state.name)
      const span = step && this.#spans.step(step, state)
      if (span) this.#traces.write(span)
    }
    if (end) this.#traces.write(this.#spans.run(end, now))
  }
}

type Problem = { readonly code: string; readonly detail: string } | undefined
