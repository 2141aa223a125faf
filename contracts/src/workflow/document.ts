// A workflow document as people write it, in YAML or JSON.

import Type, { type Static } from 'typebox'
import { Closed, Json, MapOf, OneOf } from '../schema.ts'

export const WorkflowName = Type.String({
  pattern: '^[a-z][a-z0-9-]{0,62}$',
  description: 'Lower-case letters, digits and hyphens.',
  examples: ['flight-delays'],
})
export const StepName = Type.String({
  pattern: '^[a-z][A-Za-z0-9_]{0,62}$',
  description: 'Letters, digits and underscores, so that expressions can name it: steps.<name>.',
  examples: ['predict'],
})

export const paramTypes = ['string', 'integer', 'number', 'boolean', 'object', 'array', 'dataset', 'artefact'] as const
export const Param = Closed(
  {
    type: OneOf(paramTypes),
    description: Type.Optional(Type.String({ maxLength: 1000 })),
    default: Type.Optional(Json),
  },
  { title: 'Param', description: 'A parameter of the workflow. Without a default it must be given at every start.' },
)
export type Param = Static<typeof Param>

/** "90s", "10m", "500ms", "2h", or a number of seconds. */
export const Duration = Type.Union(
  [
    Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h)$', maxLength: 16 }),
    Type.Number({ exclusiveMinimum: 0, maximum: 86_400 }),
  ],
  {
    description: 'Time with its unit (500ms, 90s, 10m, 2h), or a number of seconds; at most a day.',
    examples: ['10m'],
  },
)
export type Duration = Static<typeof Duration>

/** As `Duration`, for waits and ages: up to a year. */
export const WaitTime = Type.Union(
  [
    Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$', maxLength: 16 }),
    Type.Number({ exclusiveMinimum: 0, maximum: 31_536_000 }),
  ],
  {
    description: 'Time with its unit (90s, 10m, 2h, 7d), or a number of seconds; at most 365 days.',
    examples: ['7d'],
  },
)
export type WaitTime = Static<typeof WaitTime>

const answerInputs = Type.Optional(
  MapOf(Param, {
    maxProperties: 64,
    description:
      'What the answer holds, as `params` of a workflow; later steps read it as steps.<name>.inputs.<input>.',
  }),
)
const expires = Type.Optional(WaitTime)

/** Exactly one of its members. */
export const Wait = Closed(
  {
    for: Type.Optional(WaitTime),
    until: Type.Optional(
      Type.String({
        maxLength: 4096,
        description: 'A time (RFC 3339), or an expression that gives one. One that has passed is not waited for.',
        examples: ['2027-01-01T06:00:00Z', '${params.at}'],
      }),
    ),
    signal: Type.Optional(
      Closed(
        { inputs: answerInputs, expires },
        {
          description: 'Until POST /v1/runs/{id}/steps/{step}/signal. One that came before the step was begun counts.',
        },
      ),
    ),
    approval: Type.Optional(
      Closed(
        {
          message: Type.Optional(
            Type.String({ maxLength: 4096, description: 'What is asked of the person; ${ } as in `with`.' }),
          ),
          inputs: answerInputs,
          expires,
        },
        {
          description:
            'Until POST /v1/runs/{id}/steps/{step}/approve, or /reject, with which the step fails: onError says what comes of that.',
        },
      ),
    ),
  },
  { title: 'Wait', minProperties: 1, maxProperties: 1 },
)
export type Wait = Static<typeof Wait>

export const Retry = Closed(
  {
    attempts: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 5, description: 'Calls in all, the first one included.' }),
    ),
    backoff: Type.Optional(Duration),
    maxBackoff: Type.Optional(Duration),
    factor: Type.Optional(Type.Number({ minimum: 1, maximum: 10, default: 2 })),
  },
  {
    title: 'Retry',
    description:
      'Wait before attempt n + 1: a random time up to backoff × factor^(n-1), at most maxBackoff (full jitter), and at least what Retry-After says. Defaults: 5 attempts, 1 s, 30 s, 2.',
  },
)
export type Retry = Static<typeof Retry>

