// Features over earlier rows. They need all rows at once: DuckDB sorts them (on disk where memory ends), and the
// result goes into a table in the order of the dataset, from which each part takes its rows.

import { duckType } from '../data/column-type.ts'
import { ident } from '../data/sql.ts'
import type { Output, Prepared, SpecOf, FeatureTables } from './feature.ts'

const functions: Record<SpecOf<'rolling'>['measure'], string> = {
  mean: 'avg',
  sum: 'sum',
  min: 'min',
  max: 'max',
  stddev: 'stddev_pop',
  count: 'count',
}

/** `rowsOf` gives a FROM item with columns of all rows, in order. */
export async function makeRolling(
  tables: FeatureTables,
  prepared: readonly Prepared[],
  rowsOf: (columns: readonly string[]) => string,
  table: string,
): Promise<Output[]> {
  const outputs = prepared.map(({ feature }): Output => {
    const spec = feature.spec as SpecOf<'rolling'>
    const column = { name: feature.name, type: spec.type ?? 'float32' }
    return {
      feature: feature.name,
      column,
      sql: `CAST(${over(spec)} AS ${duckType(column.type)})`,
      reads: [],
      level: 0,
      table,
    }
  })
  if (outputs.length === 0) return []
  const reads = [...new Set(prepared.flatMap(one => one.reads))]
  const numbered = `SELECT ${[...reads.map(ident), `row_number() OVER () - 1 AS ${place}`].join(', ')} FROM ${rowsOf(reads)}`
  const list = outputs.map(({ column, sql }) => `${sql} AS ${ident(column.name)}`).join(', ')
  await tables.session.run(`CREATE TABLE ${table} AS SELECT ${place} AS r, ${list} FROM (${numbered}) ORDER BY r`)
  return outputs
}

const place = '"\u0001row"'

function over(spec: SpecOf<'rolling'>): string {
  const partition = spec.partitionBy === undefined ? '' : `PARTITION BY ${spec.partitionBy.map(ident).join(', ')} `
  const current = spec.includeCurrent === true
  const frame = current
    ? `ROWS BETWEEN ${spec.rows - 1} PRECEDING AND CURRENT ROW`
    : `ROWS BETWEEN ${spec.rows} PRECEDING AND 1 PRECEDING`
  const x = spec.measure === 'count' ? ident(spec.column) : `${ident(spec.column)}::DOUBLE`
  return `${functions[spec.measure]}(${x}) OVER (${partition}ORDER BY ${ident(spec.orderBy)} NULLS LAST, ${place} ${frame})`
}
