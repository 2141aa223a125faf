// What some rules must know of a column before they can run. Taken over finite values; NaN and infinities count as
// no value. One thread reads the rows in order, so that sums of floats are the same every time.

import type { Column } from '@meshwork/contracts'
import { duckType, ident, type Tables } from '@meshwork/kit'

/** A FROM item that gives the living rows. */
export type Rows = string

/** Mean and population standard deviation; null where there is no value. */
export async function meanAndSpread(tables: Tables, rows: Rows, column: Column, lane: number) {
  const x = `(${ident(column.name)})::DOUBLE`
  const [row] = await tables.query(
    `SELECT favg(${x}) AS mean, stddev_pop(${x}) AS spread FROM ${rows} WHERE ${finite(column)}`,
    lane,
  )
  return { mean: numberOf(row?.['mean']), spread: numberOf(row?.['spread']) }
}

/** Quantiles by linear interpolation between neighbours; null where there is no value. */
export async function quantiles(
  tables: Tables,
  rows: Rows,
  column: Column,
  fractions: readonly number[],
  lane: number,
) {
  const list = fractions.map((_, i) => `q[${i + 1}] AS q${i}`).join(', ')
  const [row] = await tables.query(
    `SELECT ${list} FROM (SELECT quantile_cont((${ident(column.name)})::DOUBLE, [${fractions.join(', ')}]) AS q
     FROM ${rows} WHERE ${finite(column)})`,
    lane,
  )
  return fractions.map((_, i) => numberOf(row?.[`q${i}`]))
}

/** The value that occurs most often, of several the smallest, as SQL; null where there is no value. */
export async function mode(tables: Tables, rows: Rows, column: Column, lane: number): Promise<string | null> {
  const name = ident(column.name)
  const [row] = await tables.query(
    `SELECT CAST(${name} AS VARCHAR) AS value FROM ${rows} WHERE ${name} IS NOT NULL
     GROUP BY ${name} ORDER BY count(*) DESC, ${name} LIMIT 1`,
    lane,
  )
  const value = row?.['value']
  return typeof value === 'string' ? `CAST('${value.replaceAll("'", "''")}' AS ${duckType(column.type)})` : null
}

const finite = ({ name, type }: Column): string =>
  type.startsWith('float') ? `isfinite(${ident(name)})` : `${ident(name)} IS NOT NULL`

const numberOf = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
