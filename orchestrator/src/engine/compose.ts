// One transition out of what has changed: the last state of each step, every event in its order, the end of the run. Pure.

import { MeshError, type Problem, type RunStatus } from '@meshwork/contracts'
import type { Plan } from '../plan/plan.ts'
import type { NewEvent, Parks, Transition } from '../store/transition.ts'
import { itemPlace } from '../step/item-name.ts'
import { outputsOf } from '../step/input.ts'
import type { RunFacts } from '../step/scope.ts'
import type { Change } from '../step/settle.ts'
import type { StepState } from '../step/state.ts'

export type FinalStatus = Extract<RunStatus, 'succeeded' | 'failed' | 'cancelled'>

export interface Composed {
  readonly runId: string
  readonly jobId: string
  readonly fence: number
  readonly changes: readonly Change[]
  readonly states: ReadonlyMap<string, StepState>
  /** The first transition of this walk, and whether another walk has begun the run before. */
  readonly opens: 'started' | 'recovered' | undefined
  readonly starts: boolean
  readonly parks: Parks | undefined
  readonly signals: number | undefined
  readonly end: End | undefined
}

export type End = NonNullable<Transition['end']> & { readonly status: FinalStatus }

export function compose(of: Composed): Transition {
  const states = new Map(
    of.changes
      .filter(({ events }) => events.length > 0)
      .map(({ state: { name } }) => [name, of.states.get(name) as StepState]),
  )
  const { opens, end } = of
  const opening: NewEvent[] = opens ? [{ type: `run.${opens}`, data: { fence: of.fence } }] : []
  const closing: NewEvent[] = end ? [{ type: `run.${end.status}` }] : of.parks ? [parked(of.parks)] : []
  return {
    runId: of.runId,
    jobId: of.jobId,
    fence: of.fence,
    starts: of.starts,
    parks: of.parks,
    signals: of.signals,
    steps: [...states.values()],
    events: [...opening, ...of.changes.flatMap(({ events }) => events).map(ofItem), ...closing],
    ...(end ? { end } : {}),
  }
}

const parked = ({ why, wakeAt }: Parks): NewEvent =>
  why === 'paused'
    ? { type: 'run.paused' }
    : { type: 'run.waiting', data: { until: wakeAt === undefined ? null : new Date(wakeAt).toISOString() } }

/** What happens to an item is told of its step. */
function ofItem(event: NewEvent): NewEvent {
  const place = event.step === undefined ? undefined : itemPlace(event.step)
  return place ? { ...event, step: place.step, data: { ...event.data, item: place.index } } : event
}

/** How a run ends. One whose outputs cannot be made has failed. */
export function endOf(status: FinalStatus, facts: RunFacts, plan: Plan, states: ReadonlyMap<string, StepState>): End {
  if (status !== 'succeeded') {
    const problem = firstProblem(plan, states) ?? (status === 'failed' ? timedOut(facts, plan) : null)
    return { status, outputs: null, problem }
  }
  const outputs = outputsOf(facts, plan, states)
  if (outputs.kind === 'problem') return { status: 'failed', outputs: null, problem: outputs.problem }
  return { status, outputs: outputs.body, problem: null }
}

function timedOut({ id, workflow }: RunFacts, { timeoutMs = 0 }: Plan): Problem {
  return new MeshError('MESHWORK_RUN_TIMEOUT', { run: id, seconds: timeoutMs / 1000, workflow }).toProblem()
}

const firstProblem = (plan: Plan, states: ReadonlyMap<string, StepState>): Problem | null =>
  plan.steps
    .filter(step => !step.continues)
    .map(({ name }) => states.get(name))
    .find(state => state?.status === 'failed')?.problem ?? null
