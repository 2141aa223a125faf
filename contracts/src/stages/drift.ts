// Drift of a model: how its inputs and answers lie, against how they lay in training.

import Type, { type Static } from 'typebox'
import { Closed, Count, Nullable, OneOf } from '../schema.ts'

const Side = OneOf(['input', 'output'])
const featuresMax = 2048
const binsMax = 256

/** `models/<name>/<version>/reference.json`: what the model saw in training, and what it answered. */
export const ModelReference = Type.Object(
  {
    schema: Type.Literal('meshwork.reference/1'),
    rows: Type.Integer({ minimum: 1 }),
    features: Type.Array(
      Type.Object({
        side: Side,
        tensor: Type.String({ minLength: 1, maxLength: 200, description: 'Input or output of the model.' }),
        place: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Place in a row of it, from 0.' }),
        name: Type.String({ minLength: 1, maxLength: 200 }),
        edges: Type.Optional(
          Type.Array(Type.Number(), {
            maxItems: binsMax,
            description: 'Ascending. Bin i holds what is above edge i - 1, up to and with edge i; one more than edges.',
          }),
        ),
        values: Type.Optional(
          Type.Array(Type.Number(), {
            minItems: 1,
            maxItems: binsMax,
            description: 'Where there are few: each is a bin, and others are unseen.',
          }),
        ),
        counts: Type.Array(Count('Rows in the bin.'), { minItems: 1, maxItems: binsMax + 1 }),
        missing: Count('Rows that are NaN.'),
      }),
      { minItems: 1, maxItems: featuresMax },
    ),
  },
  { title: 'ModelReference' },
)
export type ModelReference = Static<typeof ModelReference>

const Share = Type.Number({ minimum: 0, maximum: 1 })

export const DriftFeature = Closed(
  {
    name: Type.String(),
    side: Side,
    rows: Count('Rows that were looked at.'),
    verdict: OneOf(['steady', 'drifted', 'too-few'], {
      description: 'drifted: psi is above the threshold. too-few: not enough rows to say.',
    }),
    psi: Type.Number({ description: 'Population stability index over the bins: 0 where nothing changed.' }),
    threshold: Type.Number({
      description:
        'The larger of 0.1 and what chance alone exceeds once in a hundred windows, over all features, with so many rows.',
    }),
    pValue: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Of a chi-square test that both come from one distribution.',
    }),
    ks: Nullable(
      Type.Number({ description: 'Largest difference of the cumulative shares at the edges; null for values.' }),
    ),
    missing: Type.Number({ minimum: 0, maximum: 1, description: 'Share of NaN.' }),
    unseen: Type.Number({ minimum: 0, maximum: 1, description: 'Share of values that training never had.' }),
    bins: Type.Array(Closed({ bin: Type.String(), share: Share, reference: Share }), { maxItems: binsMax + 3 }),
  },
  { title: 'DriftFeature' },
)
export type DriftFeature = Static<typeof DriftFeature>

export const DriftReport = Closed(
  {
    schema: Type.Literal('meshwork.drift/1'),
    model: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    rows: Count('Rows that were looked at.'),
    referenceRows: Count('Rows of the training.'),
    verdict: OneOf(['steady', 'drifted', 'too-few']),
    drifted: Type.Array(Type.String(), { maxItems: featuresMax, description: 'Features above their threshold.' }),
    features: Type.Array(DriftFeature, {
      maxItems: featuresMax,
      description: 'Those that were seen; those that moved most come first.',
    }),
  },
  { title: 'DriftReport' },
)
export type DriftReport = Static<typeof DriftReport>
