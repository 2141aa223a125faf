import Type, { type Static } from 'typebox'
import { ColumnName, DatasetRef } from '../dataset.ts'
import { Closed, Count, Expression, MapOf, OneOf } from '../schema.ts'

export const GroupKey = Type.Union(
  [
    ColumnName,
    Closed({ expression: Expression, as: ColumnName }),
    Closed({
      column: ColumnName,
      every: OneOf(['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']),
      as: ColumnName,
    }),
  ],
  { title: 'GroupKey', description: 'A column, an expression with a name, or a time bucket.' },
)

export const Measure = Closed(
  {
    measure: OneOf(['count', 'countDistinct', 'sum', 'mean', 'min', 'max', 'stddev', 'median', 'quantile', 'share']),
    of: Type.Optional(Expression),
    where: Type.Optional(Expression),
    quantile: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  },
  {
    title: 'Measure',
    description:
      '`count` counts rows (or values of `of` that are not null); `share` is the fraction of rows for which `of` is true; `where` limits the rows of this measure; stddev is of the sample.',
  },
)
export type Measure = Static<typeof Measure>

export const AggregateInput = Closed(
  {
    dataset: DatasetRef,
    where: Type.Optional(Expression),
    groupBy: Type.Optional(Type.Array(GroupKey, { maxItems: 32, description: 'Without it the whole table is one group.' })),
    measures: MapOf(Measure, { minProperties: 1, maxProperties: 256 }),
    having: Type.Optional(Expression),
    orderBy: Type.Optional(
      Type.Array(Closed({ column: ColumnName, direction: Type.Optional(OneOf(['ascending', 'descending'], { default: 'ascending' })) }), {
        maxItems: 16,
        description: 'Order of the result; groups that are equal in it stand in the order of their keys. Default: by keys.',
      }),
    ),
    top: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'Keep the first so many groups.' })),
  },
  { title: 'AggregateInput' },
)
export type AggregateInput = Static<typeof AggregateInput>

export const AggregateOutput = Closed(
  { dataset: DatasetRef, rows: Count('Groups in the result.'), groups: Count('Groups before `having` and `top`.') },
  { title: 'AggregateOutput' },
)
export type AggregateOutput = Static<typeof AggregateOutput>
