// Webhooks and what is to be delivered to them.
//
// Invariants
//  H1 A message is written in the transaction of its event (a trigger does it), so none is lost and none is made up.
//  H2 Whoever takes a message has it for a lease; one whose sender died is taken again. So it is sent at least once.

import type { WebhookDefinition, WebhookMessage } from '@meshwork/contracts'
import type { Database } from './database.ts'

export interface WebhookRow extends Record<string, unknown> {
  name: string
  url: string
  secret: string
  events: string[]
  workflows: string[]
  disabled: string | null
  created_at: Date
}

export interface DeliveryRow extends Record<string, unknown> {
  id: string
  webhook: string
  body: WebhookMessage
  attempts: number
  next_at: Date | null
  answer: string | null
  delivered: boolean
  created_at: Date
}

export interface DueDelivery extends Record<string, unknown> {
  id: string
  webhook: string
  body: WebhookMessage
  attempts: number
  url: string
  secret: string
}

export const webhooksMax = 100
const leaseSeconds = 60
/** Hours for which it is kept what came of a message. */
const keepHours = 24
const sweepRows = 1000
/** Messages that may wait for one webhook before it is given up. */
const waitingMax = 100_000

export class Webhooks {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Makes or changes one; what stands keeps its secret. `made` tells which. */
  async put(
    name: string,
    { url, events = [], workflows = [] }: WebhookDefinition,
    secret: string,
  ): Promise<WebhookRow & { made: boolean }> {
    const [row] = await this.#database.query<WebhookRow & { made: boolean }>(
      `INSERT INTO webhook AS old (name, url, secret, events, workflows) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (name) DO UPDATE SET url = excluded.url, events = excluded.events, workflows = excluded.workflows, disabled = NULL
       RETURNING *, old.secret = $3 AS made`,
      [name, url, secret, events, workflows],
    )
    return row as WebhookRow & { made: boolean }
  }

  async get(name: string): Promise<WebhookRow | undefined> {
    const [row] = await this.#database.readers.query<WebhookRow>('SELECT * FROM webhook WHERE name = $1', [name])
    return row
  }

  async list(): Promise<WebhookRow[]> {
    return await this.#database.readers.query<WebhookRow>('SELECT * FROM webhook ORDER BY name')
  }

  async remove(name: string): Promise<boolean> {
    return (await this.#database.query('DELETE FROM webhook WHERE name = $1 RETURNING name', [name])).length > 0
  }

  /** Newest first. */
  async deliveries(name: string, limit: number): Promise<DeliveryRow[]> {
    return await this.#database.readers.query<DeliveryRow>(
      'SELECT * FROM delivery WHERE webhook = $1 ORDER BY created_at DESC, id LIMIT $2',
      [name, limit],
    )
  }

  /** Takes what is due, and counts the attempt. */
  async take(limit: number): Promise<DueDelivery[]> {
    return await this.#database.query<DueDelivery>(
      `WITH due AS (
         SELECT d.id, w.url, w.secret FROM delivery d JOIN webhook w ON w.name = d.webhook
         WHERE d.next_at <= clock_timestamp() AND w.disabled IS NULL ORDER BY d.next_at LIMIT $1 FOR UPDATE OF d SKIP LOCKED
       )
       UPDATE delivery AS d SET attempts = d.attempts + 1, next_at = clock_timestamp() + make_interval(secs => $2)
       FROM due WHERE d.id = due.id RETURNING d.id, d.webhook, d.body, d.attempts, due.url, due.secret`,
      [limit, leaseSeconds],
    )
  }

  async settle(id: string, answer: string, delivered: boolean, delayMs: number | undefined): Promise<void> {
    await this.#database.query(
      `UPDATE delivery SET answer = $2, delivered = $3, next_at = CASE WHEN $4::float8 IS NULL THEN NULL ELSE clock_timestamp() + make_interval(secs => $4 / 1000.0) END
       WHERE id = $1`,
      [id, answer, delivered, delayMs ?? null],
    )
  }

  async disable(name: string, reason: string): Promise<void> {
    await this.#database.query('UPDATE webhook SET disabled = $2 WHERE name = $1', [name, reason])
  }

  /** Forgets old messages that have come to their end, and those of a webhook that is disabled; disables one that takes none. */
  async sweep(waitingMost: number = waitingMax): Promise<void> {
    await this.#database.query(
      `UPDATE webhook SET disabled = 'More than ' || $1::int || ' messages were waiting for it.'
       WHERE disabled IS NULL AND (SELECT count(*) FROM (
         SELECT FROM delivery WHERE webhook = name AND next_at IS NOT NULL LIMIT $1::int + 1) AS waiting) > $1::int`,
      [waitingMost],
    )
    await this.#database.query(
      `DELETE FROM delivery WHERE id IN (
         SELECT d.id FROM delivery d JOIN webhook w ON w.name = d.webhook
         WHERE (d.next_at IS NULL OR w.disabled IS NOT NULL) AND d.created_at < clock_timestamp() - make_interval(hours => $1) LIMIT $2)`,
      [keepHours, sweepRows],
    )
  }
}
