// Runs: accepting, claiming, reading, cancelling. Each method is one whole transition or one read.

import type { JsonValue, RunStatus, StepStatus } from '@meshwork/contracts'
import type { PgBoss } from 'pg-boss'
import type { StepState } from '../step/state.ts'
import type { RunPulse } from '../events.ts'
import type { Plan } from '../plan/plan.ts'
import type { Admission } from './admission.ts'
import { Batcher } from './batcher.ts'
import type { Database, Sql, SqlRow } from './database.ts'
import { bossSql, runQueue } from './ledger.ts'
import {
  type EventRow,
  type ItemRow,
  type RunRow,
  runColumnsButPlan,
  type ShownRun,
  shownColumns,
  type StepRow,
} from './rows.ts'
import { eventPayload, placesOf, stepPayload, writeEventsSql, writeStepsSql } from './step-sql.ts'
import { isOfValue } from './storable.ts'
import type { NewEvent, Wishes } from './transition.ts'

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
  /** For one that a step of another run starts. */
  readonly parent?: { readonly run: string; readonly step: string; readonly generation: number }
  /** For a fork: its run, and what it keeps of it. */
  readonly fork?: { readonly of: string; readonly steps: readonly StepState[]; readonly events: readonly NewEvent[] }
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
  /** Whether another walk has held the run and left it without an end. */
  readonly recovered: boolean
  /** Milliseconds from when the run was put in the queue to now, by the clock of the database. */
  readonly waitedMs: number
  /** The same from when it was accepted, or asked to run again. */
  readonly openMs: number
  /** When it was claimed, in milliseconds since 1970, by the clock of the database. */
  readonly at: number
}

interface ClaimedRow extends RunRow {
  recovered: boolean
  waited_ms: number
  claimed_ms: number
  open_ms: number
}

const acceptSql = `
  WITH n AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS n(id uuid, job_id uuid, workflow text, version int, params jsonb, cache boolean, plan jsonb,
      traceparent text, idempotency_key text, request_hash text, forked_from uuid, steps jsonb, events jsonb, parent_run uuid, parent_step text, parent_generation int, limits jsonb)
  ), r AS (
    INSERT INTO run (id, job_id, workflow, version, status, params, cache, plan, traceparent, idempotency_key, request_hash, forked_from, event_seq, opened_at, parent_run, parent_step, parent_generation, limits, held, parked)
    SELECT id, job_id, workflow, version, 'queued', params, cache, plan, traceparent, idempotency_key, request_hash, forked_from, jsonb_array_length(events), clock_timestamp(), parent_run, parent_step, parent_generation, limits, limits IS NOT NULL, limits IS NOT NULL FROM n
    ORDER BY idempotency_key -- batches that share keys take them in one order
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING ${runColumnsButPlan}
  ), u AS (
    SELECT n.id, n.steps, n.events, 0 AS base FROM n JOIN r ON r.id = n.id
  ), s AS (
    ${writeStepsSql('u')}
  ), e AS (
    ${writeEventsSql('u')}
  )
  SELECT * FROM r`

const claimedColumns = runColumnsButPlan
  .split(', ')
  .map(column => `run.${column}`)
  .join(', ')

export class Runs {
  readonly #database: Database
  readonly #boss: PgBoss
  readonly #admission: Admission
  readonly #accepting: Batcher<NewRun, Accepted>
  readonly #reading: Batcher<string, RunRow | undefined>
  readonly #showing: Batcher<string, ShownRun | undefined>

