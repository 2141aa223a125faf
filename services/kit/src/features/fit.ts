// What a feature learns from the rows it is fitted on. One thread reads them in order, so that sums of floats, and
// with them the artefact, are the same every time. NaN and infinities count as no value.

import { type Fitted, MeshError } from '@meshwork/contracts'
import type { Row } from '../data/session.ts'
import { ident } from '../data/sql.ts'
import { type Prepared, type SpecOf, type FeatureTables } from './feature.ts'

export interface FitRows {
  /** A FROM item with these columns of the rows to fit on, in parentheses. */
  from(columns: readonly string[]): string
  readonly rows: number
}

const categoriesDefault = 10_000
const oneHotDefault = 50
const smoothingDefault = 20

// oxlint-disable-next-line typescript/consistent-return -- the switch is exhaustive
export async function fit(tables: FeatureTables, prepared: Prepared, rows: FitRows, lane: number): Promise<Fitted> {
  const { spec } = prepared.feature
  const query = (sql: string) => tables.query(sql, lane)
  switch (spec.kind) {
    case 'oneHot':
      return { categories: numbered(await mostFrequent(query, prepared, rows, spec.maxCategories ?? oneHotDefault)) }
    case 'ordinal': {
      const found = await query(grouped(prepared, rows, '', spec.maxCategories))
      return { categories: numbered(bounded(found, prepared, spec.maxCategories)) }
    }
    case 'frequency': {
      const found = await query(grouped(prepared, rows, ', count(*) AS n', spec.maxCategories))
      const counted = bounded(found, prepared, spec.maxCategories)
      return {
        categories: Object.fromEntries(counted.map(row => [row['k'], Number(row['n']) / rows.rows])),
        default: 0,
      }
    }
    case 'target':
      return await fitTarget(query, prepared, spec, rows)
    case 'standard': {
      const [row] = await query(`SELECT favg(x) AS a, stddev_pop(x) AS b FROM ${finite(prepared, rows)}`)
      const [mean, stddev] = two(row, prepared, rows)
      return mean === undefined || stddev === undefined ? {} : { mean, stddev }
    }
    case 'minMax': {
      const [row] = await query(`SELECT min(x) AS a, max(x) AS b FROM ${finite(prepared, rows)}`)
      const [min, max] = two(row, prepared, rows)
      return min === undefined || max === undefined ? {} : { min, max }
    }
    case 'bins':
      return await fitBins(query, prepared, spec, rows)
    case 'expression':
    case 'datePart':
    case 'rolling':
      return {}
  }
}

type Query = (sql: string) => Promise<Row[]>

/** Categories in order of their values, each as text with what is measured of it; one more than may be. */
function grouped({ column }: Prepared, rows: FitRows, measures: string, max = categoriesDefault): string {
  const x = ident(column?.name ?? '')
  return `SELECT CAST(${x} AS VARCHAR) AS k${measures} FROM ${rows.from([column?.name ?? ''])}
    WHERE ${x} IS NOT NULL GROUP BY ${x} ORDER BY ${x} LIMIT ${max + 1}`
}

function bounded(found: Row[], { where, column }: Prepared, max = categoriesDefault): Row[] {
  if (found.length <= max) return found
  throw new MeshError('MESHWORK_FEATURES_CATEGORIES', { where, column: column?.name ?? '', max })
}

/** The most frequent ones (of equally frequent ones the smaller), in order of their values. */
async function mostFrequent(query: Query, { column }: Prepared, rows: FitRows, max: number): Promise<Row[]> {
  const x = ident(column?.name ?? '')
  return await query(`SELECT CAST(x AS VARCHAR) AS k FROM (SELECT ${x} AS x FROM ${rows.from([column?.name ?? ''])}
    WHERE ${x} IS NOT NULL GROUP BY ${x} ORDER BY count(*) DESC, ${x} LIMIT ${max}) ORDER BY x`)
}

const numbered = (rows: readonly Row[]): Record<string, number> =>
  Object.fromEntries(rows.map((row, i) => [String(row['k']), i]))

async function fitTarget(query: Query, prepared: Prepared, spec: SpecOf<'target'>, rows: FitRows): Promise<Fitted> {
  const x = ident(spec.column)
  const y = `(${prepared.expression?.sql})::DOUBLE`
  const valued = `(SELECT ${x} AS x, ${y} AS y FROM ${rows.from([...prepared.reads, ...prepared.learnsFrom])} WHERE isfinite(${y}))`
  const [all] = await query(`SELECT fsum(y) AS sum, count(*) AS n FROM ${valued}`)
  if (all?.['n'] === 0) {
    if (rows.rows === 0) return { categories: {} }
    throw noValues(prepared, rows, `target "${spec.target}"`)
  }
  const prior = Number(all?.['sum']) / Number(all?.['n'])
  const smoothing = spec.smoothing ?? smoothingDefault
  const max = spec.maxCategories
  const found = await query(`SELECT CAST(x AS VARCHAR) AS k, fsum(y) AS sum, count(*) AS n FROM ${valued}
    WHERE x IS NOT NULL GROUP BY x ORDER BY x LIMIT ${(max ?? categoriesDefault) + 1}`)
  const smoothed = bounded(found, prepared, max).map(row => [
    row['k'],
    (Number(row['sum']) + smoothing * prior) / (Number(row['n']) + smoothing),
  ])
  return { categories: Object.fromEntries(smoothed), default: prior }
}

async function fitBins(query: Query, prepared: Prepared, spec: SpecOf<'bins'>, rows: FitRows): Promise<Fitted> {
  if (spec.edges !== undefined) return { edges: spec.edges }
  const count = spec.count ?? 2
  const steps = Array.from({ length: count - 1 }, (_, i) => (i + 1) / count)
  if (spec.strategy === 'uniform') {
    const [row] = await query(`SELECT min(x) AS a, max(x) AS b FROM ${finite(prepared, rows)}`)
    const [min, max] = two(row, prepared, rows)
    if (min === undefined || max === undefined) return {}
    return { edges: ascending(steps.map(step => min + step * (max - min))) }
  }
  const found = await query(
    `SELECT unnest(quantile_cont(x, [${steps.join(', ')}])) AS edge FROM ${finite(prepared, rows)}`,
  )
  const edges = found.map(({ edge }) => edge).filter(edge => typeof edge === 'number')
  if (edges.length === 0 && rows.rows > 0) throw noValues(prepared, rows)
  return rows.rows === 0 ? {} : { edges: ascending(edges) }
}

const ascending = (edges: readonly number[]): number[] => [...new Set(edges)].sort((a, b) => a - b)

/** A FROM item that gives the finite values as x. */
function finite({ column }: Prepared, rows: FitRows): string {
  const x = `(${ident(column?.name ?? '')})::DOUBLE`
  return `(SELECT ${x} AS x FROM ${rows.from([column?.name ?? ''])} WHERE isfinite(${x}))`
}

function two(row: Row | undefined, prepared: Prepared, rows: FitRows): [number, number] | [undefined, undefined] {
  const [a, b] = [row?.['a'], row?.['b']]
  if (typeof a === 'number' && typeof b === 'number' && Number.isFinite(a) && Number.isFinite(b)) return [a, b]
  if (rows.rows === 0) return [undefined, undefined]
  throw noValues(prepared, rows)
}

const noValues = ({ where, column }: Prepared, { rows }: FitRows, what = `column "${column?.name}"`): MeshError =>
  new MeshError('MESHWORK_FEATURES_NO_VALUES', { where, what, rows })
