// Writing the state of runs.
//
// Invariants
//  L1 A transition is one statement: run, steps and events change together, or none does.
//  L2 It changes nothing unless the walker's fence is the run's fence and the run has not ended.
//  L3 Events of a run are numbered without gaps, in the order in which they were recorded.
//  L4 The end of a run, or its parking, and the completion of its job are the same statement.

import type { Database, Sql } from './database.ts'
import { Batcher } from './batcher.ts'
import { isOfValue, storableJson } from './storable.ts'
import { eventPayload, type StepPlace, stepPayload, writeEventsSql, writeStepsSql } from './step-sql.ts'
import type { Recorded, Transition, Wishes } from './transition.ts'

export const runQueue = 'run'
const batchMax = 256

// Runs are found by their key, whatever the plan was made for: an array of them, and num_nulls, which no index knows. The
// index of runs that have not ended holds what many of them, and all that ended lately, have left in it.
const recordSql = `
  WITH t AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS t(run_id uuid, job_id uuid, fence int, starts boolean, parks text, wake_at double precision, signals int, ends jsonb, steps jsonb, events jsonb)
  ), u AS (
    UPDATE run AS r SET
      event_seq = r.event_seq + jsonb_array_length(t.events),
      status = coalesce(t.ends->>'status', CASE WHEN t.parks = 'waiting' THEN t.parks END, r.status),
      pause_requested = r.pause_requested AND t.ends IS NULL,
      parked = t.parks IS NOT NULL,
      wake_at = to_timestamp(t.wake_at / 1000.0),
      owner = CASE WHEN t.parks IS NULL THEN r.owner END,
      outputs = CASE WHEN t.ends IS NULL THEN r.outputs ELSE nullif(t.ends->'outputs', 'null') END,
      problem = CASE WHEN t.ends IS NULL THEN r.problem ELSE nullif(t.ends->'problem', 'null') END,
      ended_at = CASE WHEN t.ends IS NULL THEN NULL ELSE clock_timestamp() END
    FROM t
    WHERE r.id = ANY (ARRAY(SELECT run_id FROM t)) AND r.id = t.run_id AND r.fence = t.fence AND num_nulls(r.ended_at) = 1 AND NOT (t.starts AND (r.cancel_requested OR r.pause_requested))
      AND NOT (t.parks IS NOT NULL AND (r.cancel_requested OR r.pause_requested <> (t.parks = 'paused')))
      AND (t.signals IS NULL OR t.signals = r.signals)
    RETURNING r.id, r.event_seq - jsonb_array_length(t.events) AS base, t.steps, t.events, CASE WHEN t.ends IS NOT NULL OR t.parks IS NOT NULL THEN t.job_id END AS job_over
  ), s AS (
    ${writeStepsSql('u')}
  ), e AS (
    ${writeEventsSql('u')}
  ), j AS (
    -- As pg-boss completes a job. An array, so that it is looked up in the index whatever is expected of u.
    UPDATE pgboss.job SET state = 'completed', completed_on = pgboss.job_now(), output = NULL
    WHERE name = '${runQueue}' AND id = ANY (ARRAY(SELECT job_over FROM u WHERE job_over IS NOT NULL)) AND state = 'active'
  )
  SELECT id FROM u`

export interface RecordRequest {
  readonly transition: Transition
  /** Place in the plan and stage of each step. */
  readonly places: ReadonlyMap<string, StepPlace>
}

export class Ledger {
  readonly #database: Database
  readonly #batcher: Batcher<RecordRequest, Recorded>

  constructor(database: Database) {
    this.#database = database
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
    const recorded = await this.#apply(batch)
    const missing = batch.filter(({ transition }) => !recorded.has(transition.runId))
    const asked = missing.length === 0 ? undefined : await this.#asked(missing.map(({ transition }) => transition))
    return batch.map(({ transition: { runId } }) => (recorded.has(runId) ? 'recorded' : (asked?.get(runId) ?? 'lost')))
  }

  async #apply(batch: readonly RecordRequest[]): Promise<Set<string>> {
    const payload = batch.map(({ transition, places }) => ({
      run_id: transition.runId,
      job_id: transition.jobId,
      fence: transition.fence,
      starts: transition.starts,
      parks: transition.parks?.why ?? null,
      wake_at: transition.parks?.wakeAt ?? null,
      signals: transition.signals ?? null,
      ends: transition.end ?? null,
      steps: transition.steps.map(step => stepPayload(step, places)),
      events: transition.events.map(eventPayload),
    }))
    const json = storableJson(JSON.stringify(payload))
    const rows = await this.#database.query<{ id: string }>(recordSql, [json], 'record')
    return new Set(rows.map(({ id }) => id))
  }

  /** Of runs that are still held: what was asked of them. */
  async #asked(transitions: readonly Transition[]): Promise<Map<string, Wishes>> {
    const rows = await this.#database.query<{ id: string } & Wishes>(
      `SELECT r.id, r.cancel_requested AS cancelling, r.pause_requested AS paused, r.signals
       FROM run r JOIN jsonb_to_recordset($1::jsonb) AS t(run_id uuid, fence int) ON r.id = t.run_id AND r.fence = t.fence
       WHERE r.ended_at IS NULL`,
      [JSON.stringify(transitions.map(({ runId, fence }) => ({ run_id: runId, fence })))],
    )
    return new Map(rows.map(({ id, ...wishes }) => [id, wishes]))
  }
}

/** pg-boss's view of a connection inside a transaction of ours. */
export const bossSql = (sql: Sql) => ({
  executeSql: async (text: string, values?: unknown[]) => ({ rows: await sql.query(text, values, nameOf(text)) }),
})

const namesMax = 8
const names = new Map<string, string>()

/** An insert has one plan, which is made once for each connection. That of others changes with the tables they look into. */
function nameOf(text: string): string | undefined {
  if (!text.trimStart().startsWith('INSERT')) return undefined
  const known = names.get(text)
  if (known !== undefined || names.size >= namesMax) return known
  const name = `pg-boss ${names.size + 1}`
  names.set(text, name)
  return name
}
