// Runs: accepting, claiming, reading, cancelling. Each method is one whole transition or one read.

import type { JsonValue, RunStatus } from '@meshwork/contracts'
import type { PgBoss } from 'pg-boss'
import type { Plan } from '../plan/plan.ts'
import { Batcher } from './batcher.ts'
import type { Database } from './database.ts'
import { bossSql, runQueue } from './ledger.ts'
import type { EventRow, RunRow, StepRow } from './rows.ts'
import { isOfValue, storableJson } from './storable.ts'

export interface NewRun {
  readonly id: string
  readonly jobId: string
  readonly workflow: string
  readonly version: number
  readonly params: Record<string, JsonValue>
  readonly cache: boolean
  readonly plan: Plan
  readonly traceparent: string
  readonly idempotencyKey: string | null
  readonly requestHash: string
}

export type Accepted =
  | { readonly kind: 'accepted'; readonly run: RunRow }
  | { readonly kind: 'standing'; readonly run: RunRow }

export interface RunFilter {
  readonly workflow?: string
  readonly status?: RunStatus
  readonly limit: number
  readonly before?: { readonly at: string; readonly id: string }
}

export interface ClaimedRun {
  readonly run: RunRow
  readonly steps: readonly StepRow[]
}

const acceptSql = `
  WITH n AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS n(id uuid, job_id uuid, workflow text, version int, params jsonb, cache boolean, plan jsonb,
      traceparent text, idempotency_key text, request_hash text)
  ), r AS (
    INSERT INTO run (id, job_id, workflow, version, status, params, cache, plan, traceparent, idempotency_key, request_hash, event_seq)
    SELECT id, job_id, workflow, version, 'queued', params, cache, plan, traceparent, idempotency_key, request_hash, 1 FROM n
    ORDER BY idempotency_key -- batches that share keys take them in one order
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING *
  ), e AS (
    INSERT INTO event (run_id, id, type, data) SELECT id, 1, 'run.created', jsonb_build_object('workflow', workflow, 'version', version) FROM r
  )
  SELECT * FROM r`

export class Runs {
  readonly #database: Database
  readonly #boss: PgBoss
  readonly #accepting: Batcher<NewRun, Accepted>

