// Two classes: the rows go into a table of codes and scores, part by part on all lanes, and then once, in the order of
// their score, through the sweep. Order inside the table does not matter: everything that depends on order is sorted.

import { type Evaluation, MeshError } from '@meshwork/contracts'
import type { Dataset, Tables } from '@meshwork/kit'
import type { Judgement, Progress } from './judgement.ts'
import { largestSlices, numbered, scanNumbers } from './slices.ts'
import { ScoreSweep } from './sweep.ts'
import { cannot, judgedTerms, oddLabel, positiveOf, type Request, requireNumber } from './terms.ts'

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
  const { columns } = dataset
  const score =
    request.score === undefined
      ? undefined
      : requireNumber('score', await tables.expression(request.score, 'score', columns))
  const terms = await judgedTerms(tables, request, columns, score?.columns ?? [])
  if (!terms.prediction && !score) throw cannot('two classes need "score" or "prediction"')
  const threshold = terms.prediction ? undefined : (request.threshold ?? thresholdDefault)
  const type = score?.type === 'float32' ? 'FLOAT' : 'DOUBLE'
  const rows = {
    t: positiveOf('target', terms.target, request.positive),
    y: terms.prediction
      ? positiveOf('prediction', terms.prediction, request.positive)
      : `(${score?.sql} >= CAST(${threshold} AS DOUBLE))`,
    odd: `(${oddLabel(terms.target, request.positive)} OR ${terms.prediction ? oddLabel(terms.prediction, request.positive) : 'false'})`,
    p: score ? `CAST(${score.sql} AS ${type})` : '0::FLOAT',
  }
  const slices = terms.slices.map((_, i) => `, s${i}`).join('')
  const select = (from: string) => `
    SELECT CAST(CASE WHEN t IS NULL OR y IS NULL OR p IS NULL OR isnan(p) THEN NULL WHEN odd THEN ${code.oddLabel}
      WHEN p < 0 OR p > 1 THEN ${code.oddScore} ELSE 2 * t::INTEGER + y::INTEGER END AS UTINYINT) AS code, p${slices}
    FROM (SELECT ${rows.t} AS t, ${rows.y} AS y, ${rows.odd} AS odd, ${rows.p} AS p${terms.slices.map(({ sql }, i) => `, ${sql} AS s${i}`).join('')}
      FROM ${from}${terms.where === undefined ? '' : ` WHERE ${terms.where}`})`

  await tables.session.run(`CREATE TABLE judged AS ${select(dataset.from(terms.reads))} LIMIT 0`)
  let done = 0
  await tables.session.each(dataset.parts, async (part, lane) => {
    await tables.session.run(`INSERT INTO judged ${select(part.from(terms.reads))}`, lane)
    done += part.rows
    progress((0.4 * done) / Math.max(1, dataset.rows), { rows: done, message: 'reading' })
  })
  const [counted] = await tables.query(`
    SELECT count(*) AS n, count(*) FILTER (${valid}) AS valid, count(*) FILTER (code IN (2, 3)) AS positives,
      count(*) FILTER (code = ${code.oddLabel}) AS oddLabels, count(*) FILTER (code = ${code.oddScore}) AS oddScores,
      min(p) FILTER (code = ${code.oddScore}) AS smallest, max(p) FILTER (code = ${code.oddScore}) AS largest FROM judged`)
  const count = (name: string) => Number(counted?.[name] ?? 0)
  if (count('oddLabels') > 0)
    throw new MeshError('MESHWORK_EVALUATE_LABELS', {
      reason: `${count('oddLabels')} rows have a label that is neither 0 nor 1; say with "positive" which one is the positive class`,
    })
  if (count('oddScores') > 0)
    throw new MeshError('MESHWORK_EVALUATE_SCORE_RANGE', {
      rows: count('oddScores'),
      smallest: String(counted?.['smallest']),
      largest: String(counted?.['largest']),
    })

  const slicings = await largestSlices(tables, terms.slices, slicesMax, valid)
  const starts = firstGroups(slicings.map(slicing => slicing.slices.length))
  const sweep = new ScoreSweep({
    groups: 1 + slicings.reduce((sum, slicing) => sum + slicing.slices.length, 0),
    positives: count('positives'),
    negatives: count('valid') - count('positives'),
    bins: request.calibrationBins ?? binsDefault,
  })
  let swept = 0
  const ids = slicings.map((_, i) => `, i${i}`).join('')
  const order = score ? ' ORDER BY p DESC' : ''
  await scanNumbers(
    tables.session,
    `SELECT p, code${ids} FROM ${numbered(terms.slices, valid)}${order}`,
    ([p, codes, ...numbers], n) => {
      for (let row = 0; row < n; row++) {
        const [s, c] = [p?.[row] as number, codes?.[row] as number]
        sweep.add(0, s, c)
        for (let k = 0; k < numbers.length; k++) {
          const number = numbers[k]?.[row] as number
          if (number > 0) sweep.add((starts[k] as number) + number - 1, s, c)
        }
      }
      swept += n
      progress(0.5 + (0.45 * swept) / count('valid'), { rows: dataset.rows, message: 'judging' })
    },
  )
  sweep.finish()

  const metrics = (group: number) => (score ? sweep.metrics(group) : withoutScore(sweep.metrics(group)))
  const { tp, fp, fn, tn } = sweep.confusion(0)
  return {
    judged: { threshold: threshold ?? null },
    rows: count('valid'),
    skipped: count('n') - count('valid'),
    metrics: metrics(0),
    confusion: {
      labels: labelsOf(request.positive, terms.target.type),
      counts: [
        [tn, fp],
        [fn, tp],
      ],
    },
    classes: null,
    calibration: score ? sweep.calibration() : null,
    ...(score ? sweep.curves() : { roc: null, precisionRecall: null }),
    slices: slicings.flatMap((slicing, k) =>
      slicing.slices.map((slice, i) => ({ ...slice, metrics: metrics((starts[k] as number) + i) })),
    ),
  } satisfies Omit<Evaluation, 'schema' | 'task' | 'gates' | 'judged'> & { judged: object }
}

function labelsOf(positive: string | undefined, type: string): string[] {
  if (positive === undefined) return type === 'boolean' ? ['false', 'true'] : ['0', '1']
  return [`not ${positive}`, positive]
}

function withoutScore({ rocAuc: _1, prAuc: _2, logLoss: _3, brier: _4, ...counted }: Record<string, number | null>) {
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
