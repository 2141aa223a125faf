import type { Problem, RunStatus } from '@meshwork/contracts'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { StepState } from '../step/state.ts'
import type { Shares } from './timeline.ts'
import type { Removed } from '../store/retention.ts'

const gaps = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60]
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200]

/** Workflows that are told apart; those that come later count as "other", so that nobody can make series without end. */
const workflowsMax = 200

/** What the orchestrator counts. Labels are closed sets; never a run id. */
export class EngineMetrics {
  readonly active: Gauge
  readonly accepted: Counter
  readonly firstStep: Histogram
  readonly stepToStep: Histogram
  readonly eventVisible: Histogram
  readonly #ownSeconds: Histogram
  readonly #ownShare: Histogram
  readonly #removed: Counter<'kind'>
  readonly #fires: Counter<'outcome'>
  readonly #fireLate: Histogram
  readonly #webhooks: Counter<'outcome'>
  readonly #workflows = new Set<string>()
  readonly #ended: Counter<'workflow' | 'result'>
  readonly #failed: Counter<'workflow' | 'fault'>
  readonly #runSeconds: Histogram<'workflow' | 'result'>
  readonly #steps: Counter<'stage' | 'result'>
  readonly #stepSeconds: Histogram<'stage'>
  readonly #retries: Counter<'stage' | 'code'>
  readonly #shared: Counter<'result'>

  constructor(registry: Registry) {
    const registers = [registry]
    this.active = new Gauge({ name: 'meshwork_runs_active', help: 'Runs that this orchestrator walks.', registers })
    this.accepted = new Counter({ name: 'meshwork_runs_accepted_total', help: 'Runs acknowledged.', registers })
    this.firstStep = new Histogram({
      name: 'meshwork_run_first_step_seconds',
      help: 'Time from the acknowledgement of a run to its first call.',
      buckets: gaps,
      registers,
    })
    this.stepToStep = new Histogram({
      name: 'meshwork_step_to_step_seconds',
      help: 'Time from the answer of the last step that a step needs to its first call.',
      buckets: gaps,
      registers,
    })
    this.#ownSeconds = new Histogram({
      name: 'meshwork_run_orchestration_seconds',
      help: 'Time of a run in which no call was in flight and none was waited for by intent.',
      buckets: gaps,
      registers,
    })
    this.#ownShare = new Histogram({
      name: 'meshwork_run_orchestration_ratio',
      help: 'Share of the time of a run in which no call was in flight and none was waited for by intent.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1],
      registers,
    })
    this.eventVisible = new Histogram({
      name: 'meshwork_event_visible_seconds',
      help: 'Time from the writing of an event to its sending to a reader who follows the run.',
      buckets: gaps,
      registers,
    })
    this.#removed = new Counter({
      name: 'meshwork_retention_removed_total',
      help: 'Rows removed because their run ended long ago.',
      labelNames: ['kind'],
      registers,
    })
    this.#fires = new Counter({
      name: 'meshwork_schedule_fires_total',
      help: 'Fires of schedules by what came of them.',
      labelNames: ['outcome'],
      registers,
    })
    this.#fireLate = new Histogram({
      name: 'meshwork_schedule_lag_seconds',
      help: 'Time from when a schedule names to the start of its run.',
      buckets: gaps,
      registers,
    })
    this.#webhooks = new Counter({
      name: 'meshwork_webhook_deliveries_total',
      help: 'Attempts to deliver to webhooks by what came of them.',
      labelNames: ['outcome'],
      registers,
    })
    this.#ended = new Counter({
      name: 'meshwork_runs_total',
      help: 'Runs that ended.',
      labelNames: ['workflow', 'result'],
      registers,
    })
    this.#failed = new Counter({
      name: 'meshwork_runs_failed_total',
      help: 'Runs that failed, by whose fault it was: of what was asked for, or of the system.',
      labelNames: ['workflow', 'fault'],
      registers,
    })
    this.#runSeconds = new Histogram({
      name: 'meshwork_run_duration_seconds',
      help: 'Time from the acknowledgement of a run to its end; of one that was taken over, from then.',
      labelNames: ['workflow', 'result'],
      buckets: seconds,
      registers,
    })
    this.#steps = new Counter({
      name: 'meshwork_steps_total',
      help: 'Attempts of steps that were answered.',
      labelNames: ['stage', 'result'],
      registers,
    })
    this.#stepSeconds = new Histogram({
      name: 'meshwork_step_duration_seconds',
      help: 'Time of one attempt as the orchestrator sees it.',
      labelNames: ['stage'],
      buckets: seconds,
      registers,
    })
    this.#retries = new Counter({
      name: 'meshwork_step_retries_total',
      help: 'Attempts that failed and will be made again.',
      labelNames: ['stage', 'code'],
      registers,
    })
    this.#shared = new Counter({
      name: 'meshwork_item_calls_shared_total',
      help: 'Calls of items that were offered to other orchestrators: answered by one, taken back, or lost with one.',
      labelNames: ['result'],
      registers,
    })
    for (const result of ['answered', 'taken_back', 'lost']) this.#shared.inc({ result }, 0)
  }

  /** Before any run of it ends: a counter that is not there before its first event hides that event from rate(). */
  runTaken(name: string): void {
    if (this.#workflows.has(name) || this.#workflows.size >= workflowsMax) return
    if (this.#workflows.size === 0) this.#begin('other')
    this.#workflows.add(name)
    this.#begin(name)
  }

  #begin(workflow: string): void {
    for (const result of ['succeeded', 'failed', 'cancelled']) this.#ended.inc({ workflow, result }, 0)
    for (const fault of ['request', 'system']) this.#failed.inc({ workflow, fault }, 0)
  }

  #labelOf(workflow: string): string {
    return this.#workflows.has(workflow) ? workflow : 'other'
  }

  /** `recovered`: the walk that ended the run has not seen all of it. */
  runEnded(name: string, result: RunStatus, { seconds: duration, ownSeconds }: Shares, recovered: boolean): void {
    const workflow = this.#labelOf(name)
    this.#ended.inc({ workflow, result })
    this.#runSeconds.observe({ workflow, result }, duration)
    if (recovered || duration === 0) return
    this.#ownSeconds.observe(ownSeconds)
    this.#ownShare.observe(ownSeconds / duration)
  }

  /** What the caller can put right has a status below 500. */
  runFailed(name: string, problem: Problem | null): void {
    this.#failed.inc({
      workflow: this.#labelOf(name),
      fault: problem !== null && problem.status < 500 ? 'request' : 'system',
    })
  }

  runsRemoved({ runs, steps, events }: Removed): void {
    this.#removed.inc({ kind: 'run' }, runs)
    this.#removed.inc({ kind: 'step' }, steps)
    this.#removed.inc({ kind: 'event' }, events)
  }

  fired(outcome: string, lateSeconds: number): void {
    this.#fires.inc({ outcome })
    if (outcome !== 'started') return
    this.#fireLate.observe(lateSeconds)
    this.accepted.inc()
  }

  callShared(result: 'answered' | 'taken_back' | 'lost'): void {
    this.#shared.inc({ result })
  }

  webhookSent(outcome: string): void {
    this.#webhooks.inc({ outcome })
  }

  stepAnswered(stage: string, state: StepState): void {
    this.#steps.inc({ stage, result: state.status })
    if (state.seconds !== null) this.#stepSeconds.observe({ stage }, state.seconds)
    if (state.status === 'retrying') this.#retries.inc({ stage, code: state.problem?.code ?? 'unknown' })
  }
}