export const Step = Closed(
  {
    stage: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9-]{0,62}@[1-9][0-9]{0,3}$',
        description: 'Stage and major version of its contract. A step has this, `wait` or `workflow`.',
        examples: ['clean@1'],
      }),
    ),
    wait: Type.Optional(Wait),
    workflow: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9-]{0,62}@[1-9][0-9]{0,8}$',
        description:
          'Another workflow, in one of its versions, that is run instead: `with` are its parameters, its outputs are those of the step.',
        examples: ['score@1'],
      }),
    ),
    with: Type.Optional(
      MapOf(Json, { maxProperties: 256, description: 'The body of the call; ${ } holds references and expressions.' }),
    ),
    needs: Type.Optional(
      Type.Array(StepName, {
        maxItems: 256,
        uniqueItems: true,
        description: 'Steps that must finish first, besides those referred to.',
      }),
    ),
    when: Type.Optional(
      Type.String({
        maxLength: 4096,
        description:
          'A condition, as ${params.full} or ${steps.predict.rows > 0}. Where it is false the step is skipped, and with it what needs its output.',
        examples: ['${steps.predict.rows > 0}'],
      }),
    ),
    forEach: Type.Optional(
      Type.Union([Type.String({ maxLength: 4096 }), Type.Array(Json, { maxItems: 1000 })], {
        description:
          'A list, or an expression that gives one, of at most 50000 items. The stage is called once for each, with ${item} and ${index} in `with`; the output of the step is { items: […] }, in the order of the list.',
        examples: ['${params.days}', [2001, 2002]],
      }),
    ),
    concurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 256,
        default: 8,
        description: 'With forEach: items that are called at one time at the most.',
      }),
    ),
    onError: Type.Optional(
      OneOf(['fail', 'continue', 'fallback'], {
        default: 'fail',
        description:
          'When its attempts are spent. fail: the run fails. continue: the run goes on without the step, as if it were skipped. fallback: `fallback` stands for its output.',
      }),
    ),
    fallback: Type.Optional(
      MapOf(Json, {
        maxProperties: 256,
        description:
          'With onError: fallback, what stands for the output; ${ } as in `with`. With forEach it stands for the output of the item that failed.',
      }),
    ),
    finally: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Runs after all other steps have ended, also when the run fails; not when it is cancelled.',
      }),
    ),
    retry: Type.Optional(Retry),
    cache: Type.Optional(
      Type.Union([Type.Boolean(), Closed({ maxAge: WaitTime })], {
        default: true,
        description:
          'In runs with `cache`: false, and its stage is always called; maxAge, and no output that was recorded longer ago is reused.',
        examples: [false, { maxAge: '24h' }],
      }),
    ),
    timeout: Type.Optional(Duration),
    description: Type.Optional(Type.String({ maxLength: 1000 })),
  },
  { title: 'Step' },
)
export type Step = Static<typeof Step>

export const workflowStepsMax = 2000
/** Items of one `forEach`. */
export const stepItemsMax = 50_000
export const stepConcurrencyDefault = 8

export const Limits = Closed(
  {
    runs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'Runs of the workflow that are under way at one time, those that wait or are paused included.',
      }),
    ),
    starts: Type.Optional(
      Closed(
        { count: Type.Integer({ minimum: 1, maximum: 10_000 }), per: Duration },
        { description: 'Runs that begin within any time of this length.', examples: [{ count: 10, per: '1m' }] },
      ),
    ),
  },
  {
    title: 'Limits',
    minProperties: 1,
    description:
      'Over all orchestrators. A run over them is accepted and waits; the one that was accepted first is the first to begin. Runs of versions without limits are not counted.',
    examples: [{ runs: 2 }],
  },
)
export type Limits = Static<typeof Limits>

export const WorkflowDocument = Closed(
  {
    name: WorkflowName,
    description: Type.Optional(Type.String({ maxLength: 4000 })),
    params: Type.Optional(MapOf(Param, { maxProperties: 256 })),
    timeout: Type.Optional(Duration),
    limits: Type.Optional(Limits),
    steps: MapOf(Step, { minProperties: 1, maxProperties: workflowStepsMax }),
    outputs: Type.Optional(
      MapOf(Json, { maxProperties: 256, description: 'What the run answers with; ${ } as in steps.' }),
    ),
  },
  { title: 'WorkflowDocument' },
)
export type WorkflowDocument = Static<typeof WorkflowDocument>
