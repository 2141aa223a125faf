// Logistic curve over the log-odds of a score, by Newton's method on sums that the database makes.
//
// Targets are drawn in a little, as J. Platt, "Probabilistic outputs for support vector machines" (1999), does:
// (n+ + 1) / (n+ + 2) and 1 / (n- + 2); so there is an answer even where scores separate the outcomes.

import type { Row } from '@meshwork/kit'

export interface Curve {
  readonly slope: number
  readonly intercept: number
}
/** Derivatives of the loss at a curve. */
export interface Sums {
  readonly loss: number
  readonly slope: number
  readonly intercept: number
  readonly slopeSlope: number
  readonly slopeIntercept: number
  readonly interceptIntercept: number
}

export const probabilityEdge = 1e-7
const roundsMax = 100
const halvingsMax = 40
/** Share of the promised gain that a step must bring. */
const enough = 1e-4
const tolerance = 1e-13

export const logOdds = (p: string): string => {
  const kept = `least(greatest(${p}, ${probabilityEdge}::DOUBLE), 1 - ${probabilityEdge}::DOUBLE)`
  return `ln(${kept} / (1 - ${kept}))`
}

/** The probability that a curve gives for log-odds. */
export const curveAt = (x: string, { slope, intercept }: Curve): string =>
  `1 / (1 + exp(-least(greatest(${number(slope)} * ${x} + ${number(intercept)}, -500), 500)))`

/** Sums over a table of (p, n, positives). */
export function sumsQuery(table: string, totals: { rows: number; positives: number }, curve: Curve): string {
  const high = (totals.positives + 1) / (totals.positives + 2)
  const low = 1 / (totals.rows - totals.positives + 2)
  return `SELECT sum(n * (greatest(z, 0) + ln(1 + exp(-abs(z)))) - t * z) AS "loss", sum((n * q - t) * x) AS "slope",
      sum(n * q - t) AS "intercept", sum(n * q * (1 - q) * x * x) AS "slopeSlope",
      sum(n * q * (1 - q) * x) AS "slopeIntercept", sum(n * q * (1 - q)) AS "interceptIntercept"
    FROM (SELECT *, ${curveAt('x', curve)} AS q,
        least(greatest(${number(curve.slope)} * x + ${number(curve.intercept)}, -500), 500) AS z
      FROM (SELECT n, ${logOdds('p')} AS x, positives * ${number(high)} + (n - positives) * ${number(low)} AS t FROM ${table}))`
}

/**
 * Newton's method with halved steps, from a level curve on: H.-T. Lin, C.-J. Lin, R. Weng, "A note on Platt's
 * probabilistic outputs for support vector machines" (2007). Stops early when `sums` throws.
 */
export async function fitPlatt(
  totals: { rows: number; positives: number },
  sums: (curve: Curve) => Promise<Sums>,
): Promise<Curve> {
  let curve: Curve = { slope: 0, intercept: Math.log((totals.positives + 1) / (totals.rows - totals.positives + 1)) }
  let at = await sums(curve)
  for (let round = 0; round < roundsMax; round++) {
    const step = newtonStep(at)
    const promised = -(step.slope * at.slope + step.intercept * at.intercept)
    if (!(promised > tolerance * Math.max(1, at.loss))) break
    let scale = 1
    let next = moved(curve, step, scale)
    let there = await sums(next)
    for (let i = 0; i < halvingsMax && !(there.loss <= at.loss - enough * scale * promised); i++) {
      scale /= 2
      next = moved(curve, step, scale)
      there = await sums(next)
    }
    if (!(there.loss < at.loss)) break
    curve = next
    at = there
  }
  return curve
}

export function newtonStep(at: Sums): Curve {
  const { slopeSlope, slopeIntercept, interceptIntercept } = at
  const determinant = slopeSlope * interceptIntercept - slopeIntercept ** 2
  // All scores are the same: only the intercept can be learnt.
  if (!(determinant > 1e-13 * slopeSlope * interceptIntercept))
    return { slope: 0, intercept: interceptIntercept > 0 ? -at.intercept / interceptIntercept : 0 }
  return {
    slope: -(interceptIntercept * at.slope - slopeIntercept * at.intercept) / determinant,
    intercept: -(slopeSlope * at.intercept - slopeIntercept * at.slope) / determinant,
  }
}

export const sumsOf = (row: Row | undefined): Sums => row as unknown as Sums

const moved = (curve: Curve, step: Curve, scale: number): Curve => ({
  slope: curve.slope + scale * step.slope,
  intercept: curve.intercept + scale * step.intercept,
})
const number = (value: number): string => `'${value}'::DOUBLE`
