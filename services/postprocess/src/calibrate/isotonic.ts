// The rising curve nearest to what happened: pool adjacent violators. Pure.

export interface Group {
  readonly score: number
  readonly rows: number
  readonly positives: number
}
export interface Knot {
  readonly x: number
  readonly y: number
}

export const groupsMax = 10_000

/** Groups must ascend by score. A pooled block gives its first and its last score, x ascends strictly. */
export function fitIsotonic(groups: readonly Group[]): Knot[] {
  const blocks: { rows: number; positives: number; first: number; last: number }[] = []
  for (const { score, rows, positives } of groups) {
    let block = { rows, positives, first: score, last: score }
    for (let before = blocks.at(-1); before !== undefined && notRising(before, block); before = blocks.at(-1)) {
      blocks.pop()
      block = {
        rows: before.rows + block.rows,
        positives: before.positives + block.positives,
        first: before.first,
        last: block.last,
      }
    }
    blocks.push(block)
  }
  return blocks.flatMap(({ rows, positives, first, last }) =>
    (first === last ? [first] : [first, last]).map(x => ({ x, y: positives / rows })),
  )
}

/** Whether the share does not rise from one block to the next, in whole numbers. */
const notRising = (a: { rows: number; positives: number }, b: { rows: number; positives: number }): boolean =>
  a.positives * b.rows >= b.positives * a.rows

/** At most `groupsMax` groups of about equal size from a table of (p, n, positives); equal scores stay together. */
export const groupsQuery = (table: string): string => `
  SELECT sum(p * n) / sum(n) AS score, sum(n)::DOUBLE AS "rows", sum(positives)::DOUBLE AS positives
  FROM (
    SELECT *, CASE WHEN (SELECT count(*) FROM ${table}) <= ${groupsMax} THEN row_number() OVER (ORDER BY p)
      ELSE ((sum(n) OVER (ORDER BY p ROWS UNBOUNDED PRECEDING) - 1) * ${groupsMax}) // (SELECT sum(n) FROM ${table}) END AS place
    FROM ${table})
  GROUP BY place ORDER BY score`
