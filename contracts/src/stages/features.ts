import Type, { type Static } from 'typebox'
import { ArtefactRef, Column, ColumnName, ColumnType, DatasetRef } from '../dataset.ts'
import { Closed, Count, Expression, MapOf, OneOf } from '../schema.ts'

const FloatType = Type.Optional(OneOf(['float32', 'float64'], { default: 'float32' }))

const ExpressionSpec = Closed(
  { kind: Type.Literal('expression'), expression: Expression, type: Type.Optional(ColumnType) },
  { description: 'A column computed from others of the same row.' },
)
const DatePart = Closed({
  kind: Type.Literal('datePart'),
  column: ColumnName,
  part: OneOf(
    [
      'year',
      'quarter',
      'month',
      'week',
      'dayOfYear',
      'day',
      'dayOfWeek',
      'hour',
      'minute',
      'minuteOfDay',
      'second',
      'epoch',
    ],
    {
      description: 'dayOfWeek: Sunday is 0. epoch: seconds since 1970-01-01T00:00:00Z.',
    },
  ),
  cyclic: Type.Optional(
    OneOf(['sin', 'cos'], { description: 'Sine or cosine of the part on its circle instead of the part.' }),
  ),
  type: Type.Optional(ColumnType),
})
const Categories = { maxCategories: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, default: 10_000 })) }
const OneHot = Closed(
  {
    kind: Type.Literal('oneHot'),
    column: ColumnName,
    maxCategories: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 500,
        default: 50,
        description: 'The most frequent ones; others are all zero.',
      }),
    ),
  },
  { description: 'One float32 column for each category, named <name>_<category>.' },
)
const Ordinal = Closed(
  { kind: Type.Literal('ordinal'), column: ColumnName, ...Categories, type: FloatType },
  { description: 'Place of the category in sorted order from 0; unseen is -1, null is null.' },
)
const Frequency = Closed(
  { kind: Type.Literal('frequency'), column: ColumnName, ...Categories, type: FloatType },
  { description: 'Share of the fitted rows that have the category; unseen is 0.' },
)
const Target = Closed(
  {
    kind: Type.Literal('target'),
    column: ColumnName,
    target: Expression,
    smoothing: Type.Optional(Type.Number({ minimum: 0, maximum: 1e9, default: 20 })),
    ...Categories,
    type: FloatType,
  },
  {
    description:
      'Mean of the target for the category, smoothed: (sum + smoothing × prior) / (n + smoothing), prior = mean over all fitted rows; unseen and null get the prior.',
  },
)
const Standard = Closed(
  { kind: Type.Literal('standard'), column: ColumnName, type: FloatType },
  { description: '(x - mean) / standard deviation of the population; a constant column gives 0.' },
)
const MinMax = Closed(
  {
    kind: Type.Literal('minMax'),
    column: ColumnName,
    min: Type.Optional(Type.Number({ default: 0 })),
    max: Type.Optional(Type.Number({ default: 1 })),
    type: FloatType,
  },
  { description: 'Linear to the range; values outside the fitted range are not clipped.' },
)
const Bins = Closed(
  {
    kind: Type.Literal('bins'),
    column: ColumnName,
    edges: Type.Optional(
      Type.Array(Type.Number(), { minItems: 1, maxItems: 1000, description: 'Inner edges, ascending. Or give count.' }),
    ),
    count: Type.Optional(Type.Integer({ minimum: 2, maximum: 1000 })),
    strategy: Type.Optional(OneOf(['quantile', 'uniform'], { default: 'quantile' })),
    type: FloatType,
  },
  { description: 'Number of the bin from 0; a value equal to an edge falls in the bin above it.' },
)
const Rolling = Closed(
  {
    kind: Type.Literal('rolling'),
    column: ColumnName,
    measure: OneOf(['mean', 'sum', 'min', 'max', 'stddev', 'count']),
    rows: Type.Integer({ minimum: 1, maximum: 100_000, description: 'Size of the window in rows.' }),
    includeCurrent: Type.Optional(Type.Boolean({ default: false, description: 'False looks at earlier rows only.' })),
    orderBy: ColumnName,
    partitionBy: Type.Optional(Type.Array(ColumnName, { minItems: 1, maxItems: 16 })),
    type: FloatType,
  },
  { description: 'Over the last rows in the order given, of the same partition. Ties keep the order of the dataset.' },
)

export const FeatureSpec = Type.Union(
  [Expression, ExpressionSpec, DatePart, OneHot, Ordinal, Frequency, Target, Standard, MinMax, Bins, Rolling],
  { title: 'FeatureSpec', description: 'An expression, or an object whose `kind` says what it is.' },
)
export type FeatureSpec = Static<typeof FeatureSpec>

export const FeaturesInput = Closed(
  {
    dataset: DatasetRef,
    columns: Type.Optional(
      MapOf(FeatureSpec, {
        minProperties: 1,
        maxProperties: 512,
        description:
          'Name of the new column (or prefix, for oneHot) and how it is made. Later ones can use earlier ones.',
      }),
    ),
    fitted: Type.Optional(ArtefactRef),
    fitWhere: Type.Optional(Expression),
    keep: Type.Optional(
      Type.Union([Type.Literal('all'), Type.Array(ColumnName, { maxItems: 1024 })], {
        default: 'all',
        description: 'Which columns of the input stay beside the new ones.',
      }),
    ),
  },
  {
    title: 'FeaturesInput',
    description:
      'Either `columns` (fit on the rows where `fitWhere` is true, then transform) or `fitted` (transform exactly as the fitted artefact says).',
  },
)
export type FeaturesInput = Static<typeof FeaturesInput>

export const FeaturesOutput = Closed(
  {
    dataset: DatasetRef,
    fitted: ArtefactRef,
    rows: Count('Rows of the dataset.'),
    columns: Type.Array(Column, { maxItems: 1024, description: 'The new columns.' }),
  },
  { title: 'FeaturesOutput' },
)
export type FeaturesOutput = Static<typeof FeaturesOutput>

/** What was learnt from data for one feature. Which keys stand here depends on the kind. */
export const Fitted = Closed({
  categories: Type.Optional(MapOf(Type.Number(), { maxProperties: 100_000 })),
  default: Type.Optional(Type.Number()),
  mean: Type.Optional(Type.Number()),
  stddev: Type.Optional(Type.Number()),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  edges: Type.Optional(Type.Array(Type.Number(), { maxItems: 1000 })),
})
export type Fitted = Static<typeof Fitted>

/** The fitted artefact (application/json): everything needed to transform other rows in the same way. */
export const FittedFeatures = Closed(
  {
    schema: Type.Literal('meshwork.features/1'),
    columns: Type.Array(Closed({ name: ColumnName, spec: FeatureSpec, fitted: Type.Optional(Fitted) }), {
      minItems: 1,
      maxItems: 512,
    }),
    fittedOn: Type.Optional(Closed({ rows: Count('Rows it was fitted on.'), where: Type.Optional(Expression) })),
  },
  { title: 'FittedFeatures' },
)
export type FittedFeatures = Static<typeof FittedFeatures>
