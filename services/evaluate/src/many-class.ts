// Labels of more than two classes: counts of each pair of truth and prediction, for all rows and by slice.

import { type Column, MeshError } from '@meshwork/contracts'
import { columnMissing, ident, isNumeric, type Dataset, type Tables, text } from '@meshwork/kit'
import type { Judgement, Progress } from './judgement.ts'
import { manyClassMetrics, ratio } from './metrics.ts'
import { largestSlices, numbered, scanNumbers } from './slices.ts'
import { clip } from './sweep.ts'
import { cannot, judgedTerms, type Request, requirePrediction } from './terms.ts'

const labelsMax = 256
const valid = 't IS NOT NULL AND y IS NOT NULL'

/** Each class and the column with its probability, if that is a number. */
export function scoreColumns(scores: Readonly<Record<string, string>>, columns: readonly Column[]): [string, string][] {
  for (const [label, name] of Object.entries(scores)) {
    const column = columns.find(candidate => candidate.name === name)
    if (!column) throw columnMissing(`Score of class "${label}"`, name, columns)
    if (!isNumeric(column.type))
      throw cannot(`the score of class "${label}" must be a number, but column "${name}" is ${column.type}`)
  }
  return Object.entries(scores)
}

export async function judgeManyClasses(
  tables: Tables,
  dataset: Dataset,
  request: Request,
  slicesMax: number,
  progress: Progress,
): Promise<Judgement> {
  const scores = scoreColumns(request.scores ?? {}, dataset.columns)
  requirePrediction('many-classes', request)
  const terms = await judgedTerms(
    tables,
    request,
    dataset.columns,
    scores.map(([, name]) => name),
  )
  const sql = selectJudged(terms, scores)
  // One lane and all parts in order: the sum of the log loss depends on the order of the rows.
  await tables.session.run(
    `CREATE TABLE judged AS ${sql(dataset.from(terms.reads))}${terms.where === undefined ? '' : ` WHERE ${terms.where}`}`,
  )
  progress(0.5, { rows: dataset.rows, message: 'judging' })
  const labels = await labelsOf(tables)
  const { n, rows } = await check(
    tables,
    scores.map(([label]) => label),
  )

  const slicings = await largestSlices(tables, terms.slices, slicesMax, valid)
  const source = `${numbered(terms.slices, valid)} JOIN labels a ON a.v = t JOIN labels b ON b.v = y`
  const tally = async (id: string, groups: number): Promise<{ counts: number[][]; loss: number }[]> => {
    const tallies = Array.from({ length: groups }, () => ({ counts: labels.map(() => labels.map(() => 0)), loss: 0 }))
    const select = `SELECT ${id} AS id, CAST(a.id AS INTEGER) AS t, CAST(b.id AS INTEGER) AS y, CAST(count(*) AS DOUBLE) AS n,
      coalesce(sum(loss), 0) AS loss FROM ${source} GROUP BY ALL ORDER BY ALL`
    await scanNumbers(tables.session, select, ([ids, ts, ys, ns, losses], length) => {
      for (let i = 0; i < length; i++) {
        const each = tallies[(ids?.[i] as number) - 1]
        if (!each) continue
        const line = each.counts[ts?.[i] as number] as number[]
        line[ys?.[i] as number] = ns?.[i] as number
        each.loss += losses?.[i] as number
      }
    })
    return tallies
  }
  const measured = ({ counts, loss }: { counts: number[][]; loss: number }, judged: number) => {
    const { metrics, classes } = manyClassMetrics(counts)
    return {
      metrics: scores.length > 0 ? { ...metrics, logLoss: ratio(loss, judged) } : metrics,
      classes,
      counts,
    }
  }
  const [whole] = (await tally('1::USMALLINT', 1)).map(each => measured(each, rows))
  const slices = []
  for (const [i, slicing] of slicings.entries()) {
    const tallies = await tally(`i${i}`, slicing.slices.length)
    for (const [j, slice] of slicing.slices.entries())
      slices.push({ ...slice, metrics: measured(tallies[j] as (typeof tallies)[number], slice.rows).metrics })
  }
  return {
    judged: { threshold: null },
    rows,
    skipped: n - rows,
    metrics: whole?.metrics ?? {},
    confusion: { labels, counts: whole?.counts ?? [] },
    classes: Object.fromEntries(labels.map((label, i) => [label, whole?.classes[i] ?? {}])),
    calibration: null,
    roc: null,
    precisionRecall: null,
    slices,
  }
}

