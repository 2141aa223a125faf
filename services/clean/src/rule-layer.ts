// The layer of each rule, once what must be known from data is known. Pure.

import type { Column, ColumnType } from '@meshwork/contracts'
import { type CheckedExpression, duckType, ident, text } from '@meshwork/kit'
import { type Layer, row, type Term } from './layer.ts'
import type { Limits } from './number-range.ts'

/** What JavaScript and Unicode call white space. */
const whiteSpace =
  ' \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'

export function dropNullsLayer(columns: readonly Column[], chosen: readonly Column[]): Layer {
  const names = chosen.map(({ name }) => name)
  return { columns, keep: { sql: names.map(name => `${ident(name)} IS NOT NULL`).join(' AND '), reads: names } }
}

export const filterLayer = (columns: readonly Column[], condition: CheckedExpression, where: string): Layer => ({
  columns,
  where,
  keep: { sql: condition.sql, reads: condition.columns },
})

/** `mask` is a bit string in SQL, one bit for each row of the dataset, set where the row goes. */
export const maskLayer = (columns: readonly Column[], mask: string): Layer => ({
  columns,
  keep: { sql: `get_bit(${mask}, (${row})::INTEGER) = 0`, reads: [row] },
})

/** `fills` has SQL of the value for each column. */
export function fillLayer(columns: readonly Column[], fills: ReadonlyMap<string, string>): Layer {
  const names = [...fills.keys()]
  return {
    columns,
    values: valuesOf(columns, names, ({ name, type }) =>
      cast(`coalesce(${ident(name)}, CAST(${fills.get(name)} AS ${duckType(type)}))`, type),
    ),
    touched: { sql: anyOf(names.map(name => `${ident(name)} IS NULL`)), reads: names },
  }
}

export function castLayer(before: readonly Column[], after: readonly Column[], onError: 'fail' | 'null'): Layer {
  const changed = after.filter(({ type }, i) => type !== before[i]?.type)
  const names = changed.map(({ name }) => name)
  const tried = ({ name, type }: Column) => `TRY_CAST(${ident(name)} AS ${duckType(type)})`
  const lost = (column: Column) => `${ident(column.name)} IS NOT NULL AND ${tried(column)} IS NULL`
  return {
    columns: after,
    values: valuesOf(after, names, tried),
    ...(onError === 'null'
      ? { touched: { sql: anyOf(changed.map(lost)), reads: names } }
      : { bad: changed.map(column => ({ column: column.name, sql: lost(column), reads: [column.name] })) }),
  }
}

export function trimLayer(columns: readonly Column[], chosen: readonly Column[], emptyToNull: boolean): Layer {
  const names = chosen.map(({ name }) => name)
  const trimmed = (name: string) => {
    const sql = `trim(${ident(name)}, ${text(whiteSpace)})`
    return emptyToNull ? `nullif(${sql}, '')` : sql
  }
  return {
    columns,
    values: valuesOf(columns, names, ({ name }) => trimmed(name)),
    touched: { sql: anyOf(names.map(name => `${ident(name)} IS DISTINCT FROM ${trimmed(name)}`)), reads: names },
  }
}

/** Rows, or values, outside the limits. NaN lies nowhere and is left alone. */
export function limitLayer(
  columns: readonly Column[],
  limits: ReadonlyMap<string, Limits>,
  action: 'drop' | 'null' | 'clip',
): Layer {
  const names = [...limits.keys()]
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  const below = (name: string) => {
    const low = limits.get(name)?.low
    return low === undefined ? 'FALSE' : `${ident(name)} < ${low}`
  }
  const above = (name: string) => {
    const high = limits.get(name)?.high
    if (high === undefined) return 'FALSE'
    const isNumber = types.get(name)?.startsWith('float') ? ` AND NOT isnan(${ident(name)})` : ''
    return `${ident(name)} > ${high}${isNumber}`
  }
  const outside: Term = { sql: anyOf(names.map(name => `${below(name)} OR (${above(name)})`)), reads: names }
  if (action === 'drop') return { columns, keep: { sql: `NOT coalesce(${outside.sql}, FALSE)`, reads: names } }
  const value = ({ name, type }: Column): string => {
    const { low, high } = action === 'null' ? {} : (limits.get(name) ?? {})
    const sql = `CASE WHEN ${below(name)} THEN ${low ?? 'NULL'} WHEN ${above(name)} THEN ${high ?? 'NULL'} ELSE ${ident(name)} END`
    return cast(sql, type)
  }
  return { columns, values: valuesOf(columns, names, value), touched: outside }
}

export const dropLayer = (after: readonly Column[]): Layer => ({ columns: after })

export function renameLayer(before: readonly Column[], after: readonly Column[]): Layer {
  const values = new Map<string, Term>()
  after.forEach(({ name }, i) => {
    const old = (before[i] as Column).name
    if (old !== name) values.set(name, { sql: ident(old), reads: [old] })
  })
  return { columns: after, values }
}

function valuesOf(columns: readonly Column[], names: readonly string[], sql: (column: Column) => string) {
  const wanted = new Set(names)
  return new Map<string, Term>(
    columns
      .filter(({ name }) => wanted.has(name))
      .map(column => [column.name, { sql: sql(column), reads: [column.name] }]),
  )
}

const cast = (sql: string, type: ColumnType): string => `CAST(${sql} AS ${duckType(type)})`
/** True where one of them is; null counts as false. */
const anyOf = (conditions: readonly string[]): string =>
  conditions.length === 0 ? 'FALSE' : conditions.map(condition => `coalesce(${condition}, FALSE)`).join(' OR ')