  constructor(database: Database, boss: PgBoss) {
    this.#database = database
    this.#boss = boss
    this.#accepting = new Batcher({
      max: 256,
      keyOf: run => run.idempotencyKey ?? run.id,
      isOfItem: isOfValue,
      write: runs => this.#accept(runs),
    })
  }

  /** Keeps the run and its job in one transaction; the run that has the idempotency key already stands instead. */
  async accept(run: NewRun): Promise<Accepted> {
    return await this.#accepting.add(run)
  }

  async get(id: string): Promise<RunRow | undefined> {
    const [row] = await this.#database.readers.query<RunRow>('SELECT * FROM run WHERE id = $1', [id])
    return row
  }

  /** Newest first. `cursor_at` is `created_at` to the microsecond, which a Date would cut off. */
  async list(filter: RunFilter): Promise<(RunRow & { cursor_at: string })[]> {
    const values: unknown[] = [filter.limit]
    const where = ['true']
    const bind = (value: unknown) => `$${values.push(value)}`
    if (filter.workflow !== undefined) where.push(`workflow = ${bind(filter.workflow)}`)
    if (filter.status !== undefined) where.push(`status = ${bind(filter.status)}`)
    if (filter.before)
      where.push(`(created_at, id) < (${bind(filter.before.at)}::timestamptz, ${bind(filter.before.id)}::uuid)`)
    return await this.#database.readers.query<RunRow & { cursor_at: string }>(
      `SELECT *, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS cursor_at FROM run WHERE ${where.join(' AND ')} ORDER BY created_at DESC, id DESC LIMIT $1`,
      values,
    )
  }

  async steps(runId: string): Promise<StepRow[]> {
    return await this.#database.readers.query<StepRow>('SELECT * FROM step WHERE run_id = $1 ORDER BY place', [runId])
  }

  async events(runId: string, after: number, limit: number): Promise<EventRow[]> {
    return await this.#database.readers.query<EventRow>(
      'SELECT * FROM event WHERE run_id = $1 AND id > $2 ORDER BY id LIMIT $3',
      [runId, after, limit],
    )
  }

  /** Takes jobs and makes this orchestrator the holder of their runs, under a new fence. */
  async claim(owner: string, max: number): Promise<ClaimedRun[]> {
    const jobs = await this.#boss.fetch<{ run: string }>(runQueue, { batchSize: max })
    if (jobs.length === 0) return []
    const ids = jobs.map(({ data }) => data.run)
    const runs = await this.#database.query<RunRow>(
      `UPDATE run SET owner = $2, fence = fence + 1, status = 'running' WHERE id = ANY($1::uuid[]) AND ended_at IS NULL RETURNING *`,
      [ids, owner],
    )
    const held = new Set(runs.map(({ id }) => id))
    const over = jobs.filter(({ data }) => !held.has(data.run)).map(({ id }) => id)
    if (over.length > 0) await this.#boss.complete(runQueue, over)
    const resumed = runs.filter(({ started_at }) => started_at !== null).map(({ id }) => id)
    const steps =
      resumed.length === 0
        ? []
        : await this.#database.query<StepRow>('SELECT * FROM step WHERE run_id = ANY($1::uuid[])', [resumed])
    return runs.map(run => ({ run, steps: steps.filter(({ run_id }) => run_id === run.id) }))
  }

  /** Tells pg-boss that the jobs are still worked on. */
  async touch(jobIds: readonly string[]): Promise<void> {
    if (jobIds.length > 0) await this.#boss.touch(runQueue, [...jobIds])
  }

  /** Gives jobs back at once, so that another orchestrator, or this one after a restart, takes them up. */
  async giveBack(jobIds: readonly string[]): Promise<void> {
    if (jobIds.length > 0) await this.#boss.fail(runQueue, [...jobIds], { reason: 'handed over' })
  }

  /** Jobs that were being worked on. On one machine, at boot, all of them are orphans. */
  async activeJobs(owner?: string): Promise<string[]> {
    const rows = await this.#database.query<{ id: string }>(
      `SELECT j.id FROM pgboss.job j JOIN run r ON r.job_id = j.id WHERE j.name = $1 AND j.state = 'active' AND ($2::text IS NULL OR r.owner = $2)`,
      [runQueue, owner ?? null],
    )
    return rows.map(({ id }) => id)
  }

  /** Owners of runs that have not ended, but for one. */
  async otherOwners(me: string): Promise<string[]> {
    const rows = await this.#database.query<{ owner: string }>(
      'SELECT DISTINCT owner FROM run WHERE ended_at IS NULL AND owner IS NOT NULL AND owner <> $1',
      [me],
    )
    return rows.map(({ owner }) => owner)
  }

  /** Acknowledges a cancel: from here on no step of the run is started. A run that nobody has begun ends at once. */
  async cancel(id: string): Promise<RunRow | undefined> {
    const [row] = await this.#database.query<RunRow>(
      `WITH u AS (
         UPDATE run SET cancel_requested = true, event_seq = event_seq + 1,
           status = CASE WHEN status = 'queued' THEN 'cancelled' ELSE status END,
           ended_at = CASE WHEN status = 'queued' THEN clock_timestamp() ELSE ended_at END
         WHERE id = $1 AND ended_at IS NULL AND NOT cancel_requested RETURNING *
       ), e AS (
         INSERT INTO event (run_id, id, type, data) SELECT id, event_seq, CASE WHEN status = 'cancelled' THEN 'run.cancelled' ELSE 'run.cancelling' END, '{}' FROM u
       )
       SELECT * FROM u`,
      [id],
    )
    return row ?? (await this.get(id))
  }

  /** Of these runs, those whose cancel was requested. */
  async cancelRequested(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    const rows = await this.#database.query<{ id: string }>(
      'SELECT id FROM run WHERE id = ANY($1::uuid[]) AND cancel_requested',
      [ids],
    )
    return rows.map(({ id }) => id)
  }

  async saveProgress(
    items: readonly { runId: string; step: string; progress: JsonValue; attempt: number; fence: number }[],
  ): Promise<void> {
    await this.#database.query(
      `WITH t AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS t(run_id uuid, step text, progress jsonb, attempt int, fence int)
       ), n AS (
         SELECT run_id, fence, count(*)::int AS events, jsonb_agg(jsonb_build_object('step', step, 'attempt', attempt, 'progress', progress)) AS list FROM t GROUP BY run_id, fence
       ), u AS (
         UPDATE run AS r SET event_seq = r.event_seq + n.events FROM n WHERE r.id = n.run_id AND r.fence = n.fence AND r.ended_at IS NULL
         RETURNING r.id, r.event_seq - n.events AS base, n.list
       ), s AS (
         UPDATE step SET progress = t.progress FROM t, u WHERE u.id = t.run_id AND step.run_id = t.run_id AND step.name = t.step AND step.status = 'running'
       )
       INSERT INTO event (run_id, id, type, step, attempt, data)
       SELECT u.id, u.base + item.place, 'step.progress', item.value->>'step', (item.value->>'attempt')::int, item.value->'progress'
       FROM u, jsonb_array_elements(u.list) WITH ORDINALITY AS item(value, place)`,
      [storableJson(JSON.stringify(items.map(({ runId, ...item }) => ({ run_id: runId, ...item }))))],
    )
  }

  /** The newest output of the same work: same stage, version and input. */
  async reusable(stage: string, version: string, inputHash: string): Promise<StepRow | undefined> {
    const [row] = await this.#database.query<StepRow>(
      `SELECT * FROM step WHERE stage = $1 AND version = $2 AND input_hash = $3 AND status = 'succeeded' ORDER BY ended_at DESC LIMIT 1`,
      [stage, version, inputHash],
    )
    return row
  }

  async #accept(runs: readonly NewRun[]): Promise<Accepted[]> {
    const payload = JSON.stringify(
      runs.map(run => ({
        id: run.id,
        job_id: run.jobId,
        workflow: run.workflow,
        version: run.version,
        params: run.params,
        cache: run.cache,
        plan: run.plan,
        traceparent: run.traceparent,
        idempotency_key: run.idempotencyKey,
        request_hash: run.requestHash,
      })),
    )
    const rows = await this.#database.transaction(async sql => {
      const accepted = await sql.query<RunRow>(acceptSql, [payload])
      const jobs = accepted.map(({ id, job_id }) => ({ id: job_id, data: { run: id } }))
      if (jobs.length > 0) await this.#boss.insert(runQueue, jobs, { db: bossSql(sql) })
      return accepted
    })
    const accepted = new Map(rows.map(row => [row.id, row]))
    return await Promise.all(
      runs.map(async (run): Promise<Accepted> => {
        const mine = accepted.get(run.id)
        if (mine) return { kind: 'accepted', run: mine }
        const [standing] = await this.#database.query<RunRow>('SELECT * FROM run WHERE idempotency_key = $1', [
          run.idempotencyKey,
        ])
        if (!standing) throw new Error(`run ${run.id} was neither accepted nor there`)
        return { kind: 'standing', run: standing }
      }),
    )
  }
}
