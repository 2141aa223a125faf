// How many runs of one program were under way at one time. Pure.

import type { RunRecord } from './record.ts'
import type { Violation } from './violation.ts'

export function checkUnderWay(runs: readonly RunRecord[], runsMax: number): Violation[] {
  const moves = runs.flatMap(({ id, admittedAt, endedAt }) =>
    admittedAt === null
      ? []
      : [{ at: admittedAt, by: 1, id }, ...(endedAt === null ? [] : [{ at: endedAt, by: -1, id }])],
  )
  let underWay = 0
  for (const { by, id } of moves.sort((a, b) => a.at - b.at || a.by - b.by)) {
    underWay += by
    if (underWay > runsMax)
      return [{ promise: 'no more runs at one time than allowed', run: id, detail: `${underWay} were, of ${runsMax}` }]
  }
  return []
}
