// One attempt to deliver. It goes to the address that was checked, follows no redirect, and reads nothing of the answer but its head.

import { isIP } from 'node:net'
import { isPublicAddress, lookupThrough, resolveAll } from '@meshwork/kit'
import { Agent } from 'undici'
import { retryAfterMs } from './message.ts'

export interface Posted {
  /** undefined where nothing was answered. */
  readonly status?: number
  readonly retryAfterMs?: number | undefined
  readonly told: string
}

const connectTimeoutMs = 5000
const timeoutMs = 15_000

export class WebhookClient {
  readonly #allowPrivate: boolean
  readonly #agent: Agent

  constructor(allowPrivate: boolean) {
    this.#allowPrivate = allowPrivate
    this.#agent = new Agent({
      connect: { lookup: lookupThrough(resolveAll, address => this.#check(address)), timeout: connectTimeoutMs },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connections: 4,
      pipelining: 1,
    })
  }

  /** What keeps a URL from being sent to, as far as it shows; names are checked when they are resolved. */
  fault(text: string): string | undefined {
    if (!URL.canParse(text)) return `"${text.slice(0, 200)}" is not a URL`
    const url = new URL(text)
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'only http and https are sent to'
    if (url.username !== '' || url.password !== '')
      return 'it holds a user name or password; the signature tells who sends'
    const literal = url.hostname.replace(/^\[|\]$/g, '')
    try {
      if (isIP(literal)) this.#check(literal)
      else if (literal === 'localhost') this.#check('127.0.0.1')
    } catch (error) {
      return (error as Error).message
    }
    return undefined
  }

  async post(url: string, headers: Record<string, string>, body: string): Promise<Posted> {
    try {
      const fault = this.fault(url)
      if (fault !== undefined) return { told: fault }
      const { origin, pathname, search } = new URL(url)
      const signal = AbortSignal.timeout(timeoutMs)
      const answer = await this.#agent.request({
        origin,
        path: `${pathname}${search}`,
        method: 'POST',
        headers,
        body,
        signal,
      })
      await answer.body.dump({ limit: 65_536 })
      const after = answer.headers['retry-after']
      const status = answer.statusCode
      return { status, retryAfterMs: retryAfterMs(String(after ?? '') || undefined, Date.now()), told: String(status) }
    } catch (error) {
      const { code, name, message } = (
        error instanceof AggregateError ? error.errors[0] : error
      ) as NodeJS.ErrnoException
      return { told: `${code ?? name}: ${message}`.slice(0, 300) }
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #check(address: string): void {
    if (this.#allowPrivate || isPublicAddress(address)) return
    throw new Error(`${address} is not a public address; MESHWORK_WEBHOOKS_ALLOW_PRIVATE=1 allows it`)
  }
}
