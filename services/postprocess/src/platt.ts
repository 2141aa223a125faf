// Platt scaling: probability = 1 / (1 + exp(-(slope × log-odds + intercept))), fitted by Newton's method on the log
// likelihood. Source: J. Platt, "Probabilistic Outputs for Support Vector Machines" (1999), without his prior for
// tiny samples. The sums of each round come from one query over all rows, so memory does not grow with them.

export interface Platt {
  readonly method: 'platt'
  readonly slope: number
  readonly intercept: number
}

/** First and second derivatives of the log likelihood, summed over the rows. */
export interface PlattSums {
  readonly g0: number
  readonly g1: number
  readonly h00: number
  readonly h01: number
  readonly h11: number
}

const roundsMax = 50
const settledAt = 1e-12
/** Probabilities are taken no nearer to 0 and 1 than this, so that their log-odds are finite. */
const edge = 1e-9

/** SQL of the log-odds of a probability. */
export const logOdds = (probability: string): string => {
  const clipped = `least(greatest(${probability}, ${edge}), 1 - ${edge})`
  return `ln(${clipped} / (1 - ${clipped}))`
}

/** SQL that sums what the next round needs. `rows` gives x (log-odds) and y (0 or 1). */
export function plattSumsSql(rows: string, { slope, intercept }: Platt): string {
  const mu = `1 / (1 + exp(-(${slope}::DOUBLE * x + ${intercept}::DOUBLE)))`
  return `SELECT sum(y - mu) AS g0, sum((y - mu) * x) AS g1, sum(w) AS h00, sum(w * x) AS h01, sum(w * x * x) AS h11
    FROM (SELECT x, y, mu, mu * (1 - mu) AS w FROM (SELECT x, y, ${mu} AS mu FROM ${rows}))`
}

export async function fitPlatt(sums: (at: Platt) => Promise<PlattSums>): Promise<Platt> {
  let at: Platt = { method: 'platt', slope: 1, intercept: 0 }
  for (let round = 0; round < roundsMax; round++) {
    const { g0, g1, h00, h01, h11 } = await sums(at)
    const determinant = h00 * h11 - h01 * h01
    // One score for all rows: only the level can be fitted.
    const [step0, step1] =
      determinant > 1e-12 * h00 * h11
        ? [(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant]
        : [g0 / h00, 0]
    if (!Number.isFinite(step0) || !Number.isFinite(step1)) break
    at = { method: 'platt', slope: at.slope + step1, intercept: at.intercept + step0 }
    if (Math.abs(step0) < settledAt && Math.abs(step1) < settledAt) break
  }
  return at
}

export const plattSql = ({ slope, intercept }: Platt, probability: string): string =>
  `1 / (1 + exp(-(${slope}::DOUBLE * ${logOdds(probability)} + ${intercept}::DOUBLE)))`
