// How requests that name no version are spread over the versions of a model: models/<name>/traffic.json.

import Type, { type Static } from 'typebox'

const Version = Type.String({ pattern: '^[1-9][0-9]{0,8}$' })

export const ModelTraffic = Type.Object(
  {
    schema: Type.Literal('meshwork.traffic/1'),
    weights: Type.Record(Version, Type.Number({ minimum: 0, maximum: 1_000_000 }), {
      minProperties: 1,
      maxProperties: 16,
      description: 'Versions that answer, by number, and how often each does beside the others.',
      examples: [{ 1: 95, 2: 5 }],
    }),
    shadow: Type.Optional(
      Type.Object(
        {
          version: Type.Integer({ minimum: 1, maximum: 999_999_999 }),
          share: Type.Optional(
            Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'Of the requests; all of them without it.' }),
          ),
          tolerance: Type.Optional(
            Type.Object(
              {
                absolute: Type.Optional(Type.Number({ minimum: 0 })),
                relative: Type.Optional(Type.Number({ minimum: 0 })),
              },
              { additionalProperties: false, description: 'Numbers that differ by no more agree; 1e-6 and 1e-3.' },
            ),
          ),
        },
        {
          additionalProperties: false,
          description: 'A version that is asked as well, after the answer; nobody gets what it says.',
        },
      ),
    ),
  },
  { additionalProperties: false, title: 'ModelTraffic' },
)
export type ModelTraffic = Static<typeof ModelTraffic>
