// When calls of a stage that has a limit may begin. Pure.

export interface CallRate {
  /** Calls that begin within any time of `perMs`. */
  readonly count: number
  readonly perMs: number
}

export interface Reserved {
  /** When each reserved call may begin, in order; at most `horizonMs` from now. */
  readonly at: readonly number[]
  /** When the last calls began or may begin, as many as the limit asks for. */
  readonly begins: readonly number[]
  /** When the next after them may begin. */
  readonly nextAt: number
}

/** `begins`: when the last calls began or may begin, the last of them at the end, in milliseconds of the same clock as `now`. */
export function reserve(
  { count, perMs }: CallRate,
  begins: readonly number[],
  wanted: number,
  now: number,
  horizonMs: number,
): Reserved {
  const kept = [...begins]
  const at: number[] = []
  const next = () => Math.max(now, kept.at(-1) ?? now, (kept.at(-count) ?? -Infinity) + perMs)
  while (at.length < wanted && next() <= now + horizonMs) {
    const begin = next()
    at.push(begin)
    kept.push(begin)
  }
  return { at, begins: kept.slice(-count), nextAt: next() }
}
