// Why a run, and each of its steps, is where it is. Pure: told from what is recorded and what is known of the mesh.

import type { DeploymentView, RunExplanation } from '@meshwork/contracts'
import { waitText } from '../calls/call-wait.ts'
import type { CallRate } from '../calls/reserve.ts'
import type { Plan, PlanStep } from '../plan/plan.ts'
import type { RunRow } from '../store/rows.ts'
import { subRunId } from '../step/sub.ts'
import { hasOutput, isSettled, pendingStep, type StepState } from '../step/state.ts'

export interface KnownOfRun {
  readonly run: Pick<
    RunRow,
    | 'id'
    | 'workflow'
    | 'status'
    | 'ended_at'
    | 'cancel_requested'
    | 'pause_requested'
    | 'parked'
    | 'held'
    | 'limits'
    | 'problem'
  >
  readonly plan: Plan
  readonly states: ReadonlyMap<string, StepState>
  /** Runs that stand before it in the queue. */
  readonly ahead: number
  readonly deployments: readonly DeploymentView[]
  /** Places for calls, by address, as far as this orchestrator uses them. */
  readonly places: (url: string) => { readonly taken: number; readonly waiting: number; readonly max: number }
  /** What was last told of steps whose calls wait, by whichever orchestrator. */
  readonly quiet: ReadonlyMap<string, QuietEvent>
  /** Of a stage that may have so many calls in flight at one time, and the calls that wait here for a place. */
  readonly stagePlaces: (stage: string) => { readonly max: number; readonly waiting: number } | undefined
  /** Of a stage that may be called only so often, and the calls that wait for their turn here. */
  readonly rate: (stage: string) => (CallRate & { readonly waiting: number }) | undefined
}

/** Told of a step whose call waits. */
export interface QuietEvent {
  readonly type: string
  readonly detail: string
}

type StepExplanation = RunExplanation['steps'][number]
type Reason = Pick<StepExplanation, 'reason' | 'detail'> & {
  readonly waitsFor?: readonly string[]
  readonly until?: number
}

export function explain(known: KnownOfRun, now: number): RunExplanation {
  const steps = known.plan.steps.map((step): StepExplanation => {
    const state = known.states.get(step.name) ?? pendingStep(step.name)
    const { reason, detail, waitsFor = [], until } = explainStep(known, step, state, now)
    return {
      name: step.name,
      status: state.status,
      reason,
      detail,
      waitsFor: [...waitsFor],
      until: until === undefined ? null : new Date(until).toISOString(),
    }
  })
  return { id: known.run.id, status: known.run.status, ...explainRun(known), steps }
}

function explainRun({ run, ahead }: KnownOfRun): Pick<RunExplanation, 'reason' | 'detail'> {
  if (run.ended_at !== null)
    return { reason: 'ended', detail: run.problem ? `It ended: ${run.problem.detail}` : `It has ended: ${run.status}.` }
  if (run.cancel_requested) return { reason: 'cancelling', detail: 'A cancel was acknowledged; calls are being ended.' }
  if (run.parked && run.status === 'waiting')
    return { reason: 'running', detail: 'All that is left waits for a time or an answer; no orchestrator holds it.' }
  if (run.held && !run.pause_requested) return { reason: 'queued', detail: explainHeld(run) }
  if (run.parked)
    return { reason: 'paused', detail: 'It is paused, and nothing runs; go on with POST /v1/runs/{id}/resume.' }
  if (run.pause_requested)
    return { reason: 'paused', detail: 'It is paused; what had been called is left to end, and nothing else starts.' }
  if (run.status === 'queued')
    return {
      reason: 'queued',
      detail: `It waits for an orchestrator with room for another run (MESHWORK_RUNS_MAX); ${ahead} runs are before it.`,
    }
  return { reason: 'running', detail: 'An orchestrator walks it.' }
}

function explainHeld({ workflow, limits }: KnownOfRun['run']): string {
  const { runs, starts } = limits ?? {}
  const bounds = [
    ...(runs === undefined ? [] : [`${runs} runs at one time`]),
    ...(starts ? [`${starts.count} starts in ${starts.perMs / 1000} s`] : []),
  ]
  return `It waits for a place: workflow "${workflow}" allows ${bounds.join(' and ')} (limits). Those that came first begin first.`
}

