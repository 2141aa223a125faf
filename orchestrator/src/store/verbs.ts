// What people ask of a run. Each verb is one transaction that is over before it is acknowledged, so it survives the
// death of everything; the walker is told afterwards, and finds out by itself at its next write or heartbeat.
//
// Invariants
//  V1 A run is walked only under its job; a run that is to be walked again gets a new job in the same transaction.
//  V2 Whoever held the run before has an old fence from then on.

import { randomUUID } from 'node:crypto'
import type { PgBoss } from 'pg-boss'
import type { JsonValue, RunEvent } from '@meshwork/contracts'
import type { Again } from '../start/again.ts'
import { pendingStep, type StepState } from '../step/state.ts'
import type { Admission } from './admission.ts'
import type { Database, Sql } from './database.ts'
import { bossSql, runQueue } from './ledger.ts'
import { type RunRow, type StepRow, stepState } from './rows.ts'

/** `unchanged`: it was so already, or the state of the run does not allow it; the run as it is. */
export type Asked =
  | { readonly kind: 'done'; readonly run: RunRow }
  | { readonly kind: 'unchanged'; readonly run: RunRow }
  | { readonly kind: 'unknown' }

export interface AgainRequest {
  readonly type: Extract<RunEvent['type'], 'run.retried' | 'run.rerun'>
  readonly decide: (run: RunRow, states: ReadonlyMap<string, StepState>) => Again
  readonly data: (again: Again) => Record<string, JsonValue>
}

export class Verbs {
  readonly #database: Database
  readonly #boss: PgBoss
  readonly #admission: Admission

  constructor(database: Database, boss: PgBoss, admission: Admission) {
    this.#database = database
    this.#boss = boss
    this.#admission = admission
  }

  /** From here on no step of the run is started. A run that nobody has begun ends at once. */
  async cancel(id: string): Promise<Asked> {
    return await this.#ask(id, cancelSql)
  }

  /** As `cancel`, in a transaction of the caller. */
  async cancelIn(sql: Sql, id: string): Promise<void> {
    await this.#change(sql, id, cancelSql)
  }

  /** From here on no step of the run is started; what runs is left to end. */
  async pause(id: string): Promise<Asked> {
    return await this.#ask(
      id,
      `WITH u AS (
         UPDATE run SET pause_requested = true, parked = parked OR status = 'queued', status = 'paused', event_seq = event_seq + 1
         WHERE id = $1 AND ended_at IS NULL AND NOT pause_requested AND NOT cancel_requested AND $2::uuid IS NOT NULL RETURNING *
       ), e AS (
         INSERT INTO event (run_id, id, type, data) SELECT id, event_seq, CASE WHEN parked THEN 'run.paused' ELSE 'run.pausing' END, '{}' FROM u
       )
       SELECT * FROM u`,
    )
  }

  async resume(id: string): Promise<Asked> {
    return await this.#ask(
      id,
      `WITH u AS (
         UPDATE run SET pause_requested = false, status = CASE WHEN parked THEN 'queued' ELSE 'running' END, event_seq = event_seq + 1,
           ${requeuedIf('parked AND NOT held')}
         WHERE id = $1 AND pause_requested AND ended_at IS NULL RETURNING *
       ), e AS (
         INSERT INTO event (run_id, id, type, data) SELECT id, event_seq, 'run.resumed', '{}' FROM u
       )
       SELECT * FROM u`,
    )
  }

  /** Opens a run that has ended: what is to run again is pending, the rest keeps its output. */
  async again(id: string, request: AgainRequest): Promise<Asked> {
    return await this.#database.transaction(async sql => {
      const [run] = await sql.query<RunRow>('SELECT * FROM run WHERE id = $1 FOR UPDATE', [id])
      if (!run) return { kind: 'unknown' }
      if (run.ended_at === null) return { kind: 'unchanged', run }
      const rows = await sql.query<StepRow>('SELECT * FROM step WHERE run_id = $1 AND item_of IS NULL', [id])
      const again = request.decide(run, new Map(rows.map(row => [row.name, stepState(row)])))
      if (again.runs.length === 0) return { kind: 'unchanged', run }
      const job = randomUUID()
      const [opened] = await sql.query<RunRow>(reopenSql, [
        id,
        job,
        request.type,
        JSON.stringify(request.data(again)),
        JSON.stringify(again.runs.map(({ name, generation }) => ({ name, generation }))),
      ])
      if (opened?.held) {
        await this.#admission.admitIn(sql, run.workflow)
        await this.#admission.tellHeldIn(sql, [id])
      } else await this.#queue(sql, id, job)
      return { kind: 'done', run: opened as RunRow }
    })
  }

  /** `text` changes the run with id $1, and gives it job $2 where it is to be walked again. */
  async #ask(id: string, text: string): Promise<Asked> {
    const changed = await this.#database.transaction(async sql => await this.#change(sql, id, text))
    if (changed) return { kind: 'done', run: changed }
    const [run] = await this.#database.query<RunRow>('SELECT * FROM run WHERE id = $1', [id])
    return run ? { kind: 'unchanged', run } : { kind: 'unknown' }
  }

  async #change(sql: Sql, id: string, text: string): Promise<RunRow | undefined> {
    const job = randomUUID()
    const [run] = await sql.query<RunRow>(text, [id, job])
    if (run?.job_id === job && run.ended_at === null) await this.#queue(sql, id, job)
    return run
  }

  async #queue(sql: Sql, run: string, job: string): Promise<void> {
    await this.#boss.insert(runQueue, [{ id: job, data: { run } }], { db: bossSql(sql) })
  }
}

