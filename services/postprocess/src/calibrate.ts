// Fitting a calibration on the rows, or taking it from an artefact, and applying it as SQL.

import {
  type Calibration,
  canonicalJson,
  type Column,
  compile,
  FittedCalibrations,
  MeshError,
  type ArtefactRef,
  type PostprocessOperation,
} from '@meshwork/contracts'
import { type ArtefactStore, checkCondition, ident, type Tables } from '@meshwork/kit'
import { fitIsotonic } from './isotonic.ts'
import type { Made } from './made.ts'
import { numeric, refuse } from './operations.ts'
import { piecewise } from './piecewise.ts'
import { fitPlatt, logOdds, plattSql, plattSumsSql, type PlattSums } from './platt.ts'

type Calibrate = Extract<PostprocessOperation, { operation: 'calibrate' }>

/** Groups of equal or neighbouring scores that an isotonic fit looks at, at the most. */
const groupsMax = 10_000

export interface CalibrateContext {
  readonly tables: Tables
  readonly store: ArtefactStore
  /** Everything so far, as a FROM item with these columns. */
  readonly source: string
  readonly columns: readonly Column[]
  readonly where: string
}

export async function calibrate(
  operation: Calibrate,
  context: CalibrateContext,
): Promise<{ made: Made; calibration: Calibration }> {
  const { column, as } = operation
  numeric(column, context.columns, context.where)
  const calibration =
    operation.fitted === undefined
      ? await fit(operation, context)
      : await readCalibration(operation, operation.fitted, context)
  const value = `${ident(column)}::DOUBLE`
  const sql = calibration.method === 'platt' ? plattSql(calibration, value) : piecewise(calibration.knots, `(${value})`)
  return { calibration, made: { column: { name: as, type: 'float32' }, sql: `(${sql})::FLOAT` } }
}

export async function writeCalibrations(
  store: ArtefactStore,
  columns: Readonly<Record<string, Calibration>>,
): Promise<ArtefactRef> {
  const { hash, bytes } = await store.put(canonicalJson({ schema: 'meshwork.calibration/1', columns }))
  return { kind: 'artefact', hash, bytes, mediaType: 'application/json', name: 'calibration.json' }
}

async function fit(operation: Calibrate, { tables, source, columns, where }: CalibrateContext): Promise<Calibration> {
  if (operation.target === undefined) throw refuse(where, 'it needs "target" (what was true) to be fitted, or "fitted"')
  const target = await checkCondition(tables, operation.target, `${where}, "target"`, columns)
  const filter =
    operation.where === undefined
      ? 'true'
      : (await checkCondition(tables, operation.where, `${where}, "where"`, columns)).sql
  const score = `${ident(operation.column)}::DOUBLE`
  const rows = `(SELECT ${score} AS p, (${target.sql})::INTEGER AS y FROM ${source} WHERE ${filter} AND ${score} IS NOT NULL AND NOT isnan(${score}) AND (${target.sql}) IS NOT NULL)`
  const [counts] = await tables.query(
    `SELECT count(*) AS n, coalesce(sum(y), 0) AS positives, count(DISTINCT p) AS scores, coalesce(min(p), 0) AS low, coalesce(max(p), 0) AS high FROM ${rows}`,
  )
  const { n, positives, scores, low, high } = counts as Record<string, number>
  if ((low as number) < 0 || (high as number) > 1)
    throw refuse(where, `column "${operation.column}" has scores from ${low} to ${high}; probabilities are from 0 to 1`)
  if (positives === 0 || positives === n)
    throw new MeshError('MESHWORK_POSTPROCESS_NOTHING_TO_FIT', {
      where,
      positive: positives ?? 0,
      negative: (n as number) - (positives as number),
    })
  if (operation.method === 'platt') {
    const points = `(SELECT ${logOdds('p')} AS x, y FROM ${rows})`
    return await fitPlatt(async at => (await tables.query(plattSumsSql(points, at)))[0] as unknown as PlattSums)
  }
  const grouped = (scores as number) <= groupsMax ? 'p' : `ntile(${groupsMax}) OVER (ORDER BY p)`
  const groups = await tables.query(
    `SELECT avg(p) AS x, count(*) AS rows, sum(y) AS positives FROM (SELECT p, y, ${grouped} AS g FROM ${rows}) GROUP BY g ORDER BY x`,
  )
  return { method: 'isotonic', knots: fitIsotonic(groups as unknown as Parameters<typeof fitIsotonic>[0]) }
}

async function readCalibration(
  { as }: Calibrate,
  { hash }: ArtefactRef,
  { store, where }: CalibrateContext,
): Promise<Calibration> {
  const wrong = (reason: string) => new MeshError('MESHWORK_POSTPROCESS_FITTED_INVALID', { where, hash, reason })
  const content = await store.read(hash)
  let value: unknown
  try {
    value = JSON.parse(content.toString('utf8'))
  } catch {
    throw wrong('it is not JSON')
  }
  const [fault] = compile(FittedCalibrations).check(value)
  if (fault) throw wrong(`${fault.pointer} ${fault.detail}`)
  const found = (value as FittedCalibrations).columns[as]
  if (!found)
    throw wrong(
      `it has none for column "${as}", only for: ${Object.keys((value as FittedCalibrations).columns).join(', ')}`,
    )
  return found
}
