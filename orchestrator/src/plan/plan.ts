// The plan of a workflow: steps in order, with what each needs and its numbers written out. It is stored with a run,
// so that a run keeps what it was planned with. Pure.

import type { JsonValue, WorkflowDocument } from '@meshwork/contracts'
import { expressionsOf, readTemplate, type TemplateFault } from '../definition/template.ts'
import type { Schema } from '../typing/schema.ts'
import { durationMs } from './duration.ts'
import { orderOf } from './order.ts'

export interface RetryPlan {
  readonly attempts: number
  readonly backoffMs: number
  readonly maxBackoffMs: number
  readonly factor: number
}

export interface PlanStep {
  readonly name: string
  readonly stage: string
  readonly major: number
  readonly with: JsonValue
  readonly needs: readonly string[]
  readonly retry: RetryPlan
  /** Milliseconds for one attempt. */
  readonly timeoutMs: number
}

export interface Plan {
  readonly steps: readonly PlanStep[]
  readonly outputs: JsonValue
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
  return {
    steps: order.names.map(name => stepOf(document, name, needs.get(name) ?? [])),
    outputs: document.outputs ?? {},
    ...(read && { types: read }),
  }
}

/** Of the types only those that a computed expression reads: the plan is stored with every run. */
function typesRead(document: WorkflowDocument, types: ReadonlyMap<string, Schema>): Schema | undefined {
  const inputs = [...Object.values(document.steps).map(step => step.with ?? {}), document.outputs ?? {}]
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
      const faults: TemplateFault[] = []
      const referred = expressionsOf(readTemplate(step.with ?? {}, '', faults), '')
        .flatMap(({ expression }) => expression.reads)
        .flatMap(([root, other]) => (root === 'steps' && other !== undefined ? [other] : []))
      const all = new Set([...referred, ...(step.needs ?? [])])
      return [
        name,
        [...all].filter(other => place.has(other)).sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0)),
      ]
    }),
  )
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

function stepOf(document: WorkflowDocument, name: string, needs: readonly string[]): PlanStep {
  const step = document.steps[name]
  if (!step) throw new Error(`no step ${name}`)
  const [stage, major] = step.stage.split('@') as [string, string]
  const { retry = {} } = step
  return {
    name,
    stage,
    major: Number(major),
    with: step.with ?? {},
    needs,
    retry: {
      attempts: retry.attempts ?? retryDefaults.attempts,
      backoffMs: retry.backoff === undefined ? retryDefaults.backoffMs : durationMs(retry.backoff),
      maxBackoffMs: retry.maxBackoff === undefined ? retryDefaults.maxBackoffMs : durationMs(retry.maxBackoff),
      factor: retry.factor ?? retryDefaults.factor,
    },
    timeoutMs: step.timeout === undefined ? stepTimeoutMsDefault : durationMs(step.timeout),
  }
}
