// The plan of a workflow: steps in order, with what each needs and its numbers written out. It is stored with a run,
// so that a run keeps what it was planned with. Pure.

import {
  type JsonValue,
  type Limits,
  type Step,
  stepConcurrencyDefault,
  type WorkflowDocument,
} from '@meshwork/contracts'
import type { Expression } from '../definition/expression.ts'
import { expressionsOf, readTemplate, type TemplateFault } from '../definition/template.ts'
import { itemType } from '../typing/item-type.ts'
import type { Schema } from '../typing/schema.ts'
import { durationMs } from './duration.ts'
import { orderOf } from './order.ts'
import { subPlanOf, type SubPlan, subStage } from './sub-plan.ts'
import { type WaitPlan, waitPlanOf, waitStage } from './wait-plan.ts'

export interface RetryPlan {
  readonly attempts: number
  readonly backoffMs: number
  readonly maxBackoffMs: number
  readonly factor: number
}

/** A step that is called for each item of a list. */
export interface EachPlan {
  /** The list, or what gives it, as it is written. */
  readonly list: JsonValue
  readonly concurrency: number
  /** Schema of an item. */
  readonly type?: Schema
}

export interface PlanStep {
  readonly name: string
  readonly stage: string
  readonly major: number
  readonly with: JsonValue
  /** Steps that it comes after. */
  readonly needs: readonly string[]
  /** Those of them that may end without an output: it tests whether they have one. */
  readonly tests?: readonly string[]
  /** A condition, as it is written. */
  readonly when?: string
  readonly each?: EachPlan
  /** It runs another workflow. */
  readonly sub?: SubPlan
  /** It waits, and calls nothing. */
  readonly wait?: WaitPlan
  /** What stands for its output when it fails. */
  readonly fallback?: JsonValue
  /** The run goes on when the step fails. */
  readonly continues?: true
  /** It begins when all steps but those like it have ended. */
  readonly last?: true
  /** Whether recorded outputs are reused, and up to which age; all of them without it. */
  readonly cache?: false | { readonly maxAgeMs: number }
  readonly retry: RetryPlan
  /** Milliseconds for one attempt. */
  readonly timeoutMs: number
}

/** How many runs of a workflow there may be; see `Limits` of the document. */
export interface LimitsPlan {
  readonly runs?: number
  readonly starts?: { readonly count: number; readonly perMs: number }
}

export interface Plan {
  readonly steps: readonly PlanStep[]
  readonly outputs: JsonValue
  readonly limits?: LimitsPlan
  /** Milliseconds from the moment the run is queued to its end. */
  readonly timeoutMs?: number
  /** Schemas of what computed expressions read (see Scope.types); nothing where there is none. */
  readonly types?: Schema
}

export const retryDefaults: RetryPlan = { attempts: 5, backoffMs: 1000, maxBackoffMs: 30_000, factor: 2 }
export const stepTimeoutMsDefault = 3_600_000

/** The plan of a document that has been checked. Throws where it was not. */
export function planOf(document: WorkflowDocument, types: ReadonlyMap<string, Schema> = new Map()): Plan {
  const needs = needsOf(document)
  const order = orderOf(needs)
  if (order.kind === 'cycle') throw new Error(`a cycle: ${order.names.join(' → ')}`)
  const read = typesRead(document, types)
  const isLast = (name: string) => document.steps[name]?.finally === true
  const names = [...order.names.filter(name => !isLast(name)), ...order.names.filter(isLast)]
  return {
    steps: names.map(name => stepOf(document, name, needs.get(name) ?? [], types)),
    outputs: document.outputs ?? {},
    ...(document.timeout !== undefined && { timeoutMs: durationMs(document.timeout) }),
    ...(document.limits && { limits: limitsOf(document.limits) }),
    ...(read && { types: read }),
  }
}

const limitsOf = ({ runs, starts }: Limits): LimitsPlan => ({
  ...(runs !== undefined && { runs }),
  ...(starts && { starts: { count: starts.count, perMs: durationMs(starts.per) } }),
})

/** Of the types only those that a computed expression reads: the plan is stored with every run. */
function typesRead(document: WorkflowDocument, types: ReadonlyMap<string, Schema>): Schema | undefined {
  const inputs = [...Object.values(document.steps).map(inputsOf), document.outputs ?? {}]
  const computed = inputs
    .flatMap(input => expressionsOf(readTemplate(input, '', []), ''))
    .filter(({ expression }) => expression.path === undefined)
  if (computed.length === 0) return undefined
  const steps = new Set(
    computed.flatMap(({ expression }) =>
      expression.reads.flatMap(([root, name]) => (root === 'steps' && name !== undefined ? [name] : [])),
    ),
  )
  const all = types.get('steps')?.properties ?? {}
  const properties = {
    params: types.get('params') ?? {},
    steps: { type: 'object', properties: Object.fromEntries(Object.entries(all).filter(([name]) => steps.has(name))) },
  }
  return { type: 'object', properties }
}

