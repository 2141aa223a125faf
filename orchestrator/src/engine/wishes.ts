import type { Wishes } from '../store/transition.ts'

/**
 * What is known of the wishes when more is told of them. News may be old when it comes: a heartbeat may have read it
 * before a cancel that was told at once. A cancel is never taken back while a run is held, and answers only grow in
 * number. A pause may be old, and is put right by the write that is refused for it, or by the next heartbeat.
 */
export const newer = (known: Wishes, told: Wishes): Wishes => ({
  cancelling: known.cancelling || told.cancelling,
  paused: told.paused,
  signals: Math.max(known.signals, told.signals),
})
