// Which runs of a workflow that has limits may begin. Pure.

import type { LimitsPlan } from '../plan/plan.ts'

export interface UnderWay {
  /** Runs that have begun and not ended. */
  readonly runs: number
  /** When runs began, the last of them at the end; milliseconds since 1970. At least as many as any limit asks for. */
  readonly begins: readonly number[]
}

export interface Admission {
  /** How many of those that wait may begin now, counted from the first. */
  readonly count: number
  /** When the next may begin, if nothing ends before; nothing where only an end helps. */
  readonly nextAt: number | undefined
}

/** `waiting`: the limits of each run that waits, the first to come at the beginning. Nobody overtakes. */
export function admit(waiting: readonly LimitsPlan[], underWay: UnderWay, now: number): Admission {
  const begins = [...underWay.begins]
  for (const [count, { runs = Infinity, starts }] of waiting.entries()) {
    if (underWay.runs + count >= runs) return { count, nextAt: undefined }
    if (starts) {
      const at = begins.at(-starts.count)
      if (at !== undefined && at + starts.perMs > now) return { count, nextAt: at + starts.perMs }
    }
    begins.push(now)
  }
  return { count: waiting.length, nextAt: undefined }
}
