// Everything that can be told of a workflow before it runs: names, types, edges and columns, all at once.

import type { DatasetPlan, Diagnostic, JsonValue, Validation, WorkflowDocument } from '@meshwork/contracts'
import { checkWorkflow, contractsOf, diagnosticOf, inOrder, type KnownStage } from '../definition/check.ts'
import type { ReadDocument } from '../definition/read.ts'
import { defaultsOf } from '../typing/check-types.ts'
import { scopeTypes } from '../typing/scope-types.ts'
import { expand, type Schema } from '../typing/schema.ts'
import { planColumns, type StagePlanner } from './columns.ts'
import { orderOf } from './order.ts'
import { needsOf } from './plan.ts'

export interface Survey {
  /** undefined where the document is not one, or goes round in a circle. */
  readonly document: WorkflowDocument | undefined
  readonly diagnostics: readonly Diagnostic[]
  readonly columns: Validation['columns']
  readonly datasets: ReadonlyMap<string, Readonly<Record<string, DatasetPlan>>>
  readonly types: ReadonlyMap<string, Schema>
}

/** `params` are those of a run; without them the defaults stand for what has one. */
export async function survey(
  read: ReadDocument,
  stages: readonly KnownStage[],
  planner: StagePlanner,
  params?: Readonly<Record<string, JsonValue>>,
): Promise<Survey> {
  const { document, diagnostics } = checkWorkflow(read, stages)
  if (!document) return { document, diagnostics, columns: 'not-checked', datasets: new Map(), types: new Map() }
  const contractOf = contractsOf(document, stages)
  const types = scopeTypes(document, step => {
    const contract = contractOf(step)
    return contract && expand(contract.output)
  })
  const wrong = new Set(diagnostics.flatMap(({ severity, step }) => (severity === 'error' && step ? [step] : [])))
  const needs = needsOf(document)
  const order = orderOf(needs)
  const ordered = new Map(order.names.map(name => [name, needs.get(name) ?? []]))
  const known = params ?? defaultsOf(document)
  const columns = await planColumns({ document, needs: ordered, params: known, types, wrong }, planner)
  const found = columns.findings.map(finding => diagnosticOf(read, document, finding))
  return {
    document,
    diagnostics: inOrder([...diagnostics, ...found]),
    columns: columns.complete ? 'checked' : 'partly',
    datasets: columns.datasets,
    types,
  }
}

export const errorsOf = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  diagnostics.filter(({ severity }) => severity === 'error')
