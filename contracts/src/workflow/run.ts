// Workflows, runs and steps as the orchestrator answers them.

import Type, { type Static, type TSchema } from 'typebox'
import { Problem } from '../problem.ts'
import { SemanticVersion, StageName } from '../protocol/stage.ts'
import { Closed, Json, MapOf, Nullable, OpenOneOf, Sha256 } from '../schema.ts'
import { Duration, StepName, WorkflowName } from './document.ts'

const Time = (description: string) => Type.String({ format: 'date-time', description })

export const runStatuses = ['queued', 'running', 'waiting', 'paused', 'succeeded', 'failed', 'cancelled'] as const
export const RunStatus = OpenOneOf(runStatuses, {
  title: 'RunStatus',
  description:
    'waiting: for a time or an answer, and nothing else is left to do. paused: no step starts until it is resumed. The last three are final.',
})
export type RunStatus = Static<typeof RunStatus>

export const stepStatuses = [
  'pending',
  'running',
  'retrying',
  'waiting',
  'succeeded',
  'failed',
  'cancelled',
  'skipped',
  'reused',
  'fallback',
] as const
export const StepStatus = OpenOneOf(stepStatuses, {
  title: 'StepStatus',
  description:
    'retrying: waits for its next attempt. waiting: for a time, a signal or an approval. skipped: a step before it did not succeed. reused: its recorded output stood for it. fallback: it failed, and its fallback stands for its output.',
})
export type StepStatus = Static<typeof StepStatus>

export const RunId = Type.String({
  pattern: '^[0-9a-z]{26}$|^[0-9a-f-]{36}$',
  examples: ['01890a5d-ac96-774b-bcce-b302099a8057'],
})

/** A version of a registered workflow. */
export const WorkflowView = Closed(
  {
    name: WorkflowName,
    version: Type.Integer({
      minimum: 1,
      description: 'Grows by one with each change; registering the same document again keeps it.',
    }),
    hash: Sha256,
    description: Nullable(Type.String()),
    params: MapOf(Json, { maxProperties: 256 }),
    steps: Type.Array(
      Closed({ name: StepName, stage: StageName, major: Type.Integer({ minimum: 1 }), needs: Type.Array(StepName) }),
      { description: 'In the order of the plan.' },
    ),
    createdAt: Time('When this version was registered.'),
  },
  { title: 'Workflow' },
)
export type WorkflowView = Static<typeof WorkflowView>

export const RunStart = Closed(
  {
    workflow: WorkflowName,
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'Default: the newest.' })),
    params: Type.Optional(MapOf(Json, { maxProperties: 256 })),
    cache: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Reuse recorded outputs of earlier runs: same stage version, same parameters, same inputs.',
      }),
    ),
  },
  { title: 'RunStart' },
)
export type RunStart = Static<typeof RunStart>

export const RunView = Closed(
  {
    id: RunId,
    workflow: WorkflowName,
    version: Type.Integer({ minimum: 1 }),
    status: RunStatus,
    params: MapOf(Json, { maxProperties: 256 }),
    outputs: Nullable(MapOf(Json, { maxProperties: 256 })),
    problem: Nullable(Problem),
    parent: Nullable(
      Closed({ run: RunId, step: StepName }, { description: 'The step of another run that it was started for.' }),
    ),
    forkedFrom: Nullable(Type.String({ format: 'uuid', description: 'The run it was forked from.' })),
    createdAt: Time('Acknowledged.'),
    startedAt: Nullable(Time('First step dispatched.')),
    endedAt: Nullable(Time('Reached a final status.')),
  },
  { title: 'Run' },
)
export type RunView = Static<typeof RunView>

export const StepView = Closed(
  {
    name: StepName,
    stage: StageName,
    version: Nullable(SemanticVersion),
    status: StepStatus,
    attempts: Type.Integer({ minimum: 0 }),
    generation: Type.Integer({
      minimum: 1,
      description: 'Grows by one with each rerun of the step; part of the idempotency key of its calls.',
    }),
    rows: Nullable(Type.Integer({ minimum: 0, description: '`rows` of the output, where there is one.' })),
    seconds: Nullable(Type.Number({ minimum: 0, description: 'Duration of the last attempt.' })),
    progress: Nullable(
      Closed({ fraction: Type.Number(), rows: Nullable(Type.Integer()), message: Nullable(Type.String()) }),
    ),
    inputHash: Nullable(Sha256),
    outputHash: Nullable(Sha256),
    output: Nullable(Json),
    problem: Nullable(Problem),
    items: Nullable(
      Closed({
        total: Type.Integer({ minimum: 0 }),
        done: Type.Integer({ minimum: 0, description: 'Have an output.' }),
        running: Type.Integer({ minimum: 0 }),
        retrying: Type.Integer({ minimum: 0 }),
        failed: Type.Integer({ minimum: 0 }),
      }),
    ),
    startedAt: Nullable(Time('First attempt.')),
    endedAt: Nullable(Time('Final status.')),
  },
  { title: 'StepState' },
)
export type StepView = Static<typeof StepView>