function explainStep(known: KnownOfRun, step: PlanStep, state: StepState, now: number): Reason {
  const { run, plan, states } = known
  if (state.status === 'fallback')
    return {
      reason: 'done',
      detail: `It failed, and its fallback stands for its output: ${state.problem?.detail ?? ''}`,
    }
  if (hasOutput(state)) return { reason: 'done', detail: 'It has its output.' }
  if (state.status === 'failed') return { reason: 'failed', detail: state.problem?.detail ?? 'It failed.' }
  if (state.status === 'cancelled') return { reason: 'cancelled', detail: 'It was ended with the run.' }
  if (state.status === 'skipped') return { reason: 'skipped', detail: whySkipped(plan, states, step) }
  if (run.ended_at !== null) return { reason: 'not-begun', detail: 'The run ended before it was begun.' }
  if (state.status === 'running') return explainCall(known, step, state)
  const open = (name: string) => !isSettled(states.get(name) ?? pendingStep(name))
  const before = step.last ? plan.steps.filter(({ last }) => !last).map(({ name }) => name) : []
  const missing = [...new Set([...before, ...step.needs])].filter(open)
  if (missing.length > 0)
    return {
      reason: 'needs',
      detail: `It waits for ${missing.map(name => `"${name}"`).join(', ')}.`,
      waitsFor: missing,
    }
  if (state.status === 'waiting') return explainWait(run.id, step, state)
  if (run.cancel_requested) return { reason: 'cancelling', detail: 'The run is being cancelled.' }
  if (run.pause_requested) return { reason: 'paused', detail: 'The run is paused.' }
  if (run.status === 'queued') return { reason: 'queued', detail: 'The run waits for an orchestrator.' }
  const unserved = explainUnserved(known, step)
  if (unserved) return unserved
  if (state.status === 'retrying' && state.nextAt !== null && state.nextAt > now)
    return {
      reason: 'retrying',
      detail: `Attempt ${state.attempts} of ${step.retry.attempts} failed: ${state.problem?.detail ?? 'no detail'} The next is due at ${new Date(state.nextAt).toISOString()}.`,
      until: state.nextAt,
    }
  return { reason: 'starting', detail: 'Everything it needs is there; it is being started.' }
}

function whySkipped(plan: Plan, states: KnownOfRun['states'], step: PlanStep): string {
  const statusOf = (name: string) => states.get(name)?.status
  const lost = step.needs.find(name => statusOf(name) === 'skipped' || statusOf(name) === 'failed')
  if (lost !== undefined && !step.tests?.includes(lost))
    return `Step "${lost}", which it needs, ${statusOf(lost) === 'failed' ? 'failed' : 'was skipped'}.`
  const fatal = plan.steps.find(other => !other.continues && statusOf(other.name) === 'failed')
  if (fatal && !step.last) return `Step "${fatal.name}" failed, so it was not begun.`
  return step.when === undefined ? 'It was not begun.' : `Its condition was false: ${step.when}`
}

function explainCall(
  { deployments, quiet, places, stagePlaces, rate }: KnownOfRun,
  step: PlanStep,
  state: StepState,
): Reason {
  const told = quiet.get(step.name)
  if (told) return { reason: told.type === 'step.stuck' ? 'no-deployment' : 'limited', detail: told.detail }
  const bound = stagePlaces(step.stage)
  if (bound && bound.waiting > 0)
    return {
      reason: 'limited',
      detail: `${waitText({ reason: 'stage-concurrency', stage: step.stage, max: bound.max })}, and ${bound.waiting} calls wait for a place; it runs or is among them.`,
    }
  const limit = rate(step.stage)
  if (limit && limit.waiting > 0)
    return {
      reason: 'limited',
      detail: `${waitText({ reason: 'stage-rate', stage: step.stage, ...limit })}, and ${limit.waiting} calls wait for their turn; it runs or is among them.`,
    }
  const serving = deployments.filter(of => of.stage === step.stage && of.majors.includes(step.major))
  const full = serving.filter(({ url }) => places(url).waiting > 0)
  if (serving.length > 0 && full.length === serving.length) {
    const { taken, waiting, max } = places(full[0]?.url ?? '')
    return {
      reason: 'limited',
      detail: `Stage "${step.stage}" has ${taken} of ${max} calls in flight and ${waiting} waiting for a place (MESHWORK_STAGE_CALLS_MAX); it runs or is among them.`,
    }
  }
  if (step.each)
    return {
      reason: 'running',
      detail: `Its ${state.items ?? 0} items are called, at most ${step.each.concurrency} at one time; see /items.`,
    }
  return { reason: 'running', detail: `Attempt ${state.attempts} of ${step.retry.attempts} is in flight.` }
}

function explainWait(run: string, { name, wait, sub }: PlanStep, state: StepState): Reason {
  if (sub)
    return {
      reason: 'running',
      detail: `It waits for run ${subRunId(run, state)} of workflow "${sub.workflow}@${sub.version}".`,
    }
  const { nextAt } = state
  const at = nextAt === null ? undefined : new Date(nextAt).toISOString()
  const until = nextAt === null ? {} : { until: nextAt }
  if (!wait || wait.kind === 'time') return { reason: 'running', detail: `It goes on at ${at}.`, ...until }
  const verbs = wait.kind === 'approval' ? 'approve (or /reject)' : 'signal'
  const expiry = at === undefined ? 'It does not expire.' : `It expires at ${at}.`
  return { reason: 'running', detail: `It waits for POST /v1/runs/${run}/steps/${name}/${verbs}. ${expiry}`, ...until }
}

function explainUnserved({ deployments }: KnownOfRun, step: PlanStep): Reason | undefined {
  const named = deployments.filter(({ stage }) => stage === step.stage)
  const serving = named.filter(({ majors }) => majors.includes(step.major))
  if (serving.some(({ status }) => status === 'ready')) return undefined
  const seen = named.map(({ url, status }) => `${url} is ${status}`).join('; ') || 'none is registered'
  return { reason: 'no-deployment', detail: `No deployment of "${step.stage}@${step.major}" is ready: ${seen}.` }
}