/** Gives a run job $2 where a condition on its row holds. */
export const requeuedIf = (condition: string) => `
  job_id = CASE WHEN ${condition} THEN $2::uuid ELSE job_id END,
  fence = fence + CASE WHEN ${condition} THEN 1 ELSE 0 END,
  queued_at = CASE WHEN ${condition} THEN clock_timestamp() ELSE queued_at END,
  parked = run.parked AND NOT (${condition}),
  wake_at = CASE WHEN ${condition} THEN NULL ELSE run.wake_at END`

const cancelSql = `WITH old AS (
         SELECT id, parked, fence = 0 AND forked_from IS NULL AND (parked OR status = 'queued') AS unbegun FROM run
         WHERE id = $1 AND ended_at IS NULL AND NOT cancel_requested FOR UPDATE
       ), u AS (
         UPDATE run SET cancel_requested = true, pause_requested = false, event_seq = event_seq + 1,
           status = CASE WHEN unbegun THEN 'cancelled' WHEN old.parked THEN 'queued' WHEN status = 'paused' THEN 'running' ELSE status END,
           ended_at = CASE WHEN unbegun THEN clock_timestamp() END,
           held = false,
           ${requeuedIf('old.parked')}
         FROM old WHERE run.id = old.id RETURNING run.*
       ), e AS (
         INSERT INTO event (run_id, id, type, data) SELECT id, event_seq, CASE WHEN status = 'cancelled' THEN 'run.cancelled' ELSE 'run.cancelling' END, '{}' FROM u
       )
       SELECT * FROM u`

/** A step as it was before it was begun. */
const blank = pendingStep('')
const reopenSql = `
  WITH u AS (
    UPDATE run SET status = 'queued', ended_at = NULL, outputs = NULL, problem = NULL, cancel_requested = false, pause_requested = false, parked = limits IS NOT NULL, held = limits IS NOT NULL, admitted_at = NULL,
      owner = NULL, job_id = $2, fence = fence + 1, queued_at = clock_timestamp(), opened_at = clock_timestamp(), parent_told = false, event_seq = event_seq + 1
    WHERE id = $1 RETURNING *
  ), s AS (
    UPDATE step SET status = '${blank.status}', attempts = 0, generation = n.generation, version = NULL, next_at = NULL, rows = NULL, seconds = NULL, progress = NULL,
      input_hash = NULL, output_hash = NULL, output = NULL, problem = NULL, items = NULL, started_at = NULL, ended_at = NULL
    FROM jsonb_to_recordset($5::jsonb) AS n(name text, generation int) WHERE step.run_id = $1 AND step.name = n.name
  ), g AS (
    DELETE FROM signal USING jsonb_to_recordset($5::jsonb) AS n(name text) WHERE signal.run_id = $1 AND signal.step = n.name -- it is asked anew
  ), e AS (
    INSERT INTO event (run_id, id, type, data) SELECT id, event_seq, $3::text, $4::jsonb FROM u
  )
  SELECT * FROM u`
