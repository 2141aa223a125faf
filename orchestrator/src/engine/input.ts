// What a step is called with, and what a run answers with: templates filled from what is known by now. Pure.

import { createHash } from 'node:crypto'
import { canonicalJson, type JsonValue, MeshError, type Problem, ProblemError } from '@meshwork/contracts'
import { EvaluationError } from '../definition/expression.ts'
import { fill, readTemplate } from '../definition/template.ts'
import type { Plan, PlanStep } from '../plan/plan.ts'
import { type RunFacts, scopeOf } from './scope.ts'
import type { StepState } from './state.ts'

export type Input =
  | { readonly kind: 'input'; readonly body: JsonValue; readonly hash: string }
  | { readonly kind: 'problem'; readonly problem: Problem }

const bodyBytesMax = 1_048_576

export function inputOf(step: PlanStep, facts: RunFacts, plan: Plan, states: ReadonlyMap<string, StepState>): Input {
  return orProblem(step.name, () => {
    const body = fill(readTemplate(step.with, '', []), scopeOf(facts, plan, states, step.name))
    const bytes = Buffer.byteLength(JSON.stringify(body))
    if (bytes > bodyBytesMax)
      throw new MeshError('MESHWORK_VALUE_TOO_LARGE', {
        where: `The input of step "${step.name}"`,
        bytes,
        limitBytes: bodyBytesMax,
      })
    return { kind: 'input', body, hash: hashOf(body) }
  })
}

export type Condition =
  | { readonly kind: 'condition'; readonly holds: boolean }
  | { readonly kind: 'problem'; readonly problem: Problem }

/** Whether a step is to be done. */
export function conditionOf(
  step: PlanStep,
  facts: RunFacts,
  plan: Plan,
  states: ReadonlyMap<string, StepState>,
): Condition {
  const { when } = step
  if (when === undefined) return { kind: 'condition', holds: true }
  return orProblem(step.name, () => {
    const value = fill(readTemplate(when, '', []), scopeOf(facts, plan, states, step.name))
    if (typeof value !== 'boolean')
      throw new EvaluationError(`"when" gives ${JSON.stringify(value)}, not true or false`)
    return { kind: 'condition', holds: value }
  })
}

/** The outputs of a run all of whose steps have ended well. */
export function outputsOf(facts: RunFacts, plan: Plan, states: ReadonlyMap<string, StepState>): Input {
  return orProblem('outputs', () => {
    const body = fill(readTemplate(plan.outputs, '', []), scopeOf(facts, plan, states))
    return { kind: 'input', body, hash: hashOf(body) }
  })
}

export const hashOf = (value: JsonValue): string => createHash('sha256').update(canonicalJson(value)).digest('hex')

function orProblem<T>(step: string, make: () => T): T | { kind: 'problem'; problem: Problem } {
  try {
    return make()
  } catch (error) {
    if (error instanceof ProblemError) return { kind: 'problem', problem: error.toProblem() }
    if (!(error instanceof EvaluationError)) throw error
    return {
      kind: 'problem',
      problem: new MeshError('MESHWORK_STEP_INPUT', { step, reason: error.message }).toProblem(),
    }
  }
}
