// Schedules and their fires.
//
// Invariants
//  F1 A fire, its run and the time of the next fire are one transaction, under the lock of the schedule's row: whoever dies,
//     whenever, a fire is neither missed nor doubled.
//  F2 (schedule, time) has one entry, which says what came of it.

import { randomUUID } from 'node:crypto'
import type { FireView, ScheduleDefinition } from '@meshwork/contracts'
import type { Database, Sql } from './database.ts'

export interface ScheduleRow extends Record<string, unknown> {
  name: string
  definition: ScheduleDefinition
  paused: boolean
  next_at: Date | null
  revision: number
  created_at: Date
}

export interface FireRow extends Record<string, unknown> {
  schedule: string
  at: Date
  outcome: FireView['outcome']
  reason: string | null
  run_id: string | null
  backfill: string | null
  concurrency: number
  recorded_at: Date
}

export type NewFire = Pick<FireRow, 'at' | 'outcome' | 'reason' | 'run_id'>

export const schedulesMax = 10_000
/** Newest entries that are kept of each schedule, beside those that wait. */
export const firesKept = 10_000
/** Records between two looks at how many there are. */
const trimEvery = 100

export class Schedules {
  readonly #database: Database
  #recorded = 0

  constructor(database: Database) {
    this.#database = database
  }

