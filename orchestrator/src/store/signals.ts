// Answers to steps that wait, and the runs that rest until one comes or their time is over.
//
// Invariants
//  S1 One answer for each time that a step waits: the first. Whether it is in time is decided under the lock of the run.
//  S2 An answer that was acknowledged is not passed over: whoever walks the run may not end the wait, nor let the run
//     rest, before it has read all answers that there are (`run.signals` counts them).

import { randomUUID } from 'node:crypto'
import { canonicalJson, type JsonValue, type StepStatus, type WaitView } from '@meshwork/contracts'
import type { PgBoss } from 'pg-boss'
import type { SubEnd } from '../step/sub.ts'
import type { Database, Sql } from './database.ts'
import { bossSql, runQueue } from './ledger.ts'
import type { RunRow } from './rows.ts'
import { storableJson } from './storable.ts'
import { requeuedIf } from './verbs.ts'

export interface SignalData {
  readonly by: string
  readonly comment: string
  readonly inputs: { readonly [name: string]: JsonValue }
  /** Of a run that the step started. */
  readonly end?: SubEnd
}

export type SignalKind = 'signal' | 'approve' | 'reject' | 'ended'

export interface SignalRow extends Record<string, unknown> {
  run_id: string
  step: string
  generation: number
  kind: SignalKind
  data: SignalData
  at: Date
}

export type Signalled =
  | { readonly kind: 'done'; readonly run: RunRow }
  /** It was answered in the same way before. */
  | { readonly kind: 'standing'; readonly run: RunRow }
  | { readonly kind: 'answered'; readonly run: RunRow; readonly by: SignalRow }
  /** The step does not wait: not yet, or not any more. */
  | { readonly kind: 'closed'; readonly run: RunRow; readonly status: StepStatus }
  | { readonly kind: 'unknown' }

export interface WaitRow extends Record<string, unknown> {
  run: string
  workflow: string
  step: string
  kind: WaitView['kind']
  message: string | null
  started_at: Date
  until: Date | null
  plan: RunRow['plan']
}

const wokenAtOnce = 100

export class Signals {
  readonly #database: Database
  readonly #boss: PgBoss

  constructor(database: Database, boss: PgBoss) {
    this.#database = database
    this.#boss = boss
  }

