// Runs of workflows that have limits: each is accepted at once, and begins when there is a place for it.
//
// Invariants
//  A1 A run with limits has a job only after it was admitted, and it is admitted under the lock of its workflow.
//  A2 A run that is held and may begin is admitted: when it comes, when another ends, or at the next look.

import type { PgBoss } from 'pg-boss'
import { admit } from '../upkeep/admit.ts'
import type { LimitsPlan } from '../plan/plan.ts'
import type { Database, Sql } from './database.ts'
import { bossSql, runQueue } from './ledger.ts'

export interface Admitted {
  readonly runs: number
  /** Milliseconds until the next may begin; nothing where only the end of another helps. */
  readonly waitMs: number | undefined
}

const lockSpace = 7_202_613
const heldMax = 256
const beginsMax = 10_000
const workflowsMax = 100

interface Held extends Record<string, unknown> {
  id: string
  job_id: string
  limits: LimitsPlan
}

export class Admission {
  readonly #database: Database
  readonly #boss: PgBoss

  constructor(database: Database, boss: PgBoss) {
    this.#database = database
    this.#boss = boss
  }

  /** Workflows with runs that wait for a place, in the order of their names. */
  async waiting(): Promise<string[]> {
    const rows = await this.#database.query<{ workflow: string }>(
      'SELECT DISTINCT workflow FROM run WHERE held ORDER BY workflow LIMIT $1',
      [workflowsMax],
    )
    return rows.map(({ workflow }) => workflow)
  }

  async admit(workflow: string): Promise<Admitted> {
    return await this.#database.transaction(async sql => await this.admitIn(sql, workflow))
  }

  /** Lets runs of a workflow begin, in a transaction of the caller. */
  async admitIn(sql: Sql, workflow: string): Promise<Admitted> {
    await sql.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [lockSpace, workflow])
    const held = await sql.query<Held>(
      'SELECT id, job_id, limits FROM run WHERE workflow = $1 AND held AND NOT pause_requested ORDER BY queued_at, id LIMIT $2 FOR UPDATE SKIP LOCKED',
      [workflow, heldMax],
    )
    if (held.length === 0) return { runs: 0, waitMs: undefined }
    const [found] = await sql.query<{ now: number; runs: number; begins: number[] | null }>(
      `SELECT 1000 * extract(epoch FROM clock_timestamp())::float8 AS now,
         (SELECT count(*)::int FROM run WHERE workflow = $1 AND admitted_at IS NOT NULL AND ended_at IS NULL) AS runs,
         (SELECT array_agg(1000 * extract(epoch FROM at)::float8 ORDER BY at)
          FROM (SELECT admitted_at AS at FROM run WHERE workflow = $1 AND admitted_at IS NOT NULL ORDER BY admitted_at DESC LIMIT $2) AS last) AS begins`,
      [workflow, Math.min(beginsMax, Math.max(0, ...held.map(({ limits }) => limits.starts?.count ?? 0)))],
    )
    const { now, runs, begins } = found as NonNullable<typeof found>
    const limits = held.map(of => of.limits)
    const { count, nextAt } = admit(limits, { runs, begins: begins ?? [] }, now)
    await this.#begin(sql, held.slice(0, count))
    // More than were looked at may wait for no reason.
    return { runs: count, waitMs: count === heldMax ? 0 : nextAt && nextAt - now }
  }

  async #begin(sql: Sql, runs: readonly Held[]): Promise<void> {
    if (runs.length === 0) return
    await sql.query(
      'UPDATE run SET held = false, parked = false, admitted_at = clock_timestamp(), queued_at = clock_timestamp(), opened_at = clock_timestamp() WHERE id = ANY($1::uuid[])',
      [runs.map(({ id }) => id)],
    )
    const jobs = runs.map(({ id, job_id }) => ({ id: job_id, data: { run: id } }))
    await this.#boss.insert(runQueue, jobs, { db: bossSql(sql) })
  }

  /** Of these runs, those that have to wait are told so. */
  async tellHeldIn(sql: Sql, ids: readonly string[]): Promise<void> {
    await sql.query(
      `WITH u AS (
         UPDATE run SET event_seq = event_seq + 1 WHERE id = ANY($1::uuid[]) AND held RETURNING id, event_seq, limits
       )
       INSERT INTO event (run_id, id, type, data) SELECT id, event_seq, 'run.limited', jsonb_build_object('limits', limits) FROM u`,
      [ids],
    )
  }
}