/** One item of a step with `forEach`, once it was begun. */
export const StepItemView = Closed(
  {
    index: Type.Integer({ minimum: 0, description: 'Its place in the list, from 0.' }),
    version: Nullable(SemanticVersion),
    status: StepStatus,
    attempts: Type.Integer({ minimum: 0 }),
    rows: Nullable(Type.Integer({ minimum: 0 })),
    seconds: Nullable(Type.Number({ minimum: 0, description: 'Duration of the last attempt.' })),
    inputHash: Nullable(Sha256),
    outputHash: Nullable(Sha256),
    output: Nullable(Json),
    problem: Nullable(Problem),
    startedAt: Nullable(Time('First attempt.')),
    endedAt: Nullable(Time('Final status.')),
  },
  { title: 'StepItem' },
)
export type StepItemView = Static<typeof StepItemView>

export const eventTypes = [
  'run.created',
  'run.started',
  'run.succeeded',
  'run.failed',
  'run.cancelling',
  'run.cancelled',
  'run.recovered',
  'run.waiting',
  'run.woken',
  'run.limited',
  'run.pausing',
  'run.paused',
  'run.resumed',
  'run.retried',
  'run.rerun',
  'step.started',
  'step.progress',
  'step.retrying',
  'step.succeeded',
  'step.failed',
  'step.cancelled',
  'step.skipped',
  'step.reused',
  'step.fallback',
  'step.waiting',
  'step.signalled',
  'step.limited',
  'step.stuck',
  'step.called',
] as const

/** One entry of a run's append-only log; the `data` of an SSE event whose id is `id`. */
export const RunEvent = Closed(
  {
    id: Type.Integer({
      minimum: 1,
      description: 'Grows within a run; send it back as Last-Event-ID to go on after it.',
    }),
    runId: RunId,
    type: OpenOneOf(eventTypes),
    step: Nullable(StepName),
    attempt: Nullable(Type.Integer({ minimum: 1 })),
    at: Time('When it was recorded.'),
    data: MapOf(Json, { maxProperties: 32 }),
  },
  { title: 'RunEvent' },
)
export type RunEvent = Static<typeof RunEvent>

/** Body of a signal, an approval or a rejection. */
export const WaitAnswer = Closed(
  {
    inputs: Type.Optional(MapOf(Json, { maxProperties: 64, description: 'As the step declares them.' })),
    by: Type.Optional(Type.String({ maxLength: 200, description: 'Who says so.', examples: ['ann@example.org'] })),
    comment: Type.Optional(Type.String({ maxLength: 4000 })),
  },
  { title: 'WaitAnswer', examples: [{ by: 'ann@example.org', comment: 'looks right' }] },
)
export type WaitAnswer = Static<typeof WaitAnswer>

/** A step that waits. */
export const WaitView = Closed(
  {
    run: RunId,
    workflow: WorkflowName,
    step: StepName,
    kind: OpenOneOf(['time', 'signal', 'approval']),
    message: Nullable(Type.String({ description: 'What is asked of the person.' })),
    inputs: MapOf(Json, { maxProperties: 64, description: 'What the answer is to hold.' }),
    since: Time('When it was begun.'),
    until: Nullable(Time('When it goes on by itself, or expires.')),
  },
  { title: 'Wait' },
)
export type WaitView = Static<typeof WaitView>

/** Page of a list. */
export const Page = <T extends TSchema>(item: T, title: string) =>
  Closed(
    {
      items: Type.Array(item, { maxItems: 1000 }),
      next: Nullable(Type.String({ description: 'Cursor of the next page.' })),
    },
    { title },
  )

export const DeploymentView = Closed(
  {
    stage: StageName,
    url: Type.String({ maxLength: 2048 }),
    version: Nullable(SemanticVersion),
    majors: Type.Array(Type.Integer({ minimum: 1 })),
    status: OpenOneOf(['ready', 'unready', 'unreachable', 'unknown', 'ejected'], {
      description: 'ejected: it failed call after call, and is left alone for a while.',
    }),
    checkedAt: Nullable(Time('Last look.')),
  },
  { title: 'Deployment' },
)
export type DeploymentView = Static<typeof DeploymentView>

export const StageLimit = Closed(
  {
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'Calls in flight at one time.' }),
    ),
    count: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: 'Calls that begin within any time of length `per`.' }),
    ),
    per: Type.Optional(Duration),
  },
  {
    title: 'StageLimit',
    description: 'Of the calls of a stage, over all orchestrators. `count` and `per` belong together.',
    examples: [{ concurrency: 4 }, { count: 100, per: '1m' }],
  },
)
export type StageLimit = Static<typeof StageLimit>

export const StageLimitView = Closed(
  {
    stage: StageName,
    concurrency: Nullable(Type.Integer({ minimum: 1 })),
    count: Nullable(Type.Integer({ minimum: 1 })),
    per: Nullable(Type.String()),
    inFlight: Nullable(
      Type.Integer({
        minimum: 0,
        description:
          'Calls in flight over all orchestrators, as those last said; counted where there is `concurrency`.',
      }),
    ),
    waiting: Type.Integer({
      minimum: 0,
      description: 'Calls that wait for a place or their turn at the orchestrator that answers.',
    }),
    updatedAt: Time('When it was set.'),
  },
  { title: 'StageLimitView' },
)
export type StageLimitView = Static<typeof StageLimitView>
