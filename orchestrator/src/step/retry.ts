// When to try again. Pure.

import type { RetryPlan } from '../plan/plan.ts'

/**
 * Milliseconds to wait before the attempt after `attempts` have failed: full jitter (a random time up to the
 * exponential backoff), but at least what the stage asked for. `random` is from 0 to 1.
 * Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
 */
export function retryDelayMs(
  retry: RetryPlan,
  attempts: number,
  retryAfterMs: number | undefined,
  random: number,
): number {
  const backoff = Math.min(retry.maxBackoffMs, retry.backoffMs * retry.factor ** (attempts - 1))
  return Math.max(Math.round(random * backoff), retryAfterMs ?? 0)
}