/** Steps that each step needs: those it refers to, and those it names. In the order of the document. */
export function needsOf(document: WorkflowDocument): Map<string, string[]> {
  const place = new Map(Object.keys(document.steps).map((name, i) => [name, i]))
  return new Map(
    Object.entries(document.steps).map(([name, step]) => {
      const referred = expressionsIn(step)
        .flatMap(({ reads }) => reads)
        .flatMap(([root, other]) => (root === 'steps' && other !== undefined ? [other] : []))
      const all = new Set([...referred, ...(step.needs ?? [])])
      return [
        name,
        [...all].filter(other => place.has(other)).sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0)),
      ]
    }),
  )
}

/** Steps that a step may do without: wherever it reads them, it tests whether they have an output. */
export function testedBy(step: Step): string[] {
  const expressions = expressionsIn(step)
  const sure = new Set([
    ...(step.needs ?? []),
    ...expressions.flatMap(({ reads, tests }) =>
      reads.flatMap(([root, name]) => (root === 'steps' && name !== undefined && !tests.includes(name) ? [name] : [])),
    ),
  ])
  return [...new Set(expressions.flatMap(({ tests }) => tests))].filter(name => !sure.has(name))
}

/** Steps that may end without an output in a run that succeeds: by a condition, or for the sake of one before them. */
export function uncertainOf(document: WorkflowDocument): ReadonlySet<string> {
  const needs = needsOf(document)
  const order = orderOf(needs)
  const found = new Set<string>()
  for (const name of order.kind === 'cycle' ? [] : order.names) {
    const step = document.steps[name] as Step
    const tested = testedBy(step)
    const lost = (needs.get(name) ?? []).some(other => found.has(other) && !tested.includes(other))
    if (step.when !== undefined || step.onError === 'continue' || lost) found.add(name)
  }
  return found
}

const expressionsIn = (step: Step): Expression[] => {
  const faults: TemplateFault[] = []
  return expressionsOf(readTemplate(inputsOf(step), '', faults), '').map(({ expression }) => expression)
}

/** Everything of a step that expressions can stand in. */
const inputsOf = ({ with: input = {}, when = '', forEach = [], fallback = {}, wait }: Step): JsonValue => [
  input,
  when,
  forEach,
  fallback,
  wait?.until ?? '',
  wait?.approval?.message ?? '',
]

/** Of a step that is called. */
export function stageOf({ stage: written }: Step): { readonly stage: string; readonly major: number } | undefined {
  const [stage, major] = written?.split('@') ?? []
  return stage === undefined ? undefined : { stage, major: Number(major) }
}

/** A step's needs, their needs, and so on. */
export function ancestorsOf(plan: Plan, name: string): ReadonlySet<string> {
  const needs = new Map(plan.steps.map(step => [step.name, step.needs]))
  const found = new Set<string>()
  const open = [...(needs.get(name) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    open.push(...(needs.get(next) ?? []))
  }
  return found
}

function cacheOf({ cache = true }: Step): Pick<PlanStep, 'cache'> {
  if (cache === false) return { cache }
  return cache === true ? {} : { cache: { maxAgeMs: durationMs(cache.maxAge) } }
}

function stepOf(
  document: WorkflowDocument,
  name: string,
  needs: readonly string[],
  types: ReadonlyMap<string, Schema>,
): PlanStep {
  const step = document.steps[name]
  if (!step) throw new Error(`no step ${name}`)
  const { stage, major } = stageOf(step) ?? { stage: step.wait ? waitStage : subStage, major: 1 }
  const { retry = {}, when, onError, forEach, concurrency = stepConcurrencyDefault } = step
  const tests = testedBy(step)
  const sub = subPlanOf(step)
  return {
    name,
    stage,
    major,
    with: step.with ?? {},
    needs,
    ...(tests.length > 0 && { tests }),
    ...(when !== undefined && { when }),
    ...(step.wait && { wait: waitPlanOf(step) }),
    ...(sub && { sub }),
    ...(forEach !== undefined && { each: { list: forEach, concurrency, type: itemType(forEach, types) } }),
    ...(onError === 'fallback' && { fallback: step.fallback ?? {} }),
    ...(onError === 'continue' && { continues: true }),
    ...(step.finally && { last: true }),
    ...cacheOf(step),
    retry: {
      attempts: retry.attempts ?? retryDefaults.attempts,
      backoffMs: retry.backoff === undefined ? retryDefaults.backoffMs : durationMs(retry.backoff),
      maxBackoffMs: retry.maxBackoff === undefined ? retryDefaults.maxBackoffMs : durationMs(retry.maxBackoff),
      factor: retry.factor ?? retryDefaults.factor,
    },
    timeoutMs: step.timeout === undefined ? stepTimeoutMsDefault : durationMs(step.timeout),
  }
}
