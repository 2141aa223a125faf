// Writing the state of runs.
//
// Invariants
//  L1 A transition is one statement: run, steps and events change together, or none does.
//  L2 It changes nothing unless the walker's fence is the run's fence and the run has not ended.
//  L3 Events of a run are numbered without gaps, in the order in which they were recorded.
//  L4 The end of a run and the completion of its job are one transaction.

import type { PgBoss } from 'pg-boss'
import type { StepState } from '../engine/state.ts'
import type { Database, Sql } from './database.ts'
import { Batcher } from './batcher.ts'
import { isOfValue, storableJson } from './storable.ts'
import type { NewEvent, Recorded, Transition } from './transition.ts'

export const runQueue = 'run'
const batchMax = 256

const recordSql = `
  WITH t AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS t(run_id uuid, fence int, starts boolean, started boolean, ends jsonb, steps jsonb, events jsonb)
  ), u AS (
    UPDATE run AS r SET
      event_seq = r.event_seq + jsonb_array_length(t.events),
      status = coalesce(t.ends->>'status', r.status),
      outputs = CASE WHEN t.ends IS NULL THEN r.outputs ELSE nullif(t.ends->'outputs', 'null') END,
      problem = CASE WHEN t.ends IS NULL THEN r.problem ELSE nullif(t.ends->'problem', 'null') END,
      started_at = CASE WHEN t.started THEN coalesce(r.started_at, clock_timestamp()) ELSE r.started_at END,
      ended_at = CASE WHEN t.ends IS NULL THEN NULL ELSE clock_timestamp() END
    FROM t
    WHERE r.id = t.run_id AND r.fence = t.fence AND r.ended_at IS NULL AND NOT (t.starts AND r.cancel_requested)
    RETURNING r.id, r.event_seq - jsonb_array_length(t.events) AS base, t.steps, t.events
  ), s AS (
    INSERT INTO step AS old (run_id, name, place, stage, version, status, attempts, next_at, rows, seconds, progress, input_hash, output_hash, output, problem, started_at, ended_at)
    SELECT u.id, n.name, n.place, n.stage, n.version, n.status, n.attempts, to_timestamp(n.next_at / 1000.0), n.rows, n.seconds, NULL, n.input_hash, n.output_hash,
      nullif(n.output, 'null'), nullif(n.problem, 'null'), to_timestamp(n.started_at / 1000.0), to_timestamp(n.ended_at / 1000.0)
    FROM u, jsonb_to_recordset(u.steps) AS n(name text, place int, stage text, version text, status text, attempts int, next_at double precision, rows bigint,
      seconds double precision, input_hash text, output_hash text, output jsonb, problem jsonb, started_at double precision, ended_at double precision)
    ON CONFLICT (run_id, name) DO UPDATE SET version = excluded.version, status = excluded.status, attempts = excluded.attempts, next_at = excluded.next_at,
      rows = excluded.rows, seconds = excluded.seconds, progress = NULL, input_hash = excluded.input_hash, output_hash = excluded.output_hash,
      output = excluded.output, problem = excluded.problem, started_at = excluded.started_at, ended_at = excluded.ended_at
  ), e AS (
    INSERT INTO event (run_id, id, type, step, attempt, data)
    SELECT u.id, u.base + item.place, item.value->>'type', item.value->>'step', (item.value->>'attempt')::int, coalesce(item.value->'data', '{}'::jsonb)
    FROM u, jsonb_array_elements(u.events) WITH ORDINALITY AS item(value, place)
  )
  SELECT id FROM u`

export interface StepPlace {
  readonly place: number
  readonly stage: string
}

export interface RecordRequest {
  readonly transition: Transition
  /** Place in the plan and stage of each step. */
  readonly places: ReadonlyMap<string, StepPlace>
}

export class Ledger {
  readonly #database: Database
  readonly #boss: PgBoss
  readonly #batcher: Batcher<RecordRequest, Recorded>

  constructor(database: Database, boss: PgBoss) {
    this.#database = database
    this.#boss = boss
    this.#batcher = new Batcher({
      max: batchMax,
      keyOf: ({ transition }) => transition.runId,
      isOfItem: isOfValue,
      write: batch => this.#write(batch),
    })
  }

  /** Records a transition; those of many runs that come at one time are written together. */
  async record(request: RecordRequest): Promise<Recorded> {
    return await this.#batcher.add(request)
  }

  async idle(): Promise<void> {
    await this.#batcher.idle()
  }

  async #write(batch: readonly RecordRequest[]): Promise<Recorded[]> {
    const ends = batch.filter(({ transition }) => transition.end !== undefined)
    const recorded =
      ends.length === 0
        ? await this.#apply(this.#database, batch)
        : await this.#database.transaction(async sql => {
            const ids = await this.#apply(sql, batch)
            const jobs = ends
              .filter(({ transition }) => ids.has(transition.runId))
              .map(({ transition }) => transition.jobId)
            if (jobs.length > 0) await this.#boss.complete(runQueue, jobs, null, { db: bossSql(sql) })
            return ids
          })
    const missing = batch.filter(({ transition }) => !recorded.has(transition.runId))
    const cancelled =
      missing.length === 0 ? new Set<string>() : await this.#cancelled(missing.map(({ transition }) => transition))
    return batch.map(({ transition: { runId } }) =>
      recorded.has(runId) ? 'recorded' : cancelled.has(runId) ? 'refused' : 'lost',
    )
  }

  async #apply(sql: Sql, batch: readonly RecordRequest[]): Promise<Set<string>> {
    const payload = batch.map(({ transition, places }) => ({
      run_id: transition.runId,
      fence: transition.fence,
      starts: transition.starts,
      started: transition.started ?? false,
      ends: transition.end ?? null,
      steps: transition.steps.map(step => stepPayload(step, places.get(step.name))),
      events: transition.events.map(eventPayload),
    }))
    const rows = await sql.query<{ id: string }>(recordSql, [storableJson(JSON.stringify(payload))])
    return new Set(rows.map(({ id }) => id))
  }

  async #cancelled(transitions: readonly Transition[]): Promise<Set<string>> {
    const rows = await this.#database.query<{ id: string }>(
      `SELECT r.id FROM run r JOIN jsonb_to_recordset($1::jsonb) AS t(run_id uuid, fence int) ON r.id = t.run_id AND r.fence = t.fence
       WHERE r.cancel_requested AND r.ended_at IS NULL`,
      [JSON.stringify(transitions.map(({ runId, fence }) => ({ run_id: runId, fence })))],
    )
    return new Set(rows.map(({ id }) => id))
  }
}

/** pg-boss's view of a connection inside a transaction of ours. */
export const bossSql = (sql: Sql) => ({
  executeSql: async (text: string, values?: unknown[]) => ({ rows: await sql.query(text, values) }),
})

const stepPayload = (step: StepState, place: StepPlace | undefined) => ({
  name: step.name,
  place: place?.place ?? 0,
  stage: place?.stage ?? '',
  version: step.version,
  status: step.status,
  attempts: step.attempts,
  next_at: step.nextAt,
  rows: step.rows,
  seconds: step.seconds,
  input_hash: step.inputHash,
  output_hash: step.outputHash,
  output: step.output,
  problem: step.problem,
  started_at: step.startedAt,
  ended_at: step.endedAt,
})

const eventPayload = ({ type, step, attempt, data }: NewEvent) => ({
  type,
  step: step ?? null,
  attempt: attempt ?? null,
  data: data ?? {},
})
