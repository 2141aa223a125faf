import type { Dataset, Row, Tables } from '@meshwork/kit'
import type { Judgement, Progress } from './judgement.ts'
import { figure, type Metrics } from './metrics.ts'
import { largestSlices, numbered } from './slices.ts'
import { judgedTerms, type Request, requireNumber, requirePrediction } from './terms.ts'

const valid = 'isfinite(t) AND isfinite(y)'

/** `mape` leaves out rows whose target is 0; `mapeLeftOut` counts them. `r2` is null for a constant target. */
const figures = `count(*) AS n, avg(abs(y - t)) AS mae, sqrt(avg((y - t) * (y - t))) AS rmse,
  sum((y - t) * (y - t)) AS squares, var_pop(t) * count(*) AS spread,
  avg(abs(y - t) / abs(t)) FILTER (t <> 0) AS mape, count(*) FILTER (t = 0) AS zeros, avg(y - t) AS meanError`

export async function judgeRegression(
  tables: Tables,
  dataset: Dataset,
  request: Request,
  slicesMax: number,
  progress: Progress,
): Promise<Judgement> {
  requirePrediction('regression', request)
  const terms = await judgedTerms(tables, request, dataset.columns, [])
  const t = requireNumber('target', terms.target).sql
  const y = requireNumber('prediction', terms.prediction ?? terms.target).sql
  const slices = terms.slices.map(({ sql }, i) => `, ${sql} AS s${i}`).join('')
  // One lane and all parts in order: sums of floats depend on the order of the rows.
  await tables.session.run(`CREATE TABLE judged AS SELECT CAST(${t} AS DOUBLE) AS t, CAST(${y} AS DOUBLE) AS y${slices}
    FROM ${dataset.from(terms.reads)}${terms.where === undefined ? '' : ` WHERE ${terms.where}`}`)
  progress(0.5, { rows: dataset.rows, message: 'judging' })
  const [all] = await tables.query(`SELECT ${figures} FROM judged WHERE ${valid}`)
  const [read] = await tables.query('SELECT count(*) AS n FROM judged')
  const slicings = await largestSlices(tables, terms.slices, slicesMax, valid)
  const bySlice = await tables.session.each(slicings, async (slicing, lane, i) => {
    const select = `SELECT i${i} AS id, ${figures} FROM ${numbered(terms.slices, valid)} WHERE i${i} > 0 GROUP BY id ORDER BY id`
    const rows = await tables.query(select, lane)
    return slicing.slices.map((slice, j) => ({ ...slice, metrics: metricsOf(rows[j]) }))
  })
  const judged = Number(all?.['n'] ?? 0)
  return {
    judged: { threshold: null },
    rows: judged,
    skipped: Number(read?.['n'] ?? 0) - judged,
    metrics: metricsOf(all),
    confusion: null,
    classes: null,
    calibration: null,
    roc: null,
    precisionRecall: null,
    slices: bySlice.flat(),
  }
}

function metricsOf(row: Row | undefined): Metrics {
  const spread = figure(row?.['spread']) ?? 0
  const squares = figure(row?.['squares'])
  return {
    mae: figure(row?.['mae']),
    rmse: figure(row?.['rmse']),
    r2: spread > 0 && squares !== null ? 1 - squares / spread : null,
    mape: figure(row?.['mape']),
    meanError: figure(row?.['meanError']),
    mapeLeftOut: figure(row?.['zeros']),
  }
}
