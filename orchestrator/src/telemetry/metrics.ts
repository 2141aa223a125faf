import type { RunStatus } from '@meshwork/contracts'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { StepState } from '../engine/state.ts'

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200]

/** What the orchestrator counts. Labels are closed sets; never a run id. */
export class EngineMetrics {
  readonly active: Gauge
  readonly accepted: Counter
  readonly #ended: Counter<'result'>
  readonly #runSeconds: Histogram<'result'>
  readonly #steps: Counter<'stage' | 'result'>
  readonly #stepSeconds: Histogram<'stage'>
  readonly #retries: Counter<'stage' | 'code'>

  constructor(registry: Registry) {
    const registers = [registry]
    this.active = new Gauge({ name: 'meshwork_runs_active', help: 'Runs that this orchestrator walks.', registers })
    this.accepted = new Counter({ name: 'meshwork_runs_accepted_total', help: 'Runs acknowledged.', registers })
    this.#ended = new Counter({
      name: 'meshwork_runs_total',
      help: 'Runs that ended.',
      labelNames: ['result'],
      registers,
    })
    this.#runSeconds = new Histogram({
      name: 'meshwork_run_duration_seconds',
      help: 'Time from the first step to the end of a run.',
      labelNames: ['result'],
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
  }

  runEnded(result: RunStatus, duration: number): void {
    this.#ended.inc({ result })
    this.#runSeconds.observe({ result }, duration)
  }

  stepAnswered(stage: string, state: StepState): void {
    this.#steps.inc({ stage, result: state.status })
    if (state.seconds !== null) this.#stepSeconds.observe({ stage }, state.seconds)
    if (state.status === 'retrying') this.#retries.inc({ stage, code: state.problem?.code ?? 'unknown' })
  }
}
