// Which steps of a run run again when it is retried, rerun or forked, and which keep what they have. Pure.
//
// Invariants
//  A1 What is kept has an output, and so has everything it comes after, but for what it can do without.
//  A2 Only a step that is asked to run again, or that follows one, gets a new generation: the stage then does its work
//     anew. A step that never ended well keeps its key, so that work which was done but not answered is not done twice.

import type { JsonValue } from '@meshwork/contracts'
import type { Plan } from '../plan/plan.ts'
import { conditionOf, inputOf, itemInputsOf } from '../step/input.ts'
import type { RunFacts } from '../step/scope.ts'
import { hasOutput, pendingStep, type StepState } from '../step/state.ts'

export type Reason = 'asked' | 'follows' | 'not-done' | 'input-changed'

export interface AgainStep {
  readonly name: string
  readonly reason: Reason
  readonly generation: number
}

export interface Again {
  readonly runs: readonly AgainStep[]
  readonly keeps: readonly string[]
}

type States = ReadonlyMap<string, StepState>

/** Every step without an output. */
export const retryOf = (plan: Plan, states: States): Again => rerunOf(plan, states, [])

/** The steps named, all that follow them, and every step without an output. */
export function rerunOf(plan: Plan, states: States, from: readonly string[]): Again {
  const asked = new Set(from)
  return select(plan, states, (name, again) => {
    if (asked.has(name)) return 'asked'
    const { needs = [], tests = [], last } = plan.steps.find(step => step.name === name) ?? {}
    if (last && again.size > 0) return 'follows' // it follows them all
    if (needs.some(other => anew(again.get(other)))) return 'follows'
    if (tests.some(other => again.has(other))) return 'follows' // it went on without what may come now
    return hasOutput(stateOf(states, name)) ? undefined : 'not-done'
  })
}

/**
 * As `rerunOf` for a new run with other parameters: kept is what would be called with the very same input. What follows
 * a step that runs again runs again too, for its input is not known yet.
 */
export function forkOf(plan: Plan, states: States, facts: RunFacts, from: readonly string[]): Again {
  const rerun = new Map(rerunOf(plan, states, from).runs.map(({ name, reason }) => [name, reason]))
  const kept = new Map<string, StepState>()
  return select(plan, states, (name, again) => {
    const step = plan.steps.find(candidate => candidate.name === name)
    const state = stateOf(states, name)
    const reason = rerun.get(name)
    if (reason) return reason
    if (!step || step.needs.some(other => again.has(other))) return 'follows'
    const condition = conditionOf(step, facts, plan, kept)
    if (condition.kind === 'problem' || !condition.holds) return 'input-changed'
    const input = step.each ? itemInputsOf(step, facts, plan, kept) : inputOf(step, facts, plan, kept)
    if (input.kind === 'problem' || input.hash !== state.inputHash) return 'input-changed'
    kept.set(name, state)
    return undefined
  })
}

/** The parameters of a fork: those of its run, but for what is given. */
export const forkParams = (
  source: Readonly<Record<string, JsonValue>>,
  given: Readonly<Record<string, JsonValue>>,
): Record<string, JsonValue> => ({ ...source, ...given })

function select(
  plan: Plan,
  states: States,
  reasonOf: (name: string, again: ReadonlyMap<string, AgainStep>) => Reason | undefined,
): Again {
  const again = new Map<string, AgainStep>()
  for (const { name } of plan.steps) {
    const reason = reasonOf(name, again)
    if (!reason) continue
    const { generation } = stateOf(states, name)
    again.set(name, { name, reason, generation: reason === 'not-done' ? generation : generation + 1 })
  }
  return {
    runs: [...again.values()],
    keeps: plan.steps.map(({ name }) => name).filter(name => !again.has(name)),
  }
}

const anew = (step: AgainStep | undefined): boolean => step !== undefined && step.reason !== 'not-done'
const stateOf = (states: States, name: string): StepState => states.get(name) ?? pendingStep(name)
