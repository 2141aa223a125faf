import Type, { type Static } from 'typebox'
import { ArtefactRef, Column, ColumnName, ColumnType, DatasetRef } from '../dataset.ts'
import { Closed, Count, Expression, MapOf, OneOf } from '../schema.ts'

const FloatType = Type.Optional(OneOf(['float32', 'float64'], { default: 'float32' }))

const ExpressionSpec = Closed(
  { kind: Type.Literal('expression'), expression: Expression, type: Type.Optional(ColumnType) },
  { description: 'A column computed from others of the same row. Without `type` it has the type of the expression.' },
)
const DatePart = Closed(
  {
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
        description:
          'week: ISO week. dayOfWeek: Sunday is 0. epoch: whole seconds since 1970-01-01T00:00:00Z. Times have hour, minute, minuteOfDay and second only.',
      },
    ),
    cyclic: Type.Optional(
      OneOf(['sin', 'cos'], {
        description:
          'Sine or cosine of the part on its circle (least value at angle 0) instead of the part. Circles: quarter 4, month 12, week 53, dayOfYear 366, day 31, dayOfWeek 7, hour 24, minute 60, minuteOfDay 1440, second 60 steps.',
      }),
    ),
    type: Type.Optional(ColumnType),
  },
  { description: 'Default type: int32, int64 for epoch, float32 for cyclic. timestamptz is read in UTC.' },
)
const Categories = {
  maxCategories: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 10_000,
      description: 'More in the fitted rows fail the step.',
    }),
  ),
}
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
  {
    description:
      'One float32 column for each category, 1 where the row has it, named <name>_<category> (control characters become _, a number tells apart names that differ by case alone). A null is zero in all.',
  },
)
const Ordinal = Closed(
  { kind: Type.Literal('ordinal'), column: ColumnName, ...Categories, type: FloatType },
  {
    description:
      'Place of the category from 0 in the order of the values (numbers by size, text by code point); unseen is -1, null is null.',
  },
)
const Frequency = Closed(
  { kind: Type.Literal('frequency'), column: ColumnName, ...Categories, type: FloatType },
  { description: 'Share of the fitted rows that have the category; unseen and null are 0.' },
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
      'Mean of the target for the category, smoothed: (sum + smoothing × prior) / (n + smoothing), prior = mean over all fitted rows; unseen and null get the prior. Rows whose target is null are not fitted. True counts 1, false 0.',
  },
)
const Standard = Closed(
  { kind: Type.Literal('standard'), column: ColumnName, type: FloatType },
  {
    description:
      '(x - mean) / standard deviation of the population; a column that was constant gives 0. Fitted on finite values.',
  },
)
const MinMax = Closed(
  {
    kind: Type.Literal('minMax'),
    column: ColumnName,
    min: Type.Optional(Type.Number({ default: 0 })),
    max: Type.Optional(Type.Number({ default: 1 })),
    type: FloatType,
  },
  {
    description:
      'Linear to the range; values outside the fitted range are not clipped; a column that was constant gives `min`. Fitted on finite values.',
  },
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
  {
    description:
      'Number of the bin from 0; a value equal to an edge falls in the bin above it; null and NaN give null. Equal edges (many equal values) are taken once, so that there may be fewer bins than `count`.',
  },
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
  {
    description:
      'Over the last rows in the order given, of the same partition. Ties keep the order of the dataset, nulls come last. Null where the window has no value (count: 0); stddev is of the population.',
  },
)

export const FeatureSpec = Type.Union(
  [Expression, ExpressionSpec, DatePart, OneHot, Ordinal, Frequency, Target, Standard, MinMax, Bins, Rolling],
  { title: 'FeatureSpec', description: 'An expression, or an object whose `kind` says what it is.' },
)
export type FeatureSpec = Static<typeof FeatureSpec>

const NewColumns = MapOf(FeatureSpec, {
  minProperties: 1,
  maxProperties: 512,
  description:
    'Name of the new column (or prefix, for oneHot) and how it is made. They can use each other; the order of the keys means nothing. New columns stand in rounds, those that need no other first, by name within a round.',
  examples: [
    {
      hour: 'hour(date)',
      origin_rate: { kind: 'target', column: 'origin', target: 'delay > 15', smoothing: 100 },
    },
  ],
})
const Keep = Type.Union([Type.Literal('all'), Type.Array(ColumnName, { maxItems: 1024 })], {
  default: 'all',
  description: 'Which columns of the input stay beside the new ones.',
})
const FitWhere = Type.Unsafe<string>({
  ...Expression,
  description: 'Condition over columns of the dataset: which rows to learn from. All without it.',
})

/** Contract 1, deprecated: what `fit` says in contract 2 stands in two keys that exclude each other. */
export const FeaturesInput = Closed(
  {
    dataset: DatasetRef,
    columns: Type.Optional(NewColumns),
    fitted: Type.Optional(ArtefactRef),
    fitWhere: Type.Optional(FitWhere),
    keep: Type.Optional(Keep),
  },
  {
    title: 'FeaturesInput',
    description:
      'Either `columns` (fit on the rows where `fitWhere` is true, then transform) or `fitted` (transform exactly as the fitted artefact says). Categories are known by their text, whatever the type of the column. Names of columns that the dataset has are refused, also of those not kept.',
  },
)
export type FeaturesInput = Static<typeof FeaturesInput>

/** Contract 2: one key says where the fit comes from, so that there is nothing to contradict. */
export const FeaturesInputV2 = Closed(
  {
    dataset: DatasetRef,
    columns: Type.Optional(NewColumns),
    fit: Type.Optional(
      Type.Union(
        [
          Closed({ where: FitWhere }, { description: 'Learn from these rows.' }),
          Closed({ artefact: ArtefactRef }, { description: 'Transform exactly as this fitted artefact says.' }),
        ],
        { description: 'Where what is learnt comes from. Without it: from all rows.' },
      ),
    ),
    keep: Type.Optional(Keep),
  },
  {
    title: 'FeaturesInputV2',
    description:
      'Either `columns` (fit, then transform) or `fit.artefact` (transform exactly as it says, its columns included). Categories are known by their text, whatever the type of the column. Names of columns that the dataset has are refused, also of those not kept.',
  },
)
export type FeaturesInputV2 = Static<typeof FeaturesInputV2>

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