  async put(name: string, definition: ScheduleDefinition, nextAt: Date | undefined): Promise<ScheduleRow> {
    const [row] = await this.#database.query<ScheduleRow>(
      `INSERT INTO schedule AS old (name, definition, next_at) VALUES ($1, $2, $3)
       ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, next_at = excluded.next_at, revision = old.revision + 1 RETURNING *`,
      [name, JSON.stringify(definition), nextAt?.toISOString() ?? null],
    )
    return row as ScheduleRow
  }

  async setPaused(name: string, paused: boolean, nextAt: Date | undefined): Promise<ScheduleRow | undefined> {
    const [row] = await this.#database.query<ScheduleRow>(
      `UPDATE schedule SET paused = $2, next_at = CASE WHEN paused AND NOT $2 THEN $3::timestamptz ELSE next_at END, revision = revision + 1 WHERE name = $1 RETURNING *`,
      [name, paused, nextAt?.toISOString() ?? null],
    )
    return row
  }

  async remove(name: string): Promise<boolean> {
    return (await this.#database.query('DELETE FROM schedule WHERE name = $1 RETURNING name', [name])).length > 0
  }

  async get(name: string): Promise<ScheduleRow | undefined> {
    const [row] = await this.#database.readers.query<ScheduleRow>('SELECT * FROM schedule WHERE name = $1', [name])
    return row
  }

  async list(after: string, limit: number): Promise<ScheduleRow[]> {
    return await this.#database.readers.query<ScheduleRow>(
      'SELECT * FROM schedule WHERE name > $1 ORDER BY name LIMIT $2',
      [after, limit],
    )
  }

  async count(): Promise<number> {
    const [row] = await this.#database.readers.query<{ count: number }>('SELECT count(*)::int AS count FROM schedule')
    return row?.count ?? 0
  }

  /** Newest first. */
  async fires(name: string, before: Date | undefined, limit: number): Promise<FireRow[]> {
    return await this.#database.readers.query<FireRow>(
      'SELECT * FROM fire WHERE schedule = $1 AND ($2::timestamptz IS NULL OR at < $2) ORDER BY at DESC LIMIT $3',
      [name, before?.toISOString() ?? null, limit],
    )
  }

  /** Milliseconds until the first fire that is to come, by the clock of the database; and the schedules with work to do now. */
  async work(limit: number): Promise<{ waitMs: number | undefined; names: string[] }> {
    const [next] = await this.#database.query<{ wait: number | null }>(
      'SELECT 1000 * extract(epoch FROM min(next_at) - clock_timestamp())::float8 AS wait FROM schedule WHERE NOT paused AND next_at > clock_timestamp()',
    )
    const due = await this.#database.query<{ name: string }>(
      `(SELECT name FROM schedule WHERE NOT paused AND next_at <= clock_timestamp() ORDER BY next_at LIMIT $1)
       UNION (SELECT DISTINCT schedule FROM fire WHERE outcome = 'queued' LIMIT $1)`,
      [limit],
    )
    return { waitMs: next?.wait ?? undefined, names: due.map(({ name }) => name) }
  }

  /** Works on a schedule that nobody else works on now. */
  async locked<T>(
    name: string,
    work: (sql: Sql, schedule: ScheduleRow, now: Date) => Promise<T>,
  ): Promise<T | undefined> {
    return await this.#database.transaction(async sql => {
      const [row] = await sql.query<ScheduleRow & { now: Date }>(
        'SELECT *, clock_timestamp() AS now FROM schedule WHERE name = $1 FOR UPDATE SKIP LOCKED',
        [name],
      )
      return row ? await work(sql, row, new Date(row.now)) : undefined
    })
  }

  /** Runs of a lane (the schedule itself, or one backfill of it) that have not ended. */
  async open(sql: Sql, name: string, backfill: string | null): Promise<string[]> {
    const rows = await sql.query<{ id: string }>(
      `SELECT r.id FROM fire f JOIN run r ON r.id = f.run_id
       WHERE f.schedule = $1 AND f.backfill IS NOT DISTINCT FROM $2::uuid AND r.ended_at IS NULL`,
      [name, backfill],
    )
    return rows.map(({ id }) => id)
  }

  /** Fires that wait for their turn, oldest first, at most so many of each lane. */
  async queued(sql: Sql, name: string, limit: number): Promise<FireRow[]> {
    return await sql.query<FireRow>(
      `SELECT * FROM (
         SELECT *, row_number() OVER (PARTITION BY backfill ORDER BY at) AS place FROM fire WHERE schedule = $1 AND outcome = 'queued'
       ) AS waiting WHERE place <= $2 ORDER BY at`,
      [name, limit],
    )
  }

  async record(sql: Sql, name: string, fires: readonly NewFire[], nextAt: Date | undefined): Promise<void> {
    await sql.query(
      `INSERT INTO fire (schedule, at, outcome, reason, run_id)
       SELECT $1, f.at, f.outcome, f.reason, f.run_id FROM jsonb_to_recordset($2::jsonb) AS f(at timestamptz, outcome text, reason text, run_id uuid)
       ON CONFLICT (schedule, at) DO NOTHING`,
      [name, JSON.stringify(fires)],
    )
    await sql.query('UPDATE schedule SET next_at = $2 WHERE name = $1', [name, nextAt?.toISOString() ?? null])
    if (this.#recorded++ % trimEvery === 0) await this.trim(sql, name)
  }

  /** Forgets the oldest entries over what is kept. */
  async trim(sql: Sql, name: string, kept: number = firesKept): Promise<void> {
    await sql.query(
      `DELETE FROM fire WHERE schedule = $1 AND outcome <> 'queued'
         AND at <= (SELECT at FROM fire WHERE schedule = $1 ORDER BY at DESC OFFSET $2 LIMIT 1)`,
      [name, kept],
    )
  }

  async settle(sql: Sql, name: string, fire: NewFire): Promise<void> {
    await sql.query(
      `UPDATE fire SET outcome = $3, reason = $4, run_id = $5, recorded_at = clock_timestamp() WHERE schedule = $1 AND at = $2`,
      [name, fire.at.toISOString(), fire.outcome, fire.reason, fire.run_id],
    )
  }

  /** Puts times that have no entry yet in the queue of a new backfill; answers those. */
  async backfill(name: string, times: readonly Date[], concurrency: number, dryRun: boolean): Promise<Date[]> {
    const list = JSON.stringify(times.map(at => at.toISOString()))
    const fresh = `SELECT value::timestamptz AS at FROM jsonb_array_elements_text($2::jsonb) WHERE NOT EXISTS (SELECT 1 FROM fire WHERE schedule = $1 AND at = value::timestamptz)`
    const rows = dryRun
      ? await this.#database.readers.query<{ at: Date }>(`${fresh} ORDER BY at`, [name, list])
      : await this.#database.query<{ at: Date }>(
          `INSERT INTO fire (schedule, at, outcome, reason, backfill, concurrency)
           SELECT $1, at, 'queued', 'It waits for its turn in a backfill.', $3::uuid, $4 FROM (${fresh}) AS fresh
           ON CONFLICT (schedule, at) DO NOTHING RETURNING at`,
          [name, list, randomUUID(), concurrency],
        )
    return rows.map(({ at }) => new Date(at)).sort((a, b) => a.getTime() - b.getTime())
  }
}
