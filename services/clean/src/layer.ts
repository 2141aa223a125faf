// What a rule does to rows and columns, and many of them as one nested select. Pure.
//
// Invariants
//  L1 A row that an earlier layer removed never reaches the condition of a later one, whatever DuckDB's optimiser
//     does with filters: rows carry whether they are alive, and conditions stand in CASE.
//  L2 A nested select gives every row of its source, in order; whoever wants the living ones filters on `alive`.
//  L3 Names of our own columns start with a control character, which no column of a dataset has.

import type { Column } from '@meshwork/contracts'
import { ident } from '@meshwork/kit'

/** SQL over the columns before a layer, and which of them it reads. */
export interface Term {
  readonly sql: string
  readonly reads: readonly string[]
}

export interface Layer {
  /** Columns after it, in order; one without a new value is the column of that name before. */
  readonly columns: readonly Column[]
  readonly values?: ReadonlyMap<string, Term>
  /** The rule with an expression of the user, which may fail on the data. */
  readonly where?: string
  /** Rows for which it is true stay. */
  readonly keep?: Term
  /** Rows that get another value. */
  readonly touched?: Term
  /** Values that may not occur, one for each column. */
  readonly bad?: readonly (Term & { readonly column: string })[]
}

/** A part of a dataset, or all of it. */
export interface Source {
  readonly firstRow: number
  from(columns?: readonly string[]): string
}

export const alive = '"\u0001alive"'
/** Place of the row in the dataset below the layers, from 0. */
export const row = '"\u0001row"'
export const keptCounter = (layer: number): string => `"\u0001kept${layer}"`
export const touchedCounter = (layer: number): string => `"\u0001touched${layer}"`
export const badCounter = (layer: number, place: number): string => `"\u0001bad${layer}_${place}"`

export interface NestOptions {
  /** Columns wanted after the last layer. */
  readonly columns: readonly string[]
  /** With the counters of these layers beside them. */
  readonly count?: ReadonlySet<number>
  readonly row?: boolean
}

export function nest(source: Source, layers: readonly Layer[], options: NestOptions): string {
  const count = options.count ?? new Set<number>()
  const needed = neededBefore(layers, options.columns, count)
  const withRow = options.row === true || layers.some(({ keep }) => keep?.reads.includes(row))
  const base = [...(needed[0] as ReadonlySet<string>)]
  const carried = [...(withRow ? [row] : []), alive]
  const number = withRow ? [`row_number() OVER () - 1 + ${source.firstRow} AS ${row}`] : []
  let sql = `SELECT ${[...base.map(ident), ...number, `TRUE AS ${alive}`].join(', ')} FROM ${source.from(base)}`
  layers.forEach((layer, i) => {
    const columns = [...(needed[i + 1] as ReadonlySet<string>)].map(name => {
      const value = layer.values?.get(name)
      return value === undefined ? ident(name) : `${value.sql} AS ${ident(name)}`
    })
    const same = carried.filter(name => name !== alive || layer.keep === undefined)
    const kept = layer.keep === undefined ? [] : [`${onlyAlive(layer.keep.sql)} AS ${alive}`]
    const counters = count.has(i) ? countersOf(layer, i) : []
    const list = [...columns, ...same, ...kept, ...counters.map(([name, term]) => `${onlyAlive(term)} AS ${name}`)]
    sql = `SELECT ${list.join(', ')} FROM (${sql})`
    carried.push(...counters.map(([name]) => name))
    if (count.has(i) && layer.keep !== undefined) {
      sql = `SELECT *, ${alive} AS ${keptCounter(i)} FROM (${sql})`
      carried.push(keptCounter(i))
    }
  })
  return sql
}

/**
 * The living rows of a nested select. LIMIT keeps DuckDB from pushing the condition down through the layers, where
 * each would be written out anew in the next: time that doubles or triples with every layer.
 */
export const living = (select: string, columns: readonly string[]): string =>
  `SELECT ${columns.join(', ')} FROM (SELECT * FROM (${select}) LIMIT 9223372036854775807) WHERE ${alive}`

const onlyAlive = (condition: string): string =>
  `CASE WHEN ${alive} THEN coalesce((${condition}), FALSE) ELSE FALSE END`

function countersOf(layer: Layer, i: number): (readonly [name: string, condition: string])[] {
  const touched = layer.touched === undefined ? [] : [[touchedCounter(i), layer.touched.sql] as const]
  const bad = (layer.bad ?? []).map(({ sql }, place) => [badCounter(i, place), sql] as const)
  return [...touched, ...bad]
}

/** For each layer the columns that must be there before it; last, those after all. */
function neededBefore(layers: readonly Layer[], wanted: readonly string[], count: ReadonlySet<number>): Set<string>[] {
  const needed = [new Set(wanted)]
  for (let i = layers.length - 1; i >= 0; i--) {
    const layer = layers[i] as Layer
    const before = new Set<string>()
    for (const name of needed[0] as Set<string>)
      for (const read of layer.values?.get(name)?.reads ?? [name]) before.add(read)
    const counted = count.has(i) ? [layer.touched, ...(layer.bad ?? [])] : []
    for (const term of [layer.keep, ...counted]) for (const read of term?.reads ?? []) before.add(read)
    before.delete(row)
    needed.unshift(before)
  }
  return needed
}
