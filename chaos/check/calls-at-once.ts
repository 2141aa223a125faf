// How many calls of the stage were in flight at one time while it had a limit. Pure.

import type { LedgerLine } from '../stage/effects.ts'
import type { Violation } from './violation.ts'

/** While it stood, everybody knew of it. Milliseconds since 1970, as in the ledger. */
export interface LimitedTime {
  readonly concurrency: number
  readonly from: number
  readonly to: number
}

/** A call lasts until its effect; of one without an effect nobody knows, and it counts for nothing. */
export function checkCallsAtOnce(lines: readonly LedgerLine[], { concurrency, from, to }: LimitedTime): Violation[] {
  const nameOf = ({ key, attempt }: LedgerLine) => `${key}/${attempt}`
  const ends = new Map(lines.filter(({ kind }) => kind === 'effect').map(line => [nameOf(line), line.at]))
  const moves = lines.flatMap(line => {
    const end = line.kind === 'call' ? ends.get(nameOf(line)) : undefined
    if (end === undefined || end < from || line.at > to) return []
    return [
      { at: line.at, by: 1, line },
      { at: end, by: -1, line },
    ]
  })
  let inFlight = 0
  for (const { at, by, line } of moves.sort((a, b) => a.at - b.at || a.by - b.by)) {
    inFlight += by
    if (at >= from && at <= to && inFlight > concurrency)
      return [
        {
          promise: 'no more calls at one time than allowed',
          run: line.run,
          detail: `${inFlight} were in flight at ${at}, of ${concurrency}`,
        },
      ]
  }
  return []
}
