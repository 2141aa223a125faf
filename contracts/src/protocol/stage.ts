// Shapes of stage protocol v1 that are the same for every stage.

import Type, { type Static } from 'typebox'
import { Problem } from '../problem.ts'
import { Closed, Json, MapOf, OneOf, Sha256 } from '../schema.ts'

export const StageName = Type.String({
  pattern: '^[a-z][a-z0-9-]{0,62}$',
  description: 'Name of a kind of module: lower-case letters, digits and hyphens.',
  examples: ['clean'],
})

export const SemanticVersion = Type.String({
  pattern: '^\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?$',
  maxLength: 64,
  examples: ['1.4.0'],
})

/** `GET /v1/stage` */
export const StageInfo = Type.Object(
  {
    name: StageName,
    version: SemanticVersion,
    summary: Type.String({ maxLength: 500 }),
    contracts: Type.Array(
      Type.Object({
        major: Type.Integer({ minimum: 1 }),
        path: Type.String({ examples: ['/v1/clean'] }),
        input: Type.Unsafe<object>({ type: 'object', description: 'JSON Schema of the request body.' }),
        output: Type.Unsafe<object>({ type: 'object', description: 'JSON Schema of the answer body.' }),
        deprecated: Type.Optional(
          Type.String({ format: 'date', description: 'Since when it should not be used for new work.' }),
        ),
        sunset: Type.Optional(Type.String({ format: 'date', description: 'From when it may be gone.' })),
      }),
      { minItems: 1, maxItems: 16 },
    ),
    columns: Type.Object(
      {
        requires: Type.Array(Type.String(), {
          maxItems: 1024,
          description: 'Columns that every input dataset must have.',
        }),
        produces: Type.Array(Type.String(), { maxItems: 1024, description: 'Columns that are always in the output.' }),
      },
      { description: 'Columns that do not depend on parameters; the plan endpoint tells the rest.' },
    ),
    capabilities: Type.Object({
      plan: Type.Boolean({ description: 'POST /v1/<stage>/plan is implemented.' }),
      progress: Type.Boolean({ description: 'Accept: text/event-stream is answered with progress.' }),
      idempotency: Type.Boolean({ description: 'Idempotency-Key is honoured.' }),
    }),
  },
  { title: 'StageInfo' },
)
export type StageInfo = Static<typeof StageInfo>

/** Data of a `progress` event. */
export const Progress = Closed(
  {
    fraction: Type.Number({ minimum: 0, maximum: 1, description: 'Share of the work that is done.' }),
    rows: Type.Optional(Type.Integer({ minimum: 0, description: 'Rows done so far.' })),
    message: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { title: 'Progress' },
)
export type Progress = Static<typeof Progress>

/** Data of a `result` event: the answer body and what stands in headers otherwise. */
export const StageResult = Closed(
  { output: Json, version: SemanticVersion, inputHash: Sha256, outputHash: Sha256 },
  { title: 'StageResult' },
)
export type StageResult = Static<typeof StageResult>

/** Data of a `problem` event. */
export { Problem as ProblemEvent }

/** `GET /healthz` and `GET /readyz` */
export const Health = Closed(
  {
    status: OneOf(['ok', 'starting', 'draining', 'failing']),
    service: Type.String(),
    version: Type.String(),
    checks: Type.Optional(
      MapOf(Type.String(), { maxProperties: 32, description: 'Name of a check and what it found.' }),
    ),
  },
  { title: 'Health' },
)
export type Health = Static<typeof Health>
