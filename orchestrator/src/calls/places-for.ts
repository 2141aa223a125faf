// How many calls of a stage may begin at an orchestrator, where so many may be in flight at one time over all of them. Pure.

export interface Standing {
  /** Calls in flight, or about to be. */
  readonly taken: number
  /** Calls that wait for a place. */
  readonly waiting: number
  /** For how long the first of them has waited. */
  readonly waitedMs: number
}

/** What another orchestrator said of itself, `silentMs` ago. */
export interface OthersStanding extends Standing {
  readonly silentMs: number
}

/** Who says nothing for so long has no places any more. The same as the lease of a run. */
export const goneMs = 10_000
/** Who says nothing for so long goes before nobody: a place that is kept for it would be kept from all. */
const absentMs = 1000

export interface Places {
  /** So many of the calls that wait may begin. */
  readonly granted: number
  /** A place that a call leaves may go to one that has waited for longer than this, without asking again. */
  readonly passOnAfterMs: number
}

/** Who has waited for longer goes first, with all that wait there. */
export function placesFor(concurrency: number, me: Standing, others: readonly OthersStanding[]): Places {
  const living = others.filter(({ silentMs }) => silentMs < goneMs)
  const queue = living.filter(({ silentMs, waiting }) => silentMs < absentMs && waiting > 0)
  const before = queue.filter(({ waitedMs }) => waitedMs > me.waitedMs)
  const taken = sum(living.map(of => of.taken)) + me.taken
  const free = concurrency - taken - sum(before.map(of => of.waiting))
  return {
    granted: Math.max(0, Math.min(free, me.waiting)),
    passOnAfterMs: taken > concurrency ? Infinity : Math.max(0, ...queue.map(({ waitedMs }) => waitedMs)),
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0)
