import Type, { type Static } from 'typebox'
import { Sha256, Json, MapOf, Nullable } from '../schema.ts'

/** What `${run}` gives a step: the run so far, as far as the step comes after it. */
export const RunContext = Type.Object(
  {
    id: Type.String({ maxLength: 64 }),
    workflow: Type.String({ maxLength: 64 }),
    version: Type.Integer({ minimum: 1, description: 'Version of the workflow document.' }),
    startedAt: Type.String({ format: 'date-time' }),
    params: MapOf(Json, { maxProperties: 256 }),
    steps: Type.Array(
      Type.Object({
        name: Type.String({ maxLength: 64 }),
        stage: Type.String({ maxLength: 64 }),
        version: Type.String({ maxLength: 64 }),
        rows: Nullable(Type.Integer({ minimum: 0 })),
        seconds: Nullable(Type.Number({ minimum: 0 })),
        inputHash: Nullable(Sha256),
        outputHash: Nullable(Sha256),
      }),
      {
        maxItems: 2000,
        description: 'Finished steps that the step depends on, directly or not, in order of the plan.',
      },
    ),
  },
  { title: 'RunContext' },
)
export type RunContext = Static<typeof RunContext>
