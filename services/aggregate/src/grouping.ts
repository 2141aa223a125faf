// The statement of an aggregation, from checked parts. Pure apart from the checks, which read no data.
//
// Keys and values are computed in an inner select under names of our own (k0, v0), so that no name of the user meets
// a name of the dataset.

import { type AggregateInput, type Column, MeshError } from '@meshwork/contracts'
import { checkCondition, columnMissing, ident, type Tables } from '@meshwork/kit'
import { keyTerm, type Term } from './keys.ts'
import { measureTerm } from './measures.ts'

type Request = Pick<AggregateInput, 'where' | 'groupBy' | 'measures' | 'having' | 'orderBy' | 'top'>

export interface Grouping {
  readonly keys: readonly string[]
  /** Columns of the dataset that are read. */
  readonly reads: readonly string[]
  /** All groups, from a FROM item that has the columns of `reads`. */
  select(from: string): string
}

export async function grouping(
  tables: Pick<Tables, 'expression'>,
  request: Request,
  columns: readonly Column[],
): Promise<Grouping> {
  const keys: Term[] = []
  for (const key of request.groupBy ?? []) keys.push(await keyTerm(tables, key, columns))
  const measures = []
  for (const [name, measure] of Object.entries(request.measures))
    measures.push(await measureTerm(tables, name, measure, columns))
  refuseEqualNames(keys, measures)
  const where = request.where === undefined ? undefined : await checkCondition(tables, request.where, 'where', columns)

  const inner = [...keys.map(({ sql }, i) => `${sql} AS k${i}`), ...measures.map(({ sql }, i) => `${sql} AS v${i}`)]
  const outer = [
    ...keys.map(({ name }, i) => `k${i} AS ${ident(name)}`),
    ...measures.map((term, i) => `${term.aggregate(`v${i}`)} AS ${ident(term.name)}`),
  ]
  const read = new Set([...keys, ...measures, ...(where ? [where] : [])].flatMap(term => term.columns))
  return {
    keys: keys.map(({ name }) => name),
    reads: columns.map(({ name }) => name).filter(name => read.has(name)),
    select: from =>
      `SELECT ${outer.join(', ')} FROM (SELECT ${inner.join(', ')} FROM ${from}${where ? ` WHERE ${where.sql}` : ''})` +
      (keys.length > 0 ? ` GROUP BY ${keys.map((_, i) => `k${i}`).join(', ')}` : ''),
  }
}

/** What is kept of the groups and in which order; the keys make it a total one. */
export async function selection(
  tables: Pick<Tables, 'expression'>,
  request: Request,
  keys: readonly string[],
  columns: readonly Column[],
): Promise<string> {
  const having =
    request.having === undefined ? undefined : await checkCondition(tables, request.having, 'having', columns)
  const order = (request.orderBy ?? []).map(({ column, direction = 'ascending' }) => {
    if (!columns.some(({ name }) => name === column)) throw columnMissing('orderBy', column, columns)
    return `${ident(column)} ${direction === 'ascending' ? 'ASC' : 'DESC'} NULLS LAST`
  })
  const terms = [...order, ...keys.map(key => `${ident(key)} ASC NULLS LAST`)]
  return [
    having ? ` WHERE ${having.sql}` : '',
    terms.length > 0 ? ` ORDER BY ${terms.join(', ')}` : '',
    request.top === undefined ? '' : ` LIMIT ${request.top}`,
  ].join('')
}

function refuseEqualNames(keys: readonly Term[], measures: readonly Term[]): void {
  const seen = new Map<string, string>()
  const terms = [
    ...keys.map(({ name }) => ({ name, what: `Group key "${name}"` })),
    ...measures.map(({ name }) => ({ name, what: `Measure "${name}"` })),
  ]
  for (const { name, what } of terms) {
    const first = seen.get(name.toLowerCase())
    if (first !== undefined) throw new MeshError('MESHWORK_AGGREGATE_NAME_TWICE', { first, second: what, column: name })
    seen.set(name.toLowerCase(), what)
  }
}
