// Isotonic regression by pooling adjacent violators. Source: Barlow et al., "Statistical Inference under Order
// Restrictions" (1972). Pure.

import type { Knot } from './piecewise.ts'

/** Rows with about one score. */
export interface Group {
  /** Mean score. */
  readonly x: number
  readonly rows: number
  readonly positives: number
}

export const knotsMax = 256

/** Knots of a rising line: the mean score and share of positives of each pool; thinned evenly past 256. */
export function fitIsotonic(groups: readonly Group[]): Knot[] {
  const pools: { weighted: number; rows: number; positives: number }[] = []
  for (const { x, rows, positives } of [...groups].sort((a, b) => a.x - b.x)) {
    pools.push({ weighted: x * rows, rows, positives })
    for (
      let last = pools.at(-1), before = pools.at(-2);
      last && before && before.positives / before.rows >= last.positives / last.rows;
      last = pools.at(-1), before = pools.at(-2)
    ) {
      pools.splice(-2, 2, {
        weighted: before.weighted + last.weighted,
        rows: before.rows + last.rows,
        positives: before.positives + last.positives,
      })
    }
  }
  const knots = pools.map(({ weighted, rows, positives }) => ({ x: weighted / rows, y: positives / rows }))
  if (knots.length <= knotsMax) return knots
  return Array.from(
    { length: knotsMax },
    (_, i) => knots[Math.round((i * (knots.length - 1)) / (knotsMax - 1))] as Knot,
  )
}
