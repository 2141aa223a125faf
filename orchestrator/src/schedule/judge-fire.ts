// What comes of a fire. Pure.

import type { CatchUp, Overlap } from '@meshwork/contracts'

export interface FireFacts {
  /** Milliseconds since 1970 by one clock. */
  readonly at: number
  readonly now: number
  /** No later fire is due. */
  readonly latest: boolean
  /** Runs of the schedule that have not ended, and fires that wait for their turn. */
  readonly open: number
  readonly queued: number
}

export type Verdict =
  | { readonly kind: 'start'; readonly replaces: boolean }
  | { readonly kind: 'queued'; readonly reason: string }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'missed'; readonly reason: string }

export const lateAfterMs = 60_000
export const queuedMax = 100

export function judgeFire({ at, now, latest, open, queued }: FireFacts, catchUp: CatchUp, overlap: Overlap): Verdict {
  const late = now - at > lateAfterMs
  const bySeconds = Math.round((now - at) / 1000)
  if (late && (catchUp === 'none' || (catchUp === 'latest' && !latest)))
    return { kind: 'missed', reason: `It was noticed ${bySeconds} s late, and catchUp is ${catchUp}.` }
  if (open + queued === 0 || overlap === 'allow') return { kind: 'start', replaces: false }
  if (overlap === 'replace') return { kind: 'start', replaces: true }
  if (overlap === 'skip') return { kind: 'skipped', reason: `${open} runs of the schedule had not ended.` }
  if (queued >= queuedMax) return { kind: 'skipped', reason: `${queued} fires were waiting already, the limit.` }
  return { kind: 'queued', reason: 'It waits for the run before it.' }
}
