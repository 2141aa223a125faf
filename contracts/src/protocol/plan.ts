// What `POST /v1/<stage>/plan` takes and answers. The request is the body of the call itself, in which three shapes
// stand for what is known only when the workflow runs: a DatasetPlan for a DatasetRef, an ArtefactPlan for an
// ArtefactRef, and an UnknownValue for any other value.

import Type, { type Static } from 'typebox'
import { Column, datasetColumnsMax } from '../dataset.ts'
import { Closed, MapOf, OneOf } from '../schema.ts'

/** A dataset of which only columns are known. */
export const DatasetPlan = Closed(
  {
    kind: Type.Literal('dataset'),
    columns: Type.Array(Column, { maxItems: datasetColumnsMax, description: 'The columns that are known, in order.' }),
    open: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'There may be further columns, which depend on the data: a column that is not listed may exist.',
      }),
    ),
  },
  {
    title: 'DatasetPlan',
    description: 'A dataset before it exists: what stands for a DatasetRef in a plan.',
    examples: [{ kind: 'dataset', columns: [{ name: 'delay', type: 'int64' }] }],
  },
)
export type DatasetPlan = Static<typeof DatasetPlan>

/** A file that does not exist yet. */
export const ArtefactPlan = Closed(
  { kind: Type.Literal('artefact') },
  { title: 'ArtefactPlan', description: 'A file before it exists: what stands for an ArtefactRef in a plan.' },
)
export type ArtefactPlan = Static<typeof ArtefactPlan>

export const UnknownValue = Closed(
  { kind: Type.Literal('unknown') },
  { title: 'UnknownValue', description: 'A value that is known only when the workflow runs.' },
)
export type UnknownValue = Static<typeof UnknownValue>

export const planFindingsMax = 200

export const PlanFinding = Closed(
  {
    severity: OneOf(['error', 'warning'], {
      description: 'error: the call would fail. warning: it cannot be told before the call whether it would.',
    }),
    pointer: Type.String({
      maxLength: 2000,
      description: 'JSON pointer into the request.',
      examples: ['/rules/0/where'],
    }),
    code: Type.String({ pattern: '^[A-Z][A-Z0-9_]*$', maxLength: 100, examples: ['MESHWORK_COLUMN_MISSING'] }),
    detail: Type.String({ maxLength: 2000, description: 'What is wrong, and the way out.' }),
  },
  { title: 'PlanFinding' },
)
export type PlanFinding = Static<typeof PlanFinding>

/** The answer: every finding at once, and the datasets that the call would answer with. */
export const StagePlan = Closed(
  {
    datasets: MapOf(DatasetPlan, {
      maxProperties: 64,
      description:
        'JSON pointer into the answer of the call and the dataset that stands there. A dataset of which nothing is known is left out.',
      examples: [{ '/dataset': { kind: 'dataset', columns: [{ name: 'delay', type: 'int64' }] } }],
    }),
    findings: Type.Array(PlanFinding, { maxItems: planFindingsMax, description: 'Empty when nothing is wrong.' }),
  },
  { title: 'StagePlan' },
)
export type StagePlan = Static<typeof StagePlan>
