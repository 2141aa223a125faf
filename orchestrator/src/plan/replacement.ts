// Which registered workflows would a new version of a stage break? Each is surveyed as it is registered, once with the
// version that is running and once with the new one in its place; what is new among the errors is told.

import { type Diagnostic, type ReplacementCheck } from '@meshwork/contracts'
import type { KnownStage } from '../definition/check.ts'
import { readDocument } from '../definition/read.ts'
import type { WorkflowRow } from '../store/rows.ts'
import type { StagePlanner } from './columns.ts'
import { errorsOf, survey } from './survey.ts'

export interface Mesh {
  readonly stages: readonly KnownStage[]
  readonly planner: StagePlanner
}

export async function brokenWorkflows(
  rows: readonly WorkflowRow[],
  now: Mesh,
  then: Mesh,
): Promise<ReplacementCheck['breaks']> {
  const found: ReplacementCheck['breaks'] = []
  for (const row of rows) {
    const before = new Set((await errors(row, now)).map(keyOf))
    const diagnostics = (await errors(row, then)).filter(error => !before.has(keyOf(error)))
    if (diagnostics.length > 0) found.push({ workflow: row.name, version: row.version, diagnostics })
  }
  return found
}

async function errors(row: WorkflowRow, { stages, planner }: Mesh): Promise<Diagnostic[]> {
  const read = readDocument(row.source)
  if (read.kind === 'unreadable') return []
  return errorsOf((await survey(read.document, stages, planner)).diagnostics)
}

const keyOf = ({ code, pointer, message }: Diagnostic): string => JSON.stringify([code, pointer, message])
