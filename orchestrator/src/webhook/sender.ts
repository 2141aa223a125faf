// Sends what is due. Any number of orchestrators do: a message is taken by one of them.

import type { Logger } from 'pino'
import type { DueDelivery, Webhooks } from '../store/webhooks.ts'
import { headersOf, outcomeOf } from './message.ts'
import type { WebhookClient } from './post.ts'

export interface SenderOptions {
  readonly webhooks: Webhooks
  readonly client: WebhookClient
  readonly log: Logger
  readonly sent: (outcome: string) => void
}

const lookMs = 500
const failurePauseMs = 2000
const atOnce = 20
const sweepEveryMs = 60_000

export class WebhookSender {
  readonly #options: SenderOptions
  #timer: NodeJS.Timeout | undefined
  #working: Promise<unknown> = Promise.resolve()
  #stopped = false
  #sweptAt = performance.now()

  constructor(options: SenderOptions) {
    this.#options = options
  }

  start(): void {
    this.#again(0)
  }

  /** Attempts in flight are waited for: they end within seconds. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#working
  }

  /** Sends one batch. Answers whether there may be more. */
  async tick(): Promise<boolean> {
    const { webhooks } = this.#options
    if (performance.now() - this.#sweptAt > sweepEveryMs) {
      this.#sweptAt = performance.now()
      await webhooks.sweep()
    }
    const due = await webhooks.take(atOnce)
    await Promise.all(due.map(async delivery => await this.#send(delivery)))
    return due.length === atOnce
  }

  async #send({ id, webhook, body, attempts, url, secret }: DueDelivery): Promise<void> {
    const { webhooks, client, log, sent } = this.#options
    const text = JSON.stringify(body)
    const posted = await client.post(url, headersOf(id, text, secret, Date.now()), text)
    const outcome = outcomeOf(posted.status, attempts, posted.retryAfterMs, Math.random())
    sent(outcome.kind)
    await webhooks.settle(
      id,
      posted.told,
      outcome.kind === 'delivered',
      outcome.kind === 'again' ? outcome.delayMs : undefined,
    )
    if (outcome.kind === 'gone') await webhooks.disable(webhook, 'The receiver answered 410 Gone.')
    if (outcome.kind === 'delivered') return
    log.warn({ webhook, delivery: id, attempts, answer: posted.told, outcome: outcome.kind }, 'webhook not delivered')
  }

  #again(ms: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#working = this.tick()
        .then(more => (more ? 0 : lookMs))
        .catch((error: unknown) => {
          this.#options.log.warn({ err: error }, 'could not look after webhooks')
          return failurePauseMs
        })
        .then(wait => this.#again(wait))
    }, ms)
  }
}