  constructor(database: Database, boss: PgBoss, admission: Admission) {
    this.#database = database
    this.#boss = boss
    this.#admission = admission
    this.#accepting = new Batcher({
      max: 256,
      keyOf: run => run.idempotencyKey ?? run.id,
      isOfItem: isOfValue,
      write: runs => this.#accept(runs),
    })
    this.#reading = new Batcher({ max: 256, write: async ids => await this.#read<RunRow>('*', ids) })
    this.#showing = new Batcher({
      max: 256,
      write: async ids => await this.#read<ShownRun>(shownColumns, ids, 'show runs'),
    })
  }

  /** Keeps the run and its job in one transaction; the run that has the idempotency key already stands instead. */
  async accept(run: NewRun): Promise<Accepted> {
    return await this.#accepting.add(run)
  }

  async get(id: string): Promise<RunRow | undefined> {
    return await this.#reading.add(id)
  }

  /** Without what is not shown. */
  async shown(id: string): Promise<ShownRun | undefined> {
    return await this.#showing.add(id)
  }

  /** Newest first. `cursor_at` is `created_at` to the microsecond, which a Date would cut off. */
  async list(filter: RunFilter): Promise<(ShownRun & { cursor_at: string })[]> {
    const values: unknown[] = [filter.limit]
    const where = ['true']
    const bind = (value: unknown) => `$${values.push(value)}`
    if (filter.workflow !== undefined) where.push(`workflow = ${bind(filter.workflow)}`)
    if (filter.status !== undefined) where.push(`status = ${bind(filter.status)}`)
    if (filter.before)
      where.push(`(created_at, id) < (${bind(filter.before.at)}::timestamptz, ${bind(filter.before.id)}::uuid)`)
    return await this.#database.readers.query<ShownRun & { cursor_at: string }>(
      `SELECT ${shownColumns}, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS cursor_at FROM run WHERE ${where.join(' AND ')} ORDER BY created_at DESC, id DESC LIMIT $1`,
      values,
    )
  }

  async steps(runId: string): Promise<StepRow[]> {
    return await this.#database.readers.query<StepRow>(
      'SELECT * FROM step WHERE run_id = $1 AND item_of IS NULL ORDER BY place',
      [runId],
    )
  }

  /** Items of a step that have been begun, in the order of their list; only of the step as it was last begun. */
  async items(runId: string, step: string, after: number, limit: number): Promise<ItemRow[]> {
    return await this.#database.readers.query<ItemRow>(
      `SELECT i.* FROM step i JOIN step s ON s.run_id = i.run_id AND s.name = i.item_of AND s.generation = i.generation
       WHERE i.run_id = $1 AND i.item_of = $2 AND i.item > $3 AND i.item < s.items ORDER BY i.item LIMIT $4`,
      [runId, step, after, limit],
    )
  }

  /** How many items of each step are in each status. */
  async itemCounts(runId: string): Promise<{ step: string; status: StepStatus; count: number }[]> {
    return await this.#database.readers.query(
      `SELECT i.item_of AS step, i.status, count(*)::int AS count
       FROM step i JOIN step s ON s.run_id = i.run_id AND s.name = i.item_of AND s.generation = i.generation
       WHERE i.run_id = $1 AND i.item_of IS NOT NULL AND i.item < s.items GROUP BY i.item_of, i.status`,
      [runId],
    )
  }

  async events(runId: string, after: number, limit: number): Promise<EventRow[]> {
    return await this.#database.readers.query<EventRow>(
      'SELECT *, extract(epoch FROM clock_timestamp() - at)::float8 AS age_seconds FROM event WHERE run_id = $1 AND id > $2 ORDER BY id LIMIT $3',
      [runId, after, limit],
    )
  }

  /** Runs that were put in the queue earlier and are still in it; counted up to a thousand. */
  async queuedBefore(run: RunRow): Promise<number> {
    const [row] = await this.#database.readers.query<{ ahead: number }>(
      `SELECT count(*)::int AS ahead FROM (
         SELECT 1 FROM run WHERE ended_at IS NULL AND status = 'queued' AND queued_at < (SELECT queued_at FROM run WHERE id = $1) LIMIT 1000
       ) AS before`,
      [run.id],
    )
    return row?.ahead ?? 0
  }

  /** Ids of the oldest runs of a workflow that have not ended and are not being cancelled. */
  async open(workflow: string, limit: number): Promise<string[]> {
    const rows = await this.#database.readers.query<{ id: string }>(
      'SELECT id FROM run WHERE workflow = $1 AND ended_at IS NULL AND NOT cancel_requested ORDER BY created_at, id LIMIT $2',
      [workflow, limit],
    )
    return rows.map(({ id }) => id)
  }

  /** Takes jobs and makes this orchestrator the holder of their runs, under a new fence. */
  async claim(owner: string, max: number): Promise<ClaimedRun[]> {
    const jobs = await this.#boss.fetch<{ run: string }>(runQueue, { batchSize: max })
    if (jobs.length === 0) return []
    const ids = jobs.map(({ data }) => data.run)
    const runs = await this.#database.query<ClaimedRow>(
      `WITH old AS (
         SELECT id, owner FROM run WHERE id = ANY($1::uuid[]) AND job_id = ANY($3::uuid[]) AND num_nulls(ended_at) = 1 AND NOT parked ORDER BY id FOR UPDATE
       )
       UPDATE run SET owner = $2, fence = fence + 1, status = CASE WHEN pause_requested THEN 'paused' ELSE 'running' END,
         started_at = CASE WHEN pause_requested THEN started_at ELSE coalesce(started_at, clock_timestamp()) END
       FROM old WHERE run.id = old.id
       RETURNING ${claimedColumns}, plan, old.owner IS NOT NULL AS recovered, 1000 * extract(epoch FROM clock_timestamp() - queued_at)::float8 AS waited_ms,
         1000 * extract(epoch FROM clock_timestamp() - coalesce(opened_at, queued_at))::float8 AS open_ms, 1000 * extract(epoch FROM clock_timestamp())::float8 AS claimed_ms`,
      [ids, owner, jobs.map(({ id }) => id)],
      'claim',
    )
    const held = new Set(runs.map(({ job_id }) => job_id))
    const over = jobs.filter(({ id }) => !held.has(id)).map(({ id }) => id)
    if (over.length > 0) await this.#boss.complete(runQueue, over)
    const begun = runs.filter(run => run.fence > 1 || run.forked_from !== null).map(({ id }) => id)
    const steps =
      begun.length === 0
        ? []
        : await this.#database.query<StepRow>('SELECT * FROM step WHERE run_id = ANY($1::uuid[])', [begun])
    return runs.map(({ recovered, waited_ms, open_ms, claimed_ms, ...run }) => ({
      run,
      steps: steps.filter(({ run_id }) => run_id === run.id),
      recovered,
      waitedMs: waited_ms,
      openMs: open_ms,
      at: claimed_ms,
    }))
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

  /** What was asked of these runs, as far as they have not ended. */
  async asked(ids: readonly string[]): Promise<({ id: string } & Wishes)[]> {
    if (ids.length === 0) return []
    return await this.#database.query(
      'SELECT id, cancel_requested AS cancelling, pause_requested AS paused, signals FROM run WHERE id = ANY($1::uuid[]) AND ended_at IS NULL',
      [ids],
    )
  }

  /** How far runs are. */
  async pulses(ids: readonly string[]): Promise<RunPulse[]> {
    return await this.#database.readers.query<RunPulse>(
      'SELECT id, event_seq AS seq, ended_at IS NOT NULL AS ended FROM run WHERE id = ANY($1::uuid[])',
      [ids],
    )
  }

  /** The newest output of the same work: same stage, version and input; recorded no longer ago than `maxAgeMs`. */
  async reusable(stage: string, version: string, inputHash: string, maxAgeMs?: number): Promise<StepRow | undefined> {
    const [row] = await this.#database.query<StepRow>(
      `SELECT * FROM step WHERE stage = $1 AND version = $2 AND input_hash = $3 AND status = 'succeeded'
         AND ($4::float8 IS NULL OR ended_at > clock_timestamp() - make_interval(secs => $4 / 1000)) ORDER BY ended_at DESC LIMIT 1`,
      [stage, version, inputHash, maxAgeMs ?? null],
    )
    return row
  }

  /** Keeps runs and their jobs in a transaction of the caller; those whose key has a run already do not come back. */
  async acceptIn(sql: Sql, runs: readonly NewRun[]): Promise<RunRow[]> {
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
        forked_from: run.fork?.of ?? null,
        parent_run: run.parent?.run ?? null,
        parent_step: run.parent?.step ?? null,
        parent_generation: run.parent?.generation ?? null,
        limits: run.plan.limits ?? null,
        steps: run.fork?.steps.map(step => stepPayload(step, placesOf(run.plan))) ?? [],
        events: [created(run), ...(run.fork?.events ?? [])].map(eventPayload),
      })),
    )
    const plans = new Map(runs.map(({ id, plan }) => [id, plan]))
    const rows = await sql.query<Omit<RunRow, 'plan'> & { id: string }>(acceptSql, [payload], 'accept')
    const accepted = rows.map(row => ({ ...row, plan: plans.get(row.id) }) as RunRow)
    const held = accepted.filter(run => run.held)
    const jobs = accepted.filter(run => !run.held).map(({ id, job_id }) => ({ id: job_id, data: { run: id } }))
    if (jobs.length > 0) await this.#boss.insert(runQueue, jobs, { db: bossSql(sql) })
    for (const workflow of [...new Set(held.map(run => run.workflow))].sort())
      await this.#admission.admitIn(sql, workflow)
    if (held.length > 0)
      await this.#admission.tellHeldIn(
        sql,
        held.map(({ id }) => id),
      )
    return accepted
  }

  async #read<T extends { readonly id: string }>(
    columns: string,
    ids: readonly string[],
    prepared?: string,
  ): Promise<(T | undefined)[]> {
    const rows = await this.#database.readers.query<T & SqlRow>(
      `SELECT ${columns} FROM run WHERE id = ANY($1::uuid[])`,
      [ids],
      prepared,
    )
    const byId = new Map(rows.map(row => [row.id, row]))
    return ids.map(id => byId.get(id))
  }

  async #accept(runs: readonly NewRun[]): Promise<Accepted[]> {
    const rows = await this.#database.transaction(async sql => await this.acceptIn(sql, runs))
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

const created = ({ workflow, version, fork, parent }: NewRun): NewEvent => ({
  type: 'run.created',
  data: { workflow, version, ...(fork && { forkedFrom: fork.of }), ...(parent && { parent: parent.run }) },
})
