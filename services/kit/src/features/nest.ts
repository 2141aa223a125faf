// Columns of a dataset and features over them, level by level, as one select. Pure.
//
// Only projections and positional joins of equal length are used, so rows keep their order.

import type { PartSource } from '../data/dataset.ts'
import { ident } from '../data/sql.ts'
import type { Output, FeatureRows } from './feature.ts'

/** A part of the dataset, or all of it. */
export interface Source {
  readonly firstRow: number
  readonly rows: number
  from(columns?: readonly string[]): string
}

export const wholeOf = (dataset: FeatureRows): Source => ({
  firstRow: 0,
  rows: dataset.rows,
  from: columns => dataset.from(columns),
})

/** Gives these columns. `where` is a condition over columns of the dataset, which reads `whereReads`. */
export function nest(
  source: PartSource | Source,
  outputs: readonly Output[],
  columns: readonly string[],
  where?: { readonly sql: string; readonly columns: readonly string[] },
): string {
  const byName = new Map(outputs.map(output => [output.column.name, output]))
  const levels = Math.max(0, ...outputs.map(({ level }) => level))
  const needed: Set<string>[] = [new Set(columns)]
  for (let level = levels; level > 0; level--) {
    const before = new Set<string>()
    for (const name of needed[0] as Set<string>) {
      const output = byName.get(name)
      for (const read of output?.level === level ? output.reads : [name]) before.add(read)
    }
    needed.unshift(before)
  }
  const base = [...(needed[0] as Set<string>)]
  let sql = `SELECT ${base.map(ident).join(', ') || '1'} FROM ${beside(source, byName, [...new Set([...base, ...(where?.columns ?? [])])])}`
  if (where !== undefined) sql += ` WHERE ${where.sql}`
  for (let level = 1; level <= levels; level++) {
    const list = [...(needed[level] as Set<string>)].map(name => {
      const output = byName.get(name)
      return output?.level === level ? `${output.sql} AS ${ident(name)}` : ident(name)
    })
    sql = `SELECT ${list.join(', ') || '1'} FROM (${sql})`
  }
  return sql
}

/** Columns of the dataset with those of tables beside them. */
function beside(source: PartSource | Source, byName: ReadonlyMap<string, Output>, names: readonly string[]): string {
  const tableOf = (name: string) => byName.get(name)?.table
  const tables = [...new Set(names.map(tableOf).filter(table => table !== undefined))]
  const own = names.filter(name => tableOf(name) === undefined)
  if (tables.length === 0) return source.from(own)
  const joined = tables.map(table => {
    const list = names.filter(name => tableOf(name) === table).map(ident)
    const range = `r >= ${source.firstRow} AND r < ${source.firstRow + source.rows}`
    return `(SELECT ${list.join(', ')} FROM ${table} WHERE ${range})`
  })
  return [source.from(own), ...joined].join(' POSITIONAL JOIN ')
}
