// Runs that steps of other runs started: started under a key of their own, told of when they end, cancelled with the step.

import { type JsonValue, ProblemError } from '@meshwork/contracts'
import type { Logger } from 'pino'
import type { PlanStep } from '../plan/plan.ts'
import type { SubPlan } from '../plan/sub-plan.ts'
import type { RunRow } from '../store/rows.ts'
import type { Runs } from '../store/runs.ts'
import type { SignalData, Signals } from '../store/signals.ts'
import type { Verbs } from '../store/verbs.ts'
import { retryOf } from './again.ts'
import { inputOf } from '../step/input.ts'
import type { RunFacts } from '../step/scope.ts'
import type { Starter } from './starter.ts'
import type { StepState } from '../step/state.ts'
import type { SubEnd } from '../step/sub.ts'
import { subRunId } from '../step/sub.ts'

type States = ReadonlyMap<string, StepState>

export interface SubRunsOptions {
  readonly runs: Runs
  readonly signals: Signals
  readonly verbs: Verbs
  readonly starter: Starter
  /** Told of a run that a verb or an answer has changed. */
  readonly changed: (run: RunRow) => void
}

export class SubRuns {
  readonly #options: SubRunsOptions

  constructor(options: SubRunsOptions) {
    this.#options = options
  }

  /** Starts the run of a step that waits for it; as often as is needed, one comes of it. */
  async start(
    parent: RunRow,
    { sub }: PlanStep & { sub: SubPlan },
    state: StepState,
    params: JsonValue,
  ): Promise<void> {
    const { starter } = this.#options
    const id = subRunId(parent.id, state)
    try {
      const of = { run: parent.id, step: state.name, generation: state.generation }
      const { kind, run } = await starter.startSub({ id, parent: of, sub, params, from: parent })
      if (kind === 'standing' && run.ended_at !== null) await this.#take(run, state)
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      const end = { run: id, status: 'failed', outputs: null, problem: error.toProblem() }
      await this.#answer(parent.id, state.name, state.generation, end)
    }
  }

  /** Runs of steps that were to be started when the run was left. */
  async startLeft(run: RunRow, facts: RunFacts, states: States, answered: ReadonlySet<string>): Promise<void> {
    for (const step of run.plan.steps) {
      const state = states.get(step.name)
      if (!step.sub || state?.status !== 'waiting' || answered.has(step.name)) continue
      const input = inputOf(step, facts, run.plan, states)
      if (input.kind === 'input') await this.start(run, { ...step, sub: step.sub }, state, input.body)
    }
  }

  /** One that ended before the step was begun goes on where it failed; one that ended since is told of. */
  async #take(run: RunRow, { startedAt }: StepState): Promise<void> {
    const endedAt = new Date(run.ended_at ?? 0).getTime()
    if (run.status !== 'succeeded' && startedAt !== null && endedAt < startedAt) {
      const again = await this.#options.verbs.again(run.id, {
        type: 'run.retried',
        decide: (of, states) => retryOf(of.plan, states),
        data: ({ runs }) => ({ steps: runs.map(({ name }) => name) }),
      })
      if (again.kind === 'done') return this.#options.changed(again.run)
    }
    await this.tell(run)
  }

  /** Tells the step that a run was started for how the run ended. Once is enough; more often does no harm. */
  async tell(run: RunRow): Promise<void> {
    const { parent_run, parent_step, parent_generation, id, status, outputs, problem } = run
    if (parent_run === null || parent_step === null || parent_generation === null || run.ended_at === null) return
    await this.#answer(parent_run, parent_step, parent_generation, { run: id, status, outputs, problem })
    await this.#options.signals.markTold(id)
  }

  /** After the end of a run. Where it cannot be told now it is told later. */
  async tellOf({ id, parent_run }: RunRow, log: Logger): Promise<void> {
    if (parent_run === null) return
    const row = await this.#options.runs.get(id)
    if (row) await this.tell(row).catch((err: unknown) => log.warn({ err }, 'its parent will be told later'))
  }

  /** Tells of runs that ended where nobody was left to do it. */
  async tellMissed(): Promise<number> {
    const missed = await this.#options.signals.untold()
    for (const run of missed) await this.tell(run)
    return missed.length
  }

  async cancel(runId: string, state: StepState): Promise<void> {
    const asked = await this.#options.verbs.cancel(subRunId(runId, state))
    if (asked.kind === 'done') this.#options.changed(asked.run)
  }

  async #answer(parent: string, step: string, generation: number, end: SubEnd): Promise<void> {
    const data: SignalData = { by: '', comment: '', inputs: {}, end }
    const told = await this.#options.signals.answer(parent, step, 'ended', data, generation)
    if (told.kind === 'done') this.#options.changed(told.run)
  }
}
