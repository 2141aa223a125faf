// Two classes: the rows go into a table of codes and scores, part by part on all lanes, and then once, in the order of
// their score, through the sweep. Order inside the table does not matter: everything that depends on order is sorted.

import { MeshError } from '@meshwork/contracts'
import type { CheckedExpression, Dataset, Tables } from '@meshwork/kit'
import type { Judgement, Progress } from './judgement.ts'
import type { Metrics } from './metrics.ts'
import { largestSlices, numbered, scanNumbers, type Slicing } from './slices.ts'
import { ScoreSweep } from './sweep.ts'
import {
  type Judged,
  judgedTerms,
  oddLabel,
  positiveOf,
  type Request,
  requireNumber,
  requirePrediction,
} from './terms.ts'

/** Codes of rows that are judged are 0 to 3: 2 for positive plus 1 for predicted positive. */
const code = { oddLabel: 4, oddScore: 5 }
const valid = 'code < 4'
const thresholdDefault = 0.5
const binsDefault = 10

export async function judgeTwoClasses(
  tables: Tables,
  dataset: Dataset,
  request: Request,
  slicesMax: number,
  progress: Progress,
): Promise<Judgement> {
  const score =
    request.score === undefined
      ? undefined
      : requireNumber('score', await tables.expression(request.score, 'score', dataset.columns))
  const terms = await judgedTerms(tables, request, dataset.columns, score?.columns ?? [])
  requirePrediction('two-classes', request)
  const threshold = terms.prediction ? null : (request.threshold ?? thresholdDefault)

  await readRows(tables, dataset, terms, codedRows(terms, score, request.positive, threshold), progress)
  const counted = await countRows(tables)
  const slicings = await largestSlices(tables, terms.slices, slicesMax, valid)
  const { sweep, starts } = await sweepRows(tables, terms, slicings, counted, score !== undefined, request, progress)

  const metrics = (group: number) => (score ? sweep.metrics(group) : withoutScore(sweep.metrics(group)))
  const { tp, fp, fn, tn } = sweep.confusion(0)
  const counts = [
    [tn, fp],
    [fn, tp],
  ]
  return {
    judged: { threshold },
    rows: counted.valid,
    skipped: counted.rows - counted.valid,
    metrics: metrics(0),
    confusion: { labels: labelsOf(request.positive, terms.target.type), counts },
    classes: null,
    calibration: score ? sweep.calibration() : null,
    ...(score ? sweep.curves() : { roc: null, precisionRecall: null }),
    slices: slicings.flatMap((slicing, k) =>
      slicing.slices.map((slice, i) => ({ ...slice, metrics: metrics((starts[k] as number) + i) })),
    ),
  }
}

/** A select of code, score and slices from a FROM item of the dataset. */
function codedRows(
  { target, prediction, where, slices }: Judged,
  score: CheckedExpression | undefined,
  positive: string | undefined,
  threshold: number | null,
): (from: string) => string {
  const truth = positiveOf('target', target, positive)
  const called = prediction
    ? positiveOf('prediction', prediction, positive)
    : `(${score?.sql} >= CAST(${threshold} AS DOUBLE))`
  const odd = [target, ...(prediction ? [prediction] : [])].map(term => oddLabel(term, positive)).join(' OR ')
  const held = score ? `CAST(${score.sql} AS ${score.type === 'float32' ? 'FLOAT' : 'DOUBLE'})` : '0::FLOAT'
  const names = slices.map((_, i) => `, s${i}`).join('')
  const values = slices.map(({ sql }, i) => `, ${sql} AS s${i}`).join('')
  return from => `
    SELECT CAST(CASE WHEN t IS NULL OR y IS NULL OR p IS NULL OR isnan(p) THEN NULL WHEN odd THEN ${code.oddLabel}
      WHEN p < 0 OR p > 1 THEN ${code.oddScore} ELSE 2 * t::INTEGER + y::INTEGER END AS UTINYINT) AS code, p${names}
    FROM (SELECT ${truth} AS t, ${called} AS y, (${odd}) AS odd, ${held} AS p${values}
      FROM ${from}${where === undefined ? '' : ` WHERE ${where}`})`
}

