import type { CleanRule } from '@meshwork/contracts'

/** How often the rules read all rows, at the most: for progress only. */
export function passesOf(rules: readonly CleanRule[]): number {
  const extra = rules.map(({ rule }) =>
    rule === 'deduplicate' ? 2 : rule === 'winsorise' || rule === 'outliers' ? 1 : 0,
  )
  return extra.reduce<number>((total, passes) => total + passes, 2)
}