  /** `of`: the generation of the step that it answers; without it, the one that there is. */
  async answer(runId: string, step: string, kind: SignalKind, data: SignalData, of?: number): Promise<Signalled> {
    return await this.#database.transaction(async sql => {
      const [run] = await sql.query<RunRow>('SELECT * FROM run WHERE id = $1 FOR UPDATE', [runId])
      if (!run) return { kind: 'unknown' }
      const [row] = await sql.query<{ status: StepStatus; generation: number }>(
        'SELECT status, generation FROM step WHERE run_id = $1 AND name = $2',
        [runId, step],
      )
      const { status = 'pending', generation = 1 } = row ?? {}
      if (of !== undefined && of !== generation) return { kind: 'closed', run, status }
      const [standing] = await sql.query<SignalRow>(
        'SELECT * FROM signal WHERE run_id = $1 AND step = $2 AND generation = $3',
        [runId, step, generation],
      )
      if (standing) {
        const same = standing.kind === kind && canonicalJson(standing.data) === canonicalJson(data)
        return same ? { kind: 'standing', run } : { kind: 'answered', run, by: standing }
      }
      const early = status === 'pending' && kind === 'signal'
      if (run.ended_at !== null || run.cancel_requested || (status !== 'waiting' && !early))
        return { kind: 'closed', run, status }
      await sql.query('INSERT INTO signal (run_id, step, generation, kind, data) VALUES ($1, $2, $3, $4, $5::jsonb)', [
        runId,
        step,
        generation,
        kind,
        storableJson(JSON.stringify(data)),
      ])
      const event = data.end
        ? { kind, run: data.end.run, status: data.end.status }
        : { kind, by: data.by, comment: data.comment }
      return { kind: 'done', run: await this.#told(sql, runId, step, event) }
    })
  }

  /** Counts the answer, and has the run walked again where it rests. */
  async #told(sql: Sql, runId: string, step: string, event: object): Promise<RunRow> {
    const job = randomUUID()
    const [run] = await sql.query<RunRow>(
      `WITH u AS (
         UPDATE run SET signals = signals + 1, event_seq = event_seq + 1, status = CASE WHEN status = 'waiting' THEN 'queued' ELSE status END,
           ${requeuedIf("parked AND status = 'waiting'")}
         WHERE id = $1 RETURNING *
       ), e AS (
         INSERT INTO event (run_id, id, type, step, data) SELECT id, event_seq, 'step.signalled', $3::text, $4::jsonb FROM u
       )
       SELECT * FROM u`,
      [runId, job, step, JSON.stringify(event)],
    )
    if (run?.job_id === job)
      await this.#boss.insert(runQueue, [{ id: job, data: { run: runId } }], { db: bossSql(sql) })
    return run as RunRow
  }

  async of(runId: string): Promise<SignalRow[]> {
    return await this.#database.query<SignalRow>('SELECT * FROM signal WHERE run_id = $1', [runId])
  }

  async markTold(runId: string): Promise<void> {
    await this.#database.query('UPDATE run SET parent_told = true WHERE id = $1 AND ended_at IS NOT NULL', [runId])
  }

  /** Runs that ended of which the step that started them was not told yet. */
  async untold(): Promise<RunRow[]> {
    return await this.#database.query<RunRow>(
      'SELECT * FROM run WHERE parent_run IS NOT NULL AND NOT parent_told AND ended_at IS NOT NULL ORDER BY ended_at LIMIT $1',
      [wokenAtOnce],
    )
  }

  /** Has runs walked again whose time has come. Answers how many, and the milliseconds until the next. */
  async wakeDue(): Promise<{ woken: number; waitMs: number | undefined }> {
    const due = await this.#database.query(
      `SELECT 1 FROM run WHERE wake_at <= clock_timestamp() AND parked AND status = 'waiting' LIMIT 1`,
    )
    const woken = due.length === 0 ? 0 : await this.#database.transaction(async sql => await this.#wake(sql))
    const [next] = await this.#database.query<{ wait: number | null }>(
      `SELECT 1000 * extract(epoch FROM min(wake_at) - clock_timestamp())::float8 AS wait FROM run WHERE wake_at IS NOT NULL AND parked AND status = 'waiting'`,
    )
    return { woken, waitMs: next?.wait ?? undefined }
  }

  async #wake(sql: Sql): Promise<number> {
    const rows = await sql.query<{ id: string; job_id: string }>(
      `WITH due AS (
         SELECT id FROM run WHERE wake_at <= clock_timestamp() AND parked AND status = 'waiting' ORDER BY wake_at LIMIT $1 FOR UPDATE SKIP LOCKED
       ), u AS (
         UPDATE run SET status = 'queued', event_seq = event_seq + 1, job_id = gen_random_uuid(), fence = fence + 1, queued_at = clock_timestamp(), parked = false, wake_at = NULL
         FROM due WHERE run.id = due.id RETURNING run.id, run.job_id, run.event_seq
       ), e AS (
         INSERT INTO event (run_id, id, type, data) SELECT id, event_seq, 'run.woken', '{}' FROM u
       )
       SELECT id, job_id FROM u`,
      [wokenAtOnce],
    )
    const jobs = rows.map(({ id, job_id }) => ({ id: job_id, data: { run: id } }))
    if (jobs.length > 0) await this.#boss.insert(runQueue, jobs, { db: bossSql(sql) })
    return rows.length
  }

  /** Steps that wait, those that began first at the top. */
  async waiting(kind: string | undefined, workflow: string | undefined, limit: number): Promise<WaitRow[]> {
    return await this.#database.readers.query<WaitRow>(
      `SELECT r.id AS run, r.workflow, s.name AS step, e.data->>'kind' AS kind, e.data->>'message' AS message, s.started_at, s.next_at AS until, r.plan
       FROM step s JOIN run r ON r.id = s.run_id
       CROSS JOIN LATERAL (SELECT data FROM event WHERE run_id = s.run_id AND type = 'step.waiting' AND step = s.name ORDER BY id DESC LIMIT 1) AS e
       WHERE s.status = 'waiting' AND r.ended_at IS NULL AND ($1::text IS NULL OR e.data->>'kind' = $1) AND ($2::text IS NULL OR r.workflow = $2)
       ORDER BY s.started_at, s.run_id LIMIT $3`,
      [kind ?? null, workflow ?? null, limit],
    )
  }
}
