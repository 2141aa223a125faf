// The columns of a feature as SQL, once it is fitted.

import type { ColumnType, Fitted } from '@meshwork/contracts'
import { duckType } from '../data/column-type.ts'
import { ident, literal, text } from '../data/sql.ts'
import { categoryNames } from './category-names.ts'
import { categoriesOf } from './columns-of-feature.ts'
import { datePart } from './date-part.ts'
import type { Output, Prepared, FeatureTables } from './feature.ts'
import { makeLookup } from './lookup.ts'

type Made = Pick<Output, 'column' | 'sql'>

/** All but rolling features. `id` names what it makes in the session. */
// oxlint-disable-next-line typescript/consistent-return -- the switch is exhaustive
export async function transform(
  tables: FeatureTables,
  prepared: Prepared,
  fitted: Fitted,
  id: string,
): Promise<Made[]> {
  const { feature, column, expression } = prepared
  const { name, spec } = feature
  if (spec.kind === 'expression') {
    const type = spec.type ?? expression?.type ?? 'string'
    return [{ column: { name, type }, sql: cast(expression?.sql ?? 'NULL', type) }]
  }
  if (column === undefined || spec.kind === 'rolling') throw new Error(`${spec.kind} is made elsewhere`)
  const x = ident(column.name)
  const key = column.type === 'string' ? x : `CAST(${x} AS VARCHAR)`
  const one = (sql: string, type: ColumnType = 'float32'): Made[] => [{ column: { name, type }, sql: cast(sql, type) }]
  const known = (value: number | undefined): string => (value === undefined ? 'NULL::DOUBLE' : double(value))
  switch (spec.kind) {
    case 'datePart': {
      const { sql, type } = datePart(spec, column)
      return [{ column: { name, type }, sql }]
    }
    case 'oneHot': {
      const categories = categoriesOf(fitted)
      const names = categoryNames(name, categories)
      return categories.map((category, i) => ({
        column: { name: names[i] as string, type: 'float32' },
        sql: cast(`coalesce(${key} = ${text(category)}, FALSE)`, 'float32'),
      }))
    }
    case 'ordinal': {
      const lookup = await makeLookup(tables, id, Object.entries(fitted.categories ?? {}))
      return one(`CASE WHEN ${x} IS NULL THEN NULL ELSE coalesce(${lookup(key)}, -1) END`, spec.type)
    }
    case 'frequency':
    case 'target': {
      const lookup = await makeLookup(tables, id, Object.entries(fitted.categories ?? {}))
      return one(`coalesce(${lookup(key)}, ${known(fitted.default)})`, spec.type)
    }
    case 'standard': {
      const { mean, stddev } = fitted
      const constant = `CASE WHEN ${x} IS NULL THEN NULL ELSE 0 END`
      return one(stddev === 0 ? constant : `(${x}::DOUBLE - ${known(mean)}) / ${known(stddev)}`, spec.type)
    }
    case 'minMax': {
      const { min, max } = fitted
      const [low, high] = [spec.min ?? 0, spec.max ?? 1]
      const constant = `CASE WHEN ${x} IS NULL THEN NULL ELSE ${double(low)} END`
      const share = `(${x}::DOUBLE - ${known(min)}) / (${known(max)} - ${known(min)})`
      const same = min !== undefined && min === max
      return one(same ? constant : `${double(low)} + ${share} * (${double(high)} - ${double(low)})`, spec.type)
    }
    case 'bins': {
      const edges = fitted.edges ?? spec.edges
      if (edges === undefined) return one('NULL', spec.type)
      const isNumber = column.type.startsWith('float') ? `isnan(${x}) OR ` : ''
      const bin = binOf(`${x}::DOUBLE`, edges, 0, edges.length)
      return one(`CASE WHEN ${isNumber}${x} IS NULL THEN NULL ELSE ${bin} END`, spec.type)
    }
  }
}

/** Number of edges that are not above x: a search that halves, so that 1,000 edges are 10 comparisons deep. */
function binOf(x: string, edges: readonly number[], from: number, to: number): string {
  if (from === to) return String(from)
  const middle = (from + to) >> 1
  const below = binOf(x, edges, from, middle)
  return `CASE WHEN ${x} < ${double(edges[middle] as number)} THEN ${below} ELSE ${binOf(x, edges, middle + 1, to)} END`
}

const double = (value: number): string => `${literal(value)}::DOUBLE`
const cast = (sql: string, type: ColumnType): string => `CAST(${sql} AS ${duckType(type)})`
