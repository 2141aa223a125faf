// Getting a step ready to be called: its input, who will serve it, and whether equal work is on record. Sends nothing.

import { type JsonValue, ProblemError } from '@meshwork/contracts'
import type { PlanStep } from '../plan/plan.ts'
import { restartMs } from '../stage/client.ts'
import type { Directory } from '../stage/directory.ts'
import type { RunRow } from '../store/rows.ts'
import type { Runs } from '../store/runs.ts'
import type { SignalRow } from '../store/signals.ts'
import { conditionOf, type Input, inputOf, type ItemInputs, itemInputsOf } from './input.ts'
import type { RunFacts } from './scope.ts'
import { gathered, itemsBegun } from './items.ts'
import { beginSub, endSub } from './sub.ts'
import { beginWait, endWait } from './wait.ts'
import { answered, type Change, failed, reused, skipped, started } from './settle.ts'
import type { StepState } from './state.ts'

export interface Prepared {
  readonly change: Change
  /** What to send once the change is recorded; nothing when the step came further without a call. */
  readonly body?: JsonValue
}

export interface Sources {
  readonly runs: Pick<Runs, 'reusable'>
  readonly directory: Pick<Directory, 'pick'>
}

export async function prepare(
  sources: Sources,
  run: Pick<RunRow, 'plan' | 'cache'>,
  facts: RunFacts,
  states: ReadonlyMap<string, StepState>,
  step: PlanStep,
  now: number,
  answers: ReadonlyMap<string, SignalRow> = new Map(),
): Promise<Prepared> {
  const before = states.get(step.name) as StepState
  const answer = answers.get(step.name)
  if (step.sub && before.status === 'waiting' && answer)
    return { change: endSub(before, { ...step, sub: step.sub }, answer, now) }
  if (step.wait && before.status === 'waiting')
    return { change: endWait(before, { ...step, wait: step.wait }, answer, now) }
  const condition = conditionOf(step, facts, run.plan, states)
  if (condition.kind === 'problem') return { change: failed(before, condition.problem, now) }
  if (!condition.holds) return { change: skipped(before, `its condition is false: ${step.when}`, now) }
  if (step.sub) {
    const input = inputOf(step, facts, run.plan, states)
    if (input.kind === 'problem') return { change: failed(before, input.problem, now) }
    return { change: beginSub(before, step.sub, facts.id, input.hash, now), body: input.body }
  }
  if (step.wait) return { change: beginWait(before, { ...step, wait: step.wait }, facts, run.plan, states, now) }
  if (step.each) return { change: opened(before, itemInputsOf(step, facts, run.plan, states), now) }
  return await prepareCall(sources, run, before, step, inputOf(step, facts, run.plan, states), now)
}

/** A step, or an item of one, whose input is there. */
export async function prepareCall(
  sources: Sources,
  run: Pick<RunRow, 'cache'>,
  before: StepState,
  step: PlanStep,
  input: Input,
  now: number,
): Promise<Prepared> {
  if (input.kind === 'problem') return { change: failed(before, input.problem, now) }
  const deployment = await sources.directory.pick(step.stage, step.major).catch((error: unknown) => {
    if (error instanceof ProblemError) return error
    throw error
  })
  if (deployment instanceof ProblemError) return { change: unserved(before, step, deployment, now) }
  const { version } = deployment
  // A step that was asked to run again does run again.
  if (run.cache && step.cache !== false && before.attempts === 0 && before.generation === 1) {
    const found = await sources.runs.reusable(step.stage, version, input.hash, step.cache?.maxAgeMs)
    if (found?.output_hash) {
      const reusable = { output: found.output, outputHash: found.output_hash, version, fromRun: found.run_id }
      return { change: reused(before, reusable, input.hash, now) }
    }
  }
  return { change: started(before, now, input.hash, version), body: input.body }
}

/** A step with forEach is begun without a call: its items are called. */
function opened(before: StepState, input: ItemInputs, now: number): Change {
  if (input.kind === 'problem') return failed(before, input.problem, now)
  const begun = itemsBegun(before, input.inputs.length, input.hash, now)
  if (input.inputs.length > 0) return begun
  const { state, events } = gathered(begun.state, [], now)
  return { state, events: [...begun.events, ...events] }
}

/** Nobody serves the stage. When that may pass it counts as an attempt. */
function unserved(before: StepState, step: PlanStep, error: ProblemError, now: number): Change {
  const problem = error.toProblem()
  if (!error.retryable) return failed(before, problem, now)
  const attempt = { ...before, attempts: before.attempts + 1, startedAt: before.startedAt ?? now }
  const retryAfterMs = restartMs(attempt.attempts)
  return answered(attempt, step, { kind: 'problem', problem, retryAfterMs }, now, 0, Math.random())
}
