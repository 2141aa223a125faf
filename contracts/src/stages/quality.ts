// How good a model is on what it really sees, told by labels that arrive later.

import Type, { type Static } from 'typebox'
import { Closed, OneOf } from '../schema.ts'

export const qualityTasks = ['binary', 'multiclass', 'regression'] as const

/** Part of the manifest of a model; without it the task is found from the outputs. */
export const ModelQuality = Closed(
  {
    output: Type.String({ minLength: 1, maxLength: 200, description: 'Output that is the prediction.' }),
    task: OneOf(qualityTasks),
    positive: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1,
        description: 'Binary, where the output has two places: the one of the positive class; the second without it.',
      }),
    ),
    threshold: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, description: 'Binary: from here on a score is a yes.' }),
    ),
  },
  { title: 'ModelQuality' },
)
export type ModelQuality = Static<typeof ModelQuality>

const Label = Type.Union([Type.String({ maxLength: 200 }), Type.Number(), Type.Boolean()], {
  description: 'What came true: the name of a class or its place, true or false where there are two, or a number.',
})
export const modelLabelsMax = 10_000

export const ModelLabels = Closed(
  {
    labels: Type.Array(
      Type.Union([
        Closed({
          id: Type.String({ minLength: 1, maxLength: 200, description: '`id` of the request.' }),
          row: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 10_000_000, default: 0, description: 'Row of the request.' }),
          ),
          label: Label,
        }),
        Closed({
          prediction: Type.Union([Type.Number(), Type.Array(Type.Number(), { minItems: 1, maxItems: 1024 })], {
            description: 'What the model said of the row: the numbers of the output.',
          }),
          label: Label,
        }),
      ]),
      { minItems: 1, maxItems: modelLabelsMax },
    ),
  },
  { title: 'ModelLabels' },
)
export type ModelLabels = Static<typeof ModelLabels>
export type ModelLabel = ModelLabels['labels'][number]
