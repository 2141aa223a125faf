// Counts of now against counts of training. Pure.
//
// Two samples of one distribution differ, the more the smaller they are: their PSI is about (1/n + 1/m) times a
// chi-square variable with one degree of freedom less than there are bins. So the threshold of a feature is what that
// exceeds with probability alpha / features (Bonferroni), and never less than an index that anybody would act upon.

import type { DriftFeature, DriftReport, ModelReference } from '@meshwork/contracts'
import { chiSquareAbove, chiSquareQuantile } from './chi-square.ts'
import { binsOf, type Counts, type ReferenceFeature } from './tally.ts'

/** Below this a change is no news, however sure it is; the usual first band of the index. */
const leastPsi = 0.1
/** Share of windows of unchanged data in which any feature may be called drifted. */
export const alpha = 0.01
/** With fewer rows the index is not nearly chi-square. */
export const rowsMin = 200
/** Added to every bin, so that an empty one does not make the index infinite. */
const smoothing = 0.5

export function compare(
  model: { readonly name: string; readonly version: number },
  reference: ModelReference,
  counts: readonly Counts[],
): DriftReport {
  // Outputs that nobody asked for have no rows, and nothing is said of them.
  const seen = reference.features.flatMap((feature, i) => {
    const now = counts[i] as Counts
    return sum(now) > 0 ? [{ feature, now }] : []
  })
  const features = seen.map(({ feature, now }) => compareFeature(feature, now, alpha / seen.length))
  const drifted = features.filter(({ verdict }) => verdict === 'drifted').map(({ name }) => name)
  const judged = features.some(({ verdict }) => verdict !== 'too-few')
  return {
    schema: 'meshwork.drift/1',
    model: model.name,
    version: model.version,
    rows: Math.max(0, ...features.map(({ rows }) => rows)),
    referenceRows: reference.rows,
    verdict: drifted.length > 0 ? 'drifted' : judged ? 'steady' : 'too-few',
    drifted,
    features: features.sort((a, b) => b.psi / b.threshold - a.psi / a.threshold),
  }
}

export function compareFeature(feature: ReferenceFeature, now: Counts, alphaOfOne: number): DriftFeature {
  const then = Float64Array.from([...feature.counts, 0, feature.missing])
  const [n, m] = [sum(now), sum(then)]
  const used = [...then.keys()].filter(i => (now[i] as number) + (then[i] as number) > 0)
  const df = used.length - 1
  const index = n === 0 || df === 0 ? 0 : psi(used, now, then, n, m)
  const chance = n === 0 || df === 0 ? 0 : (1 / n + 1 / m) * chiSquareQuantile(df, alphaOfOne)
  const threshold = Math.max(leastPsi, chance)
  const share = (of: Counts, total: number, i: number) => (total === 0 ? 0 : (of[i] as number) / total)
  return {
    name: feature.name,
    side: feature.side,
    rows: n,
    verdict: n < rowsMin ? 'too-few' : index > threshold ? 'drifted' : 'steady',
    psi: rounded(index),
    threshold: rounded(threshold),
    pValue: n === 0 || df === 0 ? 1 : rounded(chiSquareAbove(df, chiSquare(used, now, then, n, m))),
    ks: feature.values ? null : rounded(kolmogorovSmirnov(binsOf(feature), now, then)),
    missing: rounded(share(now, n, binsOf(feature) + 1)),
    unseen: rounded(share(now, n, binsOf(feature))),
    bins: used.map(i => ({
      bin: binName(feature, i),
      share: rounded(share(now, n, i)),
      reference: rounded(share(then, m, i)),
    })),
  }
}

function psi(used: readonly number[], now: Counts, then: Counts, n: number, m: number): number {
  let total = 0
  for (const i of used) {
    const p = ((now[i] as number) + smoothing) / (n + smoothing * used.length)
    const q = ((then[i] as number) + smoothing) / (m + smoothing * used.length)
    total += (p - q) * Math.log(p / q)
  }
  return total
}

/** Of two samples of different size, after Press et al., Numerical Recipes, 14.3. */
function chiSquare(used: readonly number[], now: Counts, then: Counts, n: number, m: number): number {
  let total = 0
  for (const i of used) {
    const [a, b] = [now[i] as number, then[i] as number]
    total += (Math.sqrt(m / n) * a - Math.sqrt(n / m) * b) ** 2 / (a + b)
  }
  return total
}

/** Of the values that are there: the largest difference of the cumulative shares. */
function kolmogorovSmirnov(bins: number, now: Counts, then: Counts): number {
  const [n, m] = [sum(now.subarray(0, bins)), sum(then.subarray(0, bins))]
  if (n === 0 || m === 0) return 0
  let [a, b, largest] = [0, 0, 0]
  for (let i = 0; i < bins; i++) {
    a += (now[i] as number) / n
    b += (then[i] as number) / m
    largest = Math.max(largest, Math.abs(a - b))
  }
  return largest
}

export function binName(feature: ReferenceFeature, i: number): string {
  const { edges, values } = feature
  if (i === binsOf(feature)) return 'unseen'
  if (i > binsOf(feature)) return 'missing'
  if (values) return shown(values[i] as number)
  if (!edges || edges.length === 0) return 'all'
  if (i === 0) return `≤ ${shown(edges[0] as number)}`
  if (i === edges.length) return `> ${shown(edges[i - 1] as number)}`
  return `${shown(edges[i - 1] as number)} – ${shown(edges[i] as number)}`
}

const sum = (counts: Counts): number => counts.reduce((total, count) => total + count, 0)
const rounded = (value: number): number => Number(value.toPrecision(6))
const shown = (value: number): string => String(Number(value.toPrecision(6)))
