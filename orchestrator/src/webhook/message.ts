// What is sent, and what becomes of it. Pure. Signed after Standard Webhooks 1.0: HMAC-SHA256 over
// `<id>.<seconds>.<body>` with the secret behind `whsec_`.

import { createHmac } from 'node:crypto'

export const secretPrefix = 'whsec_'

export function headersOf(id: string, body: string, secret: string, now: number): Record<string, string> {
  const seconds = Math.floor(now / 1000)
  const key = Buffer.from(secret.slice(secretPrefix.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  return {
    'content-type': 'application/json',
    'user-agent': 'meshwork-webhooks',
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${signature}`,
  }
}

export type Outcome =
  | { readonly kind: 'delivered' }
  /** `delayMs` until the next attempt. */
  | { readonly kind: 'again'; readonly delayMs: number }
  | { readonly kind: 'given-up' }
  /** The receiver wants no more of them. */
  | { readonly kind: 'gone' }

const firstDelayMs = 5000
const delayMsMax = 3_600_000
/** With full jitter they take some seven hours. */
export const attemptsMax = 16

/** After an attempt: `status` is what was answered, undefined where nothing was; `askedMs` what it asked to wait. `random` is from 0 to 1. */
export function outcomeOf(
  status: number | undefined,
  attempts: number,
  askedMs: number | undefined,
  random: number,
): Outcome {
  if (status !== undefined && status >= 200 && status < 300) return { kind: 'delivered' }
  if (status === 410) return { kind: 'gone' }
  if (attempts >= attemptsMax) return { kind: 'given-up' }
  const most = Math.min(delayMsMax, firstDelayMs * 2 ** (attempts - 1))
  const jittered = most * (0.5 + random / 2)
  return { kind: 'again', delayMs: Math.min(delayMsMax, Math.max(jittered, askedMs ?? 0)) }
}

/** Milliseconds that `Retry-After` asks for, in seconds or as a date. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
