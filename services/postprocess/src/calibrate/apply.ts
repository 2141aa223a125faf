// A calibration as SQL.

import type { Calibration } from '@meshwork/contracts'
import { ident, type Tables } from '@meshwork/kit'
import type { Made } from '../operation.ts'
import { curveAt, logOdds } from './platt.ts'

/** `p` is SQL for the score (null where there is none); `prefix` begins the names that are made on the way. */
export async function applied(
  tables: Tables,
  fitted: Calibration,
  { p, as, prefix }: { p: string; as: string; prefix: string },
): Promise<Made> {
  const columns = [{ name: as, type: 'float64' as const }]
  const score = `${prefix}p`
  if (fitted.method === 'platt') {
    const odds = `${prefix}odds`
    const layers = [
      [{ name: score, sql: p }],
      [{ name: odds, sql: logOdds(ident(score)) }],
      [{ name: as, sql: `CASE WHEN ${ident(score)} IS NULL THEN NULL ELSE ${curveAt(ident(odds), fitted)} END` }],
    ]
    return { columns, layers }
  }
  const { knots } = fitted
  const scores = knots.map(({ x }) => x)
  const probabilities = knots.map(({ y }) => y)
  const first = scores[0] as number
  const last = scores.at(-1) as number
  const slopes = scores.map((x, i) => {
    const next = scores[i + 1]
    return next === undefined ? 0 : ((probabilities[i + 1] as number) - (probabilities[i] as number)) / (next - x)
  })
  const list = async (name: string, values: readonly number[]): Promise<string> => {
    const variable = `${prefix}${name}`
    const sql = `[${values.map(number).join(', ')}]::DOUBLE[]`
    for (let lane = 0; lane < tables.session.lanes; lane++)
      await tables.session.run(`SET VARIABLE ${variable} = ${sql}`, lane)
    return `getvariable('${variable}')`
  }
  const xs = await list('scores', scores)
  const ys = await list('probabilities', probabilities)
  const rises = await list('rises', slopes)
  const kept = `least(greatest(${p}, ${number(first)}::DOUBLE), ${number(last)}::DOUBLE)`
  // The last point that is not above the score: a search that halves, one layer for each halving.
  const steps = Array.from({ length: Math.ceil(Math.log2(scores.length + 1)) }, (_, i) => 2 ** i).reverse()
  const place = (i: number) => ident(`${prefix}at${i}`)
  const search = steps.map((step, i) => {
    const before = i === 0 ? '0' : place(i - 1)
    const probe = `${before} + ${step}`
    const found = `${probe} <= ${scores.length} AND ${xs}[${probe}] <= ${ident(score)}`
    return [{ name: `${prefix}at${i}`, sql: `CASE WHEN ${found} THEN ${probe} ELSE ${before} END` }]
  })
  const at = place(steps.length - 1)
  const sql = `${ys}[${at}] + (${ident(score)} - ${xs}[${at}]) * ${rises}[${at}]`
  // A null score must stay null although least and greatest leave nulls out.
  const guarded = `CASE WHEN (${p}) IS NULL THEN NULL ELSE ${kept} END`
  return {
    columns,
    layers: [
      [{ name: score, sql: guarded }],
      ...search,
      [{ name: as, sql: `CASE WHEN ${ident(score)} IS NULL THEN NULL ELSE ${sql} END` }],
    ],
  }
}

const number = (value: number): string => `'${value}'::DOUBLE`
