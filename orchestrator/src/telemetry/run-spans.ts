// The spans of a run: the run, its steps, their attempts. Their ids are made of what they are a span of, so a run is one
// trace however many orchestrators walk it, and each span is written by the one that recorded what it tells of. Pure.
//
//   request (gateway, orchestrator) › run › step › attempt › request (stage)

import {
  childOf,
  newTrace,
  readTraceparent,
  type Span,
  type SpanContext,
  spanIdOf,
  writeTraceparent,
} from '@meshwork/kit'
import type { PlanStep } from '../plan/plan.ts'
import type { ClaimedRun } from '../store/runs.ts'
import type { End } from '../engine/compose.ts'
import { itemPlace } from '../step/item-name.ts'
import { isSettled, type StepState } from '../step/state.ts'

/** The traceparent of a new run: within the given one, or the first of a trace that is sent if `sampled` says so. */
export function traceparentOf(given: string | undefined, runId: string, sampled: () => boolean): string {
  const context = readTraceparent(given) ?? newTrace(sampled(), spanIdOf(runId))
  return writeTraceparent(context)
}

/** The traceparent of what a step starts: a run of its own. */
export function traceparentOfStep(
  run: { readonly id: string; readonly traceparent: string },
  { name, generation }: Pick<StepState, 'name' | 'generation'>,
): string {
  const context = readTraceparent(run.traceparent) ?? newTrace(true)
  return writeTraceparent(childOf(context, stepSpanId(run.id, name, generation)))
}

const stepSpanId = (runId: string, step: string, generation: number) => spanIdOf(`${runId}/${step}/${generation}`)
const results = { succeeded: 'success', failed: 'failure', cancelled: 'cancellation' } as const

export class RunSpans {
  readonly #claimed: ClaimedRun
  /** Where the run was started from. */
  readonly #from: SpanContext
  readonly #runSpanId: string

  /** `rerun`: how many times steps of it were run again; each opening of a run has a span of its own. */
  constructor(claimed: ClaimedRun, rerun: number) {
    const { id, traceparent } = claimed.run
    this.#claimed = claimed
    this.#from = readTraceparent(traceparent) ?? newTrace(true, spanIdOf(id))
    this.#runSpanId = rerun === 0 ? spanIdOf(id) : spanIdOf(`${id}/${rerun}`)
  }

  /** For the headers of the call that an attempt makes. */
  traceparent(state: StepState): string {
    return writeTraceparent(this.#attempt(state, state.attempts))
  }

  run(end: End, endMs: number): Span {
    const { run, at, openMs } = this.#claimed
    return {
      name: `run ${run.workflow}`,
      kind: 'internal',
      context: childOf(this.#from, this.#runSpanId),
      parentId: this.#from.spanId === this.#runSpanId ? undefined : this.#from.spanId,
      startMs: at - openMs,
      endMs,
      attributes: {
        ...this.#ofRun(),
        'cicd.pipeline.result': results[end.status],
        'meshwork.workflow.version': run.version,
        'meshwork.run.status': end.status,
        'error.type': end.status === 'failed' ? end.problem?.code : undefined,
      },
      error: end.status === 'failed' ? (end.problem?.detail ?? 'failed') : undefined,
    }
  }

  /** Nothing for one that did not begin, or has not ended. */
  step({ stage }: Pick<PlanStep, 'stage'>, state: StepState): Span | undefined {
    const { name, generation, status, startedAt, endedAt, problem } = state
    if (!isSettled(state) || startedAt === null || endedAt === null) return undefined
    const failed = status === 'failed' || status === 'fallback'
    return {
      name: `step ${name}`,
      kind: 'internal',
      context: childOf(this.#from, stepSpanId(this.#claimed.run.id, name, generation)),
      parentId: this.#runSpanId,
      startMs: startedAt,
      endMs: endedAt,
      attributes: {
        ...this.#ofStep(state, name),
        'cicd.pipeline.task.run.result': status === 'cancelled' ? 'cancellation' : failed ? 'failure' : 'success',
        'meshwork.step.status': status,
        'meshwork.stage': stage,
        'meshwork.stage.version': state.version ?? undefined,
        'meshwork.attempts': state.attempts,
        'meshwork.rows': state.rows ?? undefined,
        'meshwork.input.hash': state.inputHash ?? undefined,
        'meshwork.output.hash': state.outputHash ?? undefined,
        'error.type': failed ? problem?.code : undefined,
      },
      error: failed ? (problem?.detail ?? 'failed') : undefined,
    }
  }

  /** One attempt of a step or of an item of one. `problem`: what was wrong with its answer. */
  attempt(
    { stage }: Pick<PlanStep, 'stage'>,
    state: StepState,
    ended: {
      readonly attempt: number
      readonly startMs: number
      readonly endMs: number
      readonly problem?: { readonly code: string; readonly detail: string } | undefined
    },
  ): Span {
    const { attempt, startMs, endMs, problem } = ended
    const place = itemPlace(state.name)
    const name = place?.step ?? state.name
    return {
      name: `call ${stage}`,
      kind: 'client',
      context: this.#attempt(state, attempt),
      parentId: stepSpanId(this.#claimed.run.id, name, state.generation),
      startMs,
      endMs,
      attributes: {
        ...this.#ofStep(state, name),
        'http.request.method': 'POST',
        'meshwork.stage': stage,
        'meshwork.attempt': attempt,
        'meshwork.item': place?.index,
        'error.type': problem?.code,
      },
      error: problem?.detail,
      links: attempt > 1 ? [this.#attempt(state, attempt - 1)] : [],
    }
  }

  #attempt({ name, generation }: StepState, attempt: number): SpanContext {
    return childOf(this.#from, spanIdOf(`${this.#claimed.run.id}/${name}/${generation}/${attempt}`))
  }

  #ofRun() {
    const { id, workflow } = this.#claimed.run
    return { 'cicd.pipeline.name': workflow, 'cicd.pipeline.run.id': id, 'meshwork.run.id': id }
  }

  #ofStep({ generation }: StepState, name: string) {
    const { id } = this.#claimed.run
    return {
      ...this.#ofRun(),
      'cicd.pipeline.task.name': name,
      'cicd.pipeline.task.run.id': `${id}/${name}/${generation}`,
      'meshwork.step': name,
    }
  }
}
