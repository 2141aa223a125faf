// The operation "calibrate": fitted here, or as an artefact says.

import { type Calibration, MeshError } from '@meshwork/contracts'
import type { ArtefactStore, Tables } from '@meshwork/kit'
import { invalid, type Made, type OperationOf, type Scene, score } from '../operation.ts'
import { applied } from './apply.ts'
import { readCalibration } from './artefact.ts'
import { checkCalibrate } from './check.ts'
import { fitIsotonic, type Group, groupsQuery } from './isotonic.ts'
import { fitPlatt, sumsOf, sumsQuery } from './platt.ts'

export interface Calibrated {
  readonly made: Made
  /** What was learnt here. */
  readonly fitted: Calibration | undefined
}

interface Surroundings {
  readonly tables: Tables
  readonly store: ArtefactStore
  readonly signal: AbortSignal
  readonly rows: number
  /** All rows with these columns, among them those of earlier operations. */
  readonly from: (columns: readonly string[]) => string
}

export async function calibrate(
  scene: Scene,
  operation: OperationOf<'calibrate'>,
  surroundings: Surroundings,
): Promise<Calibrated> {
  const { tables, store, rows } = surroundings
  const { column, as, method, fitted } = operation
  const checked = await checkCalibrate(tables, scene, operation)
  const p = score(checked.column)
  const place = { p, as, prefix: scene.prefix }
  const apply = async (calibration: Calibration, learnt?: Calibration) => ({
    made: await applied(tables, calibration, place),
    fitted: learnt,
  })
  if (fitted !== undefined) return await apply(await readCalibration(store, fitted, { where: scene.where, as, method }))
  const { fit } = checked
  if (!fit) throw new Error('neither fitted nor to be fitted')
  const { target: y, where: condition } = fit
  if (rows === 0)
    return { made: { layers: [[{ name: as, sql: p }]], columns: [{ name: as, type: 'float64' }] }, fitted: undefined }
  const needed = [...new Set([column, ...y.columns, ...(condition?.columns ?? [])])]
  const table = `${scene.prefix}fit`
  await tables.session.run(`
    CREATE TABLE ${table} AS SELECT p, count(*)::DOUBLE AS n, count(*) FILTER (WHERE y)::DOUBLE AS positives
    FROM (SELECT ${p} AS p, ${y.sql} AS y FROM ${surroundings.from(needed)} ${condition ? `WHERE ${condition.sql}` : ''})
    WHERE p IS NOT NULL AND y IS NOT NULL GROUP BY p ORDER BY p`)
  const learnt = await learn(scene, operation, surroundings, table)
  await tables.session.run(`DROP TABLE ${table}`)
  return await apply(learnt, learnt)
}

async function learn(
  scene: Scene,
  { column, method }: OperationOf<'calibrate'>,
  { tables, signal }: Surroundings,
  table: string,
): Promise<Calibration> {
  const [row] = await tables.query(`
    SELECT coalesce(sum(n), 0) AS "rows", coalesce(sum(positives), 0) AS positives, min(p) AS low, max(p) AS high,
      coalesce(sum(n) FILTER (WHERE p < 0 OR p > 1), 0) AS outside FROM ${table}`)
  const total = row as unknown as { rows: number; positives: number; low: number; high: number; outside: number }
  const { rows, positives } = total
  if (total.outside > 0)
    throw invalid(
      scene,
      `column "${column}" has ${total.outside} values outside 0 to 1 (from ${total.low} to ${total.high}); only probabilities can be calibrated`,
    )
  if (positives === 0 || positives === rows)
    throw new MeshError('MESHWORK_POSTPROCESS_NOTHING_TO_FIT', {
      where: scene.where,
      positive: positives,
      negative: rows - positives,
    })
  if (method === 'isotonic') {
    const groups = (await tables.query(groupsQuery(table))) as unknown as Group[]
    return { method, knots: fitIsotonic(groups) }
  }
  const curve = await fitPlatt({ rows, positives }, async at => {
    signal.throwIfAborted()
    return sumsOf((await tables.query(sumsQuery(table, { rows, positives }, at)))[0])
  })
  return { method, ...curve }
}
