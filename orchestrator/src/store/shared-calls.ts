// Calls of items that the orchestrator of a run has no room for, as others take, make and answer them. The table carries
// messages and no state of runs: what is lost from it is called again, so it is not written to the log of the database.
//
// Invariants
//  C1 A call is made by whoever has taken it, and can be taken back by its giver only while nobody has.
//  C2 What is asked of a run and acknowledged before a call was taken keeps it from being taken, and so does another holder.
//  C3 An answer counts only while its call still stands: of a taker that was given up for dead nothing is heard any more.

import type { Answer } from '../stage/answer.ts'
import type { Database } from './database.ts'
import { storableJson } from './storable.ts'
import { lockSpace } from './takeover.ts'

/** What a taker needs to know of a call. */
export interface SharedRequest {
  readonly stage: string
  readonly major: number
  readonly step: string
  readonly runId: string
  readonly fence: number
  readonly attempt: number
  readonly idempotencyKey: string
  readonly body: unknown
  readonly timeoutMs: number
  readonly traceparent: string
}
export interface SharedCall {
  readonly id: string
  readonly request: SharedRequest
}
export interface SharedAnswer {
  readonly id: string
  readonly answer: Answer
}
/** What has become of the calls that were given. */
export interface News {
  readonly answered: readonly SharedAnswer[]
  /** Those that nobody works on any more. */
  readonly givenUp: readonly string[]
  /** All that stood in the table. */
  readonly known: ReadonlySet<string>
}

/** Without a word of its taker for so long, a call is given up. The same as the lease of a run. */
const leaseSeconds = 10

export class SharedCalls {
  readonly #database: Database
  readonly #me: string

  constructor(database: Database, me: string) {
    this.#database = database
    this.#me = me
  }

  /** Other orchestrators that live, as PostgreSQL knows them by their locks. */
  async others(): Promise<number> {
    const [row] = await this.#database.query<{ count: number }>(
      `SELECT count(DISTINCT objid)::int AS count FROM pg_locks
       WHERE locktype = 'advisory' AND classid = $1::oid AND objsubid = 2 AND granted AND objid <> (hashtext($2)::bigint & 4294967295)::oid
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [lockSpace, this.#me],
    )
    return row?.count ?? 0
  }

  async give(calls: readonly SharedCall[]): Promise<void> {
    await this.#database.query(
      `INSERT INTO shared_call (id, giver, run_id, fence, contract, request)
       SELECT id, $2, (request->>'runId')::uuid, (request->>'fence')::int, (request->>'stage') || '@' || (request->>'major'), request
       FROM jsonb_to_recordset($1::jsonb) AS c(id uuid, request jsonb)`,
      [JSON.stringify(calls), this.#me],
    )
  }

  /** Answers which of them nobody had taken; those are the giver's again. */
  async takeBack(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#database.query<{ id: string }>(
      'DELETE FROM shared_call WHERE id = ANY($1::uuid[]) AND taker IS NULL RETURNING id',
      [ids],
    )
    return new Set(rows.map(({ id }) => id))
  }

  /** Whoever works on them stops when it next says that it does. */
  async drop(ids: readonly string[]): Promise<void> {
    await this.#database.query('DELETE FROM shared_call WHERE id = ANY($1::uuid[])', [ids])
  }

  async news(): Promise<News> {
    const rows = await this.#database.query<{ id: string; answer: Answer | null; kind: 'answered' | 'late' | 'known' }>(
      `WITH answered AS (
         DELETE FROM shared_call WHERE giver = $1 AND answer IS NOT NULL RETURNING id, answer
       ), late AS (
         DELETE FROM shared_call WHERE giver = $1 AND answer IS NULL AND touched_at < clock_timestamp() - make_interval(secs => $2) RETURNING id
       )
       SELECT id, answer, 'answered' AS kind FROM answered UNION ALL SELECT id, NULL, 'late' FROM late
       UNION ALL SELECT id, NULL, 'known' FROM shared_call WHERE giver = $1`,
      [this.#me, leaseSeconds],
    )
    const of = (wanted: string) => rows.filter(({ kind }) => kind === wanted)
    return {
      answered: of('answered').map(({ id, answer }) => ({ id, answer: answer as Answer })),
      givenUp: of('late').map(({ id }) => id),
      known: new Set(of('known').map(({ id }) => id)),
    }
  }

  /** Calls of others, of contracts that are served here (`stage@major`); the newest first, since their giver begins with the oldest. */
  async take(contracts: readonly string[], max: number): Promise<SharedCall[]> {
    return (await this.#database.query(
      `UPDATE shared_call AS c SET taker = $1, touched_at = clock_timestamp()
       FROM (
         SELECT w.id FROM shared_call w JOIN run r ON r.id = w.run_id AND r.fence = w.fence
         WHERE w.taker IS NULL AND w.giver <> $1 AND w.contract = ANY($2::text[])
           AND r.ended_at IS NULL AND NOT r.cancel_requested AND NOT r.pause_requested
         ORDER BY w.given_at DESC LIMIT $3 FOR UPDATE OF w SKIP LOCKED
       ) AS free WHERE c.id = free.id RETURNING c.id, c.request`,
      [this.#me, contracts, max],
    )) as unknown as SharedCall[]
  }

  /** Says that calls are still worked on. Answers those that still stand. */
  async touch(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#database.query<{ id: string }>(
      `UPDATE shared_call AS c SET touched_at = clock_timestamp() FROM run r
       WHERE c.id = ANY($1::uuid[]) AND c.taker = $2 AND r.id = c.run_id AND r.fence = c.fence RETURNING c.id`,
      [ids, this.#me],
    )
    return new Set(rows.map(({ id }) => id))
  }

  async answer(answers: readonly SharedAnswer[]): Promise<void> {
    await this.#database.query(
      `UPDATE shared_call AS c SET answer = a.answer FROM jsonb_to_recordset($1::jsonb) AS a(id uuid, answer jsonb)
       WHERE c.id = a.id AND c.taker = $2`,
      [storableJson(JSON.stringify(answers)), this.#me],
    )
  }

  /** Gives up what this one has taken and not answered; what it has given stays with its walks. */
  async giveUp(): Promise<void> {
    await this.#database.query('DELETE FROM shared_call WHERE taker = $1 AND answer IS NULL', [this.#me])
  }

  /** Takes away what an orchestrator that died has given, and what it has taken and not answered. */
  async clear(orchestrator: string): Promise<void> {
    await this.#database.query('DELETE FROM shared_call WHERE giver = $1 OR (taker = $1 AND answer IS NULL)', [
      orchestrator,
    ])
  }

  /** Orchestrators that have given or taken calls, but for this one. */
  async parties(): Promise<string[]> {
    const rows = await this.#database.query<{ id: string }>(
      'SELECT giver AS id FROM shared_call WHERE giver <> $1 UNION SELECT taker FROM shared_call WHERE taker <> $1',
      [this.#me],
    )
    return rows.map(({ id }) => id)
  }
}