async function readRows(
  tables: Tables,
  dataset: Dataset,
  { reads }: Judged,
  select: (from: string) => string,
  progress: Progress,
): Promise<void> {
  await tables.session.run(`CREATE TABLE judged AS ${select(dataset.from(reads))} LIMIT 0`)
  let rows = 0
  await tables.session.each(dataset.parts, async (part, lane) => {
    await tables.session.run(`INSERT INTO judged ${select(part.from(reads))}`, lane)
    rows += part.rows
    progress((0.4 * rows) / Math.max(1, dataset.rows), { rows, message: 'reading' })
  })
}

interface Counted {
  readonly rows: number
  readonly valid: number
  readonly positives: number
}

async function countRows(tables: Tables): Promise<Counted> {
  const [row] = await tables.query(`
    SELECT count(*) AS n, count(*) FILTER (${valid}) AS valid, count(*) FILTER (code IN (2, 3)) AS positives,
      count(*) FILTER (code = ${code.oddLabel}) AS oddLabels, count(*) FILTER (code = ${code.oddScore}) AS oddScores,
      min(p) FILTER (code = ${code.oddScore}) AS smallest, max(p) FILTER (code = ${code.oddScore}) AS largest FROM judged`)
  const count = (name: string) => Number(row?.[name] ?? 0)
  if (count('oddLabels') > 0)
    throw new MeshError('MESHWORK_EVALUATE_LABELS', {
      reason: `${count('oddLabels')} rows have a label that is neither 0 nor 1; say with "positive" which one is the positive class`,
    })
  if (count('oddScores') > 0)
    throw new MeshError('MESHWORK_EVALUATE_SCORE_RANGE', {
      rows: count('oddScores'),
      smallest: String(row?.['smallest']),
      largest: String(row?.['largest']),
    })
  return { rows: count('n'), valid: count('valid'), positives: count('positives') }
}

async function sweepRows(
  tables: Tables,
  { slices }: Judged,
  slicings: readonly Slicing[],
  { valid: rows, positives }: Counted,
  scored: boolean,
  { calibrationBins = binsDefault }: Request,
  progress: Progress,
): Promise<{ sweep: ScoreSweep; starts: number[] }> {
  const starts = firstGroups(slicings.map(slicing => slicing.slices.length))
  const groups = 1 + slicings.reduce((sum, slicing) => sum + slicing.slices.length, 0)
  const sweep = new ScoreSweep({ groups, positives, negatives: rows - positives, bins: calibrationBins })
  let swept = 0
  const take = ([p, codes, ...numbers]: readonly ArrayLike<number>[], n: number) => {
    for (let row = 0; row < n; row++) {
      const [s, c] = [p?.[row] as number, codes?.[row] as number]
      sweep.add(0, s, c)
      for (let k = 0; k < numbers.length; k++) {
        const number = numbers[k]?.[row] as number
        if (number > 0) sweep.add((starts[k] as number) + number - 1, s, c)
      }
    }
    swept += n
    progress(0.5 + (0.45 * swept) / rows, { message: 'judging' })
  }
  const ids = slicings.map((_, i) => `, i${i}`).join('')
  const order = scored ? ' ORDER BY p DESC' : ''
  await scanNumbers(tables.session, `SELECT p, code${ids} FROM ${numbered(slices, valid)}${order}`, take)
  sweep.finish()
  return { sweep, starts }
}

function labelsOf(positive: string | undefined, type: string): string[] {
  if (positive === undefined) return type === 'boolean' ? ['false', 'true'] : ['0', '1']
  return [`not ${positive}`, positive]
}

function withoutScore({ rocAuc: _1, prAuc: _2, logLoss: _3, brier: _4, ...counted }: Metrics): Metrics {
  return counted
}

/** Group of the first slice of each slicing; group 0 is all rows. */
function firstGroups(sizes: readonly number[]): number[] {
  let next = 1
  return sizes.map(size => {
    const first = next
    next += size
    return first
  })
}
