import Type, { type Static } from 'typebox'
import { ColumnName, ColumnType, DatasetRef } from '../dataset.ts'
import { Closed, Count, Expression, MapOf, OneOf } from '../schema.ts'

const Columns = Type.Array(ColumnName, { minItems: 1, maxItems: 1024, uniqueItems: true })
const columnsOrAll = { columns: Type.Optional(Columns) }

const DropNulls = Closed(
  { rule: Type.Literal('dropNulls'), ...columnsOrAll },
  { description: 'Drops rows that have a null in any of the columns (all columns without the list).' },
)
const FillNulls = Closed(
  {
    rule: Type.Literal('fillNulls'),
    columns: Columns,
    with: OneOf(['constant', 'mean', 'median', 'mode']),
    value: Type.Optional(
      Type.Union([Type.String({ maxLength: 4096 }), Type.Number(), Type.Boolean()], { description: 'For `constant`.' }),
    ),
  },
  {
    description:
      'Replaces nulls; the type of a column stays. A constant must be of that type (dates and times as text). Mean and median need numbers, are taken over the finite values as they are when the rule runs, and are rounded for integer columns. Mode is the most frequent value, of several the smallest.',
    examples: [{ rule: 'fillNulls', columns: ['delay'], with: 'median' }],
  },
)
const Deduplicate = Closed(
  {
    rule: Type.Literal('deduplicate'),
    ...columnsOrAll,
    keep: Type.Optional(OneOf(['first', 'last'], { default: 'first' })),
  },
  {
    description:
      'Keeps one row for each key (all columns without the list), over the whole dataset, compared by value. Nulls are equal to each other here, and so are NaNs. Order is kept.',
    examples: [{ rule: 'deduplicate', columns: ['id'], keep: 'last' }],
  },
)
const Filter = Closed(
  { rule: Type.Literal('filter'), where: Expression },
  {
    description:
      'Keeps the rows for which the expression is true; null counts as false. It never meets a row that an earlier rule removed.',
    examples: [{ rule: 'filter', where: 'distance > 0 and delay between -180 and 1440' }],
  },
)
const Cast = Closed(
  {
    rule: Type.Literal('cast'),
    columns: MapOf(ColumnType, { minProperties: 1, maxProperties: 1024 }),
    onError: Type.Optional(OneOf(['fail', 'null'], { default: 'fail' })),
  },
  {
    description:
      'Changes types. A value that cannot be cast fails the step, which then names the column, the number of such values and the first of them; or it becomes null. Fractions are rounded when they become integers.',
    examples: [{ rule: 'cast', columns: { delay: 'int32' }, onError: 'null' }],
  },
)
const Trim = Closed(
  { rule: Type.Literal('trim'), ...columnsOrAll, emptyToNull: Type.Optional(Type.Boolean({ default: false })) },
  { description: 'Removes white space (of Unicode) at both ends of strings (all string columns without the list).' },
)
const Clip = Closed(
  {
    rule: Type.Literal('clip'),
    columns: Columns,
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
  },
  {
    description:
      'Limits numbers to a range, both ends included; `min`, `max` or both. For integer columns the ends are rounded inwards. Nulls and NaN stay.',
    examples: [{ rule: 'clip', columns: ['delay'], min: -60, max: 600 }],
  },
)
const Winsorise = Closed(
  {
    rule: Type.Literal('winsorise'),
    columns: Columns,
    lower: Type.Number({ minimum: 0, maximum: 1 }),
    upper: Type.Number({ minimum: 0, maximum: 1 }),
  },
  {
    description:
      'Limits numbers to two quantiles of the column, each a fraction from 0 to 1 (interpolated between neighbours, over finite values). For integer columns the quantiles are rounded inwards.',
  },
)
const Rename = Closed(
  { rule: Type.Literal('rename'), columns: MapOf(ColumnName, { minProperties: 1, maxProperties: 1024 }) },
  {
    description: 'Old name to new name, all at once, so that two columns can change names. Columns keep their place.',
    examples: [{ rule: 'rename', columns: { origin: 'from' } }],
  },
)
const Drop = Closed({ rule: Type.Literal('drop'), columns: Columns }, { description: 'Removes columns.' })
const Outliers = Closed(
  {
    rule: Type.Literal('outliers'),
    columns: Columns,
    method: OneOf(['iqr', 'zscore']),
    factor: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 100, description: 'Default 1.5 for iqr, 3 for zscore.' }),
    ),
    action: Type.Optional(OneOf(['drop', 'null', 'clip'], { default: 'drop' })),
  },
  {
    description:
      'Numbers outside the quartiles by factor × IQR, or further than factor standard deviations (of the population) from the mean, over finite values. The row is dropped, or the value becomes null or the nearest limit. NaN is no outlier.',
  },
)

export const CleanRule = Type.Union(
  [DropNulls, FillNulls, Deduplicate, Filter, Cast, Trim, Clip, Winsorise, Rename, Drop, Outliers],
  { title: 'CleanRule', description: 'One rule; `rule` says which. Rules run in order.' },
)
export type CleanRule = Static<typeof CleanRule>

export const CleanInput = Closed(
  { dataset: DatasetRef, rules: Type.Array(CleanRule, { minItems: 1, maxItems: 200 }) },
  { title: 'CleanInput' },
)
export type CleanInput = Static<typeof CleanInput>

export const CleanOutput = Closed(
  {
    dataset: DatasetRef,
    rows: Count('Rows that are left.'),
    rules: Type.Array(
      Closed({
        rule: Type.String({ examples: ['dropNulls'] }),
        rowsBefore: Count('Rows before the rule.'),
        rowsAfter: Count('Rows after the rule.'),
        rowsTouched: Count(
          'Rows that the rule removed or in which it changed a value. For cast: rows with a value that became null. 0 for rename and drop.',
        ),
      }),
      { maxItems: 200 },
    ),
  },
  { title: 'CleanOutput' },
)
export type CleanOutput = Static<typeof CleanOutput>
