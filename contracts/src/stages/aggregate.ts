import Type, { type Static } from 'typebox'
import { ColumnName, DatasetRef } from '../dataset.ts'
import { Closed, Count, Expression, MapOf, OneOf } from '../schema.ts'

export const timeBuckets = ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const

export const GroupKey = Type.Union(
  [
    ColumnName,
    Closed({ expression: Expression, as: ColumnName }),
    Closed({
      column: ColumnName,
      every: OneOf(timeBuckets, {
        description: 'The start of the bucket is the key, in UTC; a week starts on Monday.',
      }),
      as: ColumnName,
    }),
  ],
  {
    title: 'GroupKey',
    description: 'A column, an expression with a name, or a time bucket of a date or timestamp. Null is a group.',
    examples: ['origin', { expression: 'hour(date)', as: 'hour' }, { column: 'date', every: 'day', as: 'day' }],
  },
)
export type GroupKey = Static<typeof GroupKey>

export const measureKinds = [
  'count',
  'countDistinct',
  'sum',
  'mean',
  'min',
  'max',
  'stddev',
  'median',
  'quantile',
  'share',
] as const

export const Measure = Closed(
  {
    measure: OneOf(measureKinds),
    of: Type.Optional(Expression),
    where: Type.Optional(Type.Unsafe<string>({ ...Expression, description: 'Only rows for which this is true.' })),
    quantile: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, description: 'For `quantile`: 0.9 is the 90th percentile.' }),
    ),
  },
  {
    title: 'Measure',
    description:
      '`count`: rows, or values of `of` that are not null (int64); `countDistinct` (int64); `sum` (int64 of integers, else float64); `mean`, `stddev` (of the sample), `median`, `quantile` (interpolated) (float64); `min`, `max` (type of `of`); `share`: fraction of the rows for which `of` is true, null counting as not true (float64). Nulls are left out; a measure over no values is null.',
    examples: [{ measure: 'share', of: 'delay > 15' }],
  },
)
export type Measure = Static<typeof Measure>

export const AggregateInput = Closed(
  {
    dataset: DatasetRef,
    where: Type.Optional(Type.Unsafe<string>({ ...Expression, description: 'Only rows for which this is true.' })),
    groupBy: Type.Optional(
      Type.Array(GroupKey, {
        maxItems: 32,
        description: 'Without it the whole table is one group, also without rows.',
      }),
    ),
    measures: MapOf(Measure, {
      minProperties: 1,
      maxProperties: 256,
      propertyNames: ColumnName,
      description: 'Name of the column and what it holds.',
      examples: [{ flights: { measure: 'count' }, lateShare: { measure: 'share', of: 'delay > 15' } }],
    }),
    having: Type.Optional(
      Type.Unsafe<string>({
        ...Expression,
        description: 'Only groups for which this is true; over the columns of the result.',
        examples: ['flights >= 100'],
      }),
    ),
    orderBy: Type.Optional(
      Type.Array(
        Closed({
          column: ColumnName,
          direction: Type.Optional(OneOf(['ascending', 'descending'], { default: 'ascending' })),
        }),
        {
          maxItems: 16,
          description:
            'Order of the result, nulls last; groups that are equal in it stand in the order of their keys. Default: by keys.',
        },
      ),
    ),
    top: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'Keep the first so many groups.' }),
    ),
  },
  { title: 'AggregateInput' },
)
export type AggregateInput = Static<typeof AggregateInput>

export const AggregateOutput = Closed(
  { dataset: DatasetRef, rows: Count('Groups in the result.'), groups: Count('Groups before `having` and `top`.') },
  { title: 'AggregateOutput' },
)
export type AggregateOutput = Static<typeof AggregateOutput>