function selectJudged(terms: Awaited<ReturnType<typeof judgedTerms>>, scores: readonly (readonly [string, string])[]) {
  const held = scores.map(([, name]) => `CAST(${ident(name)} AS DOUBLE)`)
  const cases = (value: string) =>
    scores.map(([label], i) => `WHEN ${text(label)} THEN ${value.replace('?', String(held[i]))}`).join(' ')
  const greatest = `greatest(${held.join(', ')})`
  const chosen = `CASE ${scores.map(([label], i) => `WHEN ${held[i]} = ${greatest} THEN ${text(label)}`).join(' ')} END`
  const broken = held.map(score => `${score} IS NULL OR isnan(${score})`).join(' OR ')
  const label = (sql: string) => (scores.length > 0 ? `CASE WHEN ${broken} THEN NULL ELSE ${sql} END` : sql)
  const t = `CAST(${terms.target.sql} AS VARCHAR)`
  const y = terms.prediction ? `CAST(${terms.prediction.sql} AS VARCHAR)` : chosen
  const p = scores.length > 0 ? `CASE ${t} ${cases('?')} END` : 'NULL::DOUBLE'
  const odd = scores.length > 0 ? held.map(score => `${score} < 0 OR ${score} > 1`).join(' OR ') : 'false'
  const slices = terms.slices.map((slice, i) => `, ${slice.sql} AS s${i}`).join('')
  return (from: string) =>
    `SELECT ${label(t)} AS t, ${y} AS y, ${p} AS p, -ln(greatest(${clip}, least(1 - ${clip}, ${p}))) AS loss, ${odd} AS odd${slices} FROM ${from}`
}

/** Makes the table of labels, and answers them in order. */
async function labelsOf(tables: Tables): Promise<string[]> {
  await tables.session.run(`CREATE TABLE labels AS SELECT row_number() OVER () - 1 AS id, v FROM (
    SELECT t AS v FROM judged WHERE ${valid} UNION SELECT y FROM judged WHERE ${valid} ORDER BY v LIMIT ${labelsMax + 1})`)
  const rows = await tables.query('SELECT v FROM labels ORDER BY id')
  if (rows.length > labelsMax)
    throw new MeshError('MESHWORK_EVALUATE_LABELS', {
      reason: `there are more than ${labelsMax} of them; for numbers use task "regression", else group the labels first`,
    })
  return rows.map(({ v }) => v as string)
}

async function check(tables: Tables, scored: readonly string[]): Promise<{ n: number; rows: number }> {
  const [row] =
    await tables.query(`SELECT count(*) AS n, count(*) FILTER (${valid}) AS rows, count(*) FILTER (${valid} AND odd) AS odd,
    min(p) AS smallest, max(p) AS largest, min(t) FILTER (${valid} AND p IS NULL) AS unscored FROM judged`)
  if (Number(row?.['odd']) > 0)
    throw new MeshError('MESHWORK_EVALUATE_SCORE_RANGE', {
      rows: Number(row?.['odd']),
      smallest: String(row?.['smallest']),
      largest: String(row?.['largest']),
    })
  const unscored = row?.['unscored']
  if (scored.length > 0 && typeof unscored === 'string')
    throw new MeshError('MESHWORK_EVALUATE_LABELS', {
      reason: `class "${unscored}" has no entry in "scores"; its classes are: ${scored.join(', ')}`,
    })
  return { n: Number(row?.['n']), rows: Number(row?.['rows']) }
}
