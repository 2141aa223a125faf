// The select that gives a relation its types: columns `v0`, `v1`, … and `bad`, the first column whose value is not of
// its type (-1 when the record as a whole cannot be used, NULL when all is well).

import { type ColumnType } from '@meshwork/contracts'
import { duckType } from '@meshwork/kit'
import type { Chosen } from '../column/choose.ts'
import { convert, recast } from '../column/convert.ts'
import type { InferOptions } from '../column/infer.ts'
import type { Relation } from './relation.ts'

export type Formats = Omit<InferOptions, 'nullStrings'>

export const plainFormats: Formats = { decimalSeparator: '.', dateFormat: undefined, timestampFormat: undefined }

export function typedSelect(relation: Relation, columns: readonly Chosen[], formats: Formats): string {
  const conversions = columns.map((column, i) => conversionOf(relation.rawType(column), column, i, formats))
  const attempts = conversions.map(({ attempt }, i) => `${attempt} AS t${i}`)
  const values = conversions.map(({ value }, i) => `${value} AS v${i}`)
  const whens = columns.flatMap((column, i) =>
    relation.rawType(column) === column.type ? [] : [`WHEN c${i} IS NOT NULL AND v${i} IS NULL THEN ${i}`],
  )
  const bad = `CASE WHEN fault IS NOT NULL THEN -1 ${whens.join(' ')} END`
  return `SELECT ${columns.map((_, i) => `v${i}`).join(', ')}, ${bad} AS bad FROM (
    SELECT *, ${values.join(', ')} FROM (SELECT *, ${attempts.join(', ')} FROM ${relation.from(columns)}))`
}

function conversionOf(raw: ColumnType, column: Chosen, i: number, formats: Formats) {
  if (raw === column.type) return { attempt: 'NULL', value: `c${i}::${duckType(column.type)}` }
  if (raw === 'string') return convert(`c${i}`, `t${i}`, column.type, { ...formats, inferred: column.inferred })
  return { attempt: 'NULL', value: recast(`c${i}`, raw, column.type) }
}

const wider: Partial<Record<ColumnType, readonly ColumnType[]>> = {
  int64: ['uint64', 'float64'],
  uint64: ['float64'],
  date: ['timestamp'],
}

/** Types to try for an inferred column when its first one does not hold all values; text holds everything. */
export const widerTypes = (type: ColumnType): readonly ColumnType[] => [type, ...(wider[type] ?? [])]

/** One row: for column i and its candidate j, how many values are not of it, as `n<i>_<j>`. */
export function misfitSelect(relation: Relation, columns: readonly Chosen[], formats: Formats): string {
  const each = columns.flatMap((column, i) =>
    column.inferred && column.type !== 'string'
      ? widerTypes(column.type).map((type, j) => ({
          name: `${i}_${j}`,
          raw: `c${i}`,
          ...convert(`c${i}`, `t${i}_${j}`, type, { ...formats, inferred: true }),
        }))
      : [],
  )
  const counts = each.map(
    ({ name, raw, value }) => `count(*) FILTER (${raw} IS NOT NULL AND (${value}) IS NULL) AS n${name}`,
  )
  const attempts = each.map(({ name, attempt }) => `${attempt} AS t${name}`)
  return `SELECT ${counts.join(', ')} FROM (SELECT *, ${attempts.join(', ')} FROM ${relation.from(columns)}) WHERE fault IS NULL`
}
