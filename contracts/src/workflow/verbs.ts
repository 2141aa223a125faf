// What can be asked of runs, and the answers.

import Type, { type Static } from 'typebox'
import { Problem } from '../problem.ts'
import { SemanticVersion, StageName } from '../protocol/stage.ts'
import { Closed, Json, MapOf, Nullable, OneOf, Sha256 } from '../schema.ts'
import { StepName, WorkflowName } from './document.ts'
import { RunId, RunStart, RunStatus, RunView, StepStatus } from './run.ts'

const StepNames = (description: string, minItems = 0) =>
  Type.Array(StepName, { minItems, maxItems: 256, uniqueItems: true, description })

export const RerunRequest = Closed(
  { from: StepNames('Steps that run again, with all that follow them.', 1) },
  { title: 'RerunRequest', examples: [{ from: ['predict'] }] },
)
export type RerunRequest = Static<typeof RerunRequest>

export const ForkRequest = Closed(
  {
    params: Type.Optional(
      MapOf(Json, { maxProperties: 256, description: 'Parameters that are other than those of the run.' }),
    ),
    from: Type.Optional(StepNames('Steps that run again even if their input stays the same, with all that follow.')),
    cache: Type.Optional(Type.Boolean({ description: 'As at the start of a run. Default: as the run.' })),
  },
  { title: 'ForkRequest', examples: [{ params: { model: 'flight-delay-2' } }] },
)
export type ForkRequest = Static<typeof ForkRequest>

/** What would run again, and what would keep its output. */
export const AgainView = Closed(
  {
    dryRun: Type.Literal(true),
    runs: Type.Array(
      Closed({
        name: StepName,
        reason: OneOf(['asked', 'follows', 'not-done', 'input-changed'], {
          description:
            'asked: named in the request. follows: comes after one that runs again. not-done: has no output yet. input-changed: would be called with another input.',
        }),
      }),
      { maxItems: 2000 },
    ),
    keeps: Type.Array(StepName, { maxItems: 2000 }),
  },
  {
    title: 'Again',
    examples: [{ dryRun: true, runs: [{ name: 'predict', reason: 'asked' }], keeps: ['ingest', 'features'] }],
  },
)
export type AgainView = Static<typeof AgainView>

const Side = Nullable(
  Closed({
    status: StepStatus,
    stage: StageName,
    version: Nullable(SemanticVersion),
    attempts: Type.Integer({ minimum: 0 }),
    rows: Nullable(Type.Integer({ minimum: 0 })),
    seconds: Nullable(Type.Number({ minimum: 0 })),
    inputHash: Nullable(Sha256),
    outputHash: Nullable(Sha256),
  }),
)
const Difference = Closed({ name: Type.String(), left: Json, right: Json }, { description: 'null: it is not there.' })
const Pair = <T extends Type.TSchema>(item: T) => ({ left: item, right: item })

export const RunComparison = Closed(
  {
    left: RunView,
    right: RunView,
    same: Type.Boolean({ description: 'Nothing but times differs.' }),
    workflow: Closed({ same: Type.Boolean(), ...Pair(Type.String({ description: 'name@version' })) }),
    seconds: Closed(Pair(Nullable(Type.Number())), { description: 'First step to end.' }),
    params: Type.Array(Difference, { description: 'Those that differ.' }),
    steps: Type.Array(
      Closed({
        name: StepName,
        differs: Type.Array(OneOf(['presence', 'status', 'version', 'input', 'output']), {
          description: 'Empty: the same. presence: only one of the runs has it.',
        }),
        ...Pair(Side),
      }),
    ),
    outputs: Type.Array(Difference, { description: 'Those that differ.' }),
    firstDifference: Nullable(Type.String({ description: 'The first step, in the order of the plan, that differs.' })),
  },
  { title: 'RunComparison' },
)
export type RunComparison = Static<typeof RunComparison>

export const explanations = [
  'done',
  'failed',
  'cancelled',
  'skipped',
  'not-begun',
  'running',
  'limited',
  'needs',
  'retrying',
  'no-deployment',
  'cancelling',
  'paused',
  'queued',
  'starting',
] as const

export const RunExplanation = Closed(
  {
    id: RunId,
    status: RunStatus,
    reason: OneOf(['ended', 'cancelling', 'paused', 'queued', 'running']),
    detail: Type.String(),
    steps: Type.Array(
      Closed({
        name: StepName,
        status: StepStatus,
        reason: OneOf(explanations, { description: 'running: also while it waits, which its status tells.' }),
        detail: Type.String({ description: 'The reason in words.' }),
        waitsFor: Type.Array(StepName, { description: 'Steps that have no output yet.' }),
        until: Nullable(
          Type.String({ format: 'date-time', description: 'When it is tried again, or its wait is over.' }),
        ),
      }),
      { description: 'In the order of the plan.' },
    ),
  },
  { title: 'RunExplanation' },
)
export type RunExplanation = Static<typeof RunExplanation>

export const bulkMax = 1000

export const BulkStart = Closed(
  {
    runs: Type.Array(
      Closed({
        ...RunStart.properties,
        idempotencyKey: Type.Optional(
          Type.String({ minLength: 1, maxLength: 256, description: 'As the header of a single start.' }),
        ),
      }),
      { minItems: 1, maxItems: bulkMax },
    ),
  },
  {
    title: 'BulkStart',
    examples: [
      { runs: [{ workflow: 'score', params: { least: 1 }, idempotencyKey: 'monday' }, { workflow: 'score' }] },
    ],
  },
)
export type BulkStart = Static<typeof BulkStart>

export const BulkCancel = Closed(
  {
    ids: Type.Optional(Type.Array(Type.String({ format: 'uuid' }), { minItems: 1, maxItems: bulkMax })),
    workflow: Type.Optional(WorkflowName),
  },
  {
    title: 'BulkCancel',
    description: 'Either `ids`, or `workflow`: its oldest runs that have not ended, at most 1,000 at a time.',
    examples: [{ workflow: 'score' }],
  },
)
export type BulkCancel = Static<typeof BulkCancel>

export const BulkAnswer = Closed(
  {
    items: Type.Array(
      Closed({
        id: Nullable(RunId),
        status: Type.Integer({ description: 'As the status of a single request.' }),
        problem: Nullable(Problem),
      }),
      { maxItems: bulkMax, description: 'In the order of the request.' },
    ),
    done: Type.Integer({ minimum: 0, description: 'Items without a problem.' }),
  },
  { title: 'BulkAnswer' },
)
export type BulkAnswer = Static<typeof BulkAnswer>

export const RetentionView = Closed(
  {
    dryRun: Type.Boolean(),
    keepSeconds: Nullable(
      Type.Integer({ minimum: 1, description: 'For how long an ended run is kept; null: for ever.' }),
    ),
    runs: Type.Integer({ minimum: 0 }),
    steps: Type.Integer({ minimum: 0 }),
    events: Type.Integer({ minimum: 0 }),
  },
  { title: 'Retention', examples: [{ dryRun: true, keepSeconds: 2_592_000, runs: 12, steps: 72, events: 190 }] },
)
export type RetentionView = Static<typeof RetentionView>
