// What a step is called with, and what a run answers with: templates filled from what is known by now. Pure.

import { hash } from 'node:crypto'
import { canonicalJson, type JsonValue, MeshError, type Problem, ProblemError, stepItemsMax } from '@meshwork/contracts'
import { EvaluationError, type Scope } from '../definition/expression.ts'
import { fill, readTemplate } from '../definition/template.ts'
import type { Plan, PlanStep } from '../plan/plan.ts'
import { itemPlace } from './item-name.ts'
import { type RunFacts, scopeOf } from './scope.ts'
import type { StepState } from './state.ts'

export type Input =
  | { readonly kind: 'input'; readonly body: JsonValue; readonly hash: string }
  | { readonly kind: 'problem'; readonly problem: Problem }

const bodyBytesMax = 1_048_576

export function inputOf(step: PlanStep, facts: RunFacts, plan: Plan, states: ReadonlyMap<string, StepState>): Input {
  return orProblem(step.name, () => {
    const body = fill(readTemplate(step.with, '', []), scopeOf(facts, plan, states, step.name))
    requireSmall(body, `The input of step "${step.name}"`)
    return { kind: 'input', body, hash: hashOf(body) }
  })
}

function requireSmall(body: JsonValue, where: string): void {
  const bytes = Buffer.byteLength(JSON.stringify(body))
  if (bytes > bodyBytesMax) throw new MeshError('MESHWORK_VALUE_TOO_LARGE', { where, bytes, limitBytes: bodyBytesMax })
}

export type ItemInputs =
  | {
      readonly kind: 'items'
      readonly list: readonly JsonValue[]
      readonly inputs: readonly JsonValue[]
      readonly hash: string
    }
  | { readonly kind: 'problem'; readonly problem: Problem }

/** The inputs of a step with forEach, one for each item. Its hash is of all of them. */
export function itemInputsOf(
  step: PlanStep,
  facts: RunFacts,
  plan: Plan,
  states: ReadonlyMap<string, StepState>,
): ItemInputs {
  return orProblem(step.name, () => {
    const scope = scopeOf(facts, plan, states, step.name)
    const list = fill(readTemplate(step.each?.list ?? [], '', []), scope)
    if (!Array.isArray(list)) throw new EvaluationError(`"forEach" gives ${kindOf(list)}, not a list`)
    if (list.length > stepItemsMax)
      throw new EvaluationError(`"forEach" gives ${list.length} items; at most ${stepItemsMax} are taken in one step`)
    const template = readTemplate(step.with, '', [])
    const inputs = list.map((item, index) => {
      const body = fill(template, itemScope(scope, step, item, index))
      requireSmall(body, `The input of item ${index} of step "${step.name}"`)
      return body
    })
    return { kind: 'items', list, inputs, hash: hashOf(['forEach', ...inputs.map(hashOf)]) }
  })
}

function itemScope(scope: Scope, { each }: PlanStep, item: JsonValue, index: number): Scope {
  const { types } = scope
  if (!types) return { ...scope, item, index }
  const properties = { ...types.properties, ...(each?.type && { item: each.type }) }
  return { ...scope, item, index, types: { ...types, properties } }
}

const kindOf = (value: JsonValue): string => (value === null ? 'null' : `a value of type ${typeof value}`)

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

/** What stands for the output of a step that has failed, or of an item of one. */
export function fallbackOf(
  step: PlanStep,
  facts: RunFacts,
  plan: Plan,
  states: ReadonlyMap<string, StepState>,
  item?: { readonly index: number; readonly value: JsonValue },
): Input {
  return orProblem(step.name, () => {
    const own = itemPlace(step.name)?.step ?? step.name
    const scope = scopeOf(facts, plan, states, own)
    const body = fill(
      readTemplate(step.fallback ?? {}, '', []),
      item ? itemScope(scope, step, item.value, item.index) : scope,
    )
    requireSmall(body, `The fallback of step "${own}"`)
    return { kind: 'input', body, hash: hashOf(body) }
  })
}

/** The outputs of a run all of whose steps have ended well. */
export function outputsOf(facts: RunFacts, plan: Plan, states: ReadonlyMap<string, StepState>): Input {
  return orProblem('outputs', () => {
    const body = fill(readTemplate(plan.outputs, '', []), scopeOf(facts, plan, states))
    return { kind: 'input', body, hash: hashOf(body) }
  })
}

export const hashOf = (value: JsonValue): string => hash('sha256', canonicalJson(value))

/** What stops a step before it is begun is its problem, and not one of the engine. */
export function orProblem<T>(step: string, make: () => T): T | { kind: 'problem'; problem: Problem } {
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
