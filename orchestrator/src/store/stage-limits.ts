// How often stages may be called and how many calls of them there may be at one time, over all orchestrators. Who wants to
// call reserves a time under the lock of the stage's row; places are in place-ledger.ts.

import { reserve } from '../calls/reserve.ts'
import type { Database } from './database.ts'

/** At least one of the two: calls at one time, or calls (`count`) that begin within a time (`perMs`). */
export interface StageBounds {
  readonly concurrency: number | null
  readonly count: number | null
  readonly perMs: number | null
}

export interface StageLimitRow extends Record<string, unknown>, StageBounds {
  stage: string
  updatedAt: Date
  /** Calls over all orchestrators, as those last said. */
  inFlight: number
}

export interface Reservation {
  /** Milliseconds from now until each of the reserved calls may begin. */
  readonly waitsMs: readonly number[]
  /** Milliseconds from now until the next after them may begin; nothing where the stage has no limit any more. */
  readonly nextMs: number | undefined
}

interface Kept extends Record<string, unknown> {
  count: number | null
  per_ms: number | null
  begins: number[]
  now: number
}

const limitsMax = 1000
/** So far ahead times are given out; one that nobody uses in the end is lost. */
const horizonMs = 250

const columns = `stage, concurrency, count, per_ms AS "perMs", updated_at AS "updatedAt",
  (SELECT coalesce(sum(taken), 0)::int FROM stage_place WHERE stage_place.stage = stage_limit.stage) AS "inFlight"`

export class StageLimits {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Takes the place of what was set before. */
  async set(stage: string, { concurrency, count, perMs }: StageBounds): Promise<StageLimitRow> {
    const [row] = await this.#database.query<StageLimitRow>(
      `INSERT INTO stage_limit (stage, concurrency, count, per_ms) VALUES ($1, $2, $3, $4)
       ON CONFLICT (stage) DO UPDATE SET concurrency = excluded.concurrency, count = excluded.count, per_ms = excluded.per_ms,
         updated_at = clock_timestamp()
       RETURNING ${columns}`,
      [stage, concurrency, count, perMs],
    )
    return row as StageLimitRow
  }

  async get(stage: string): Promise<StageLimitRow | undefined> {
    const [row] = await this.#database.readers.query<StageLimitRow>(
      `SELECT ${columns} FROM stage_limit WHERE stage = $1`,
      [stage],
    )
    return row
  }

  async list(): Promise<StageLimitRow[]> {
    return await this.#database.readers.query<StageLimitRow>(
      `SELECT ${columns} FROM stage_limit ORDER BY stage LIMIT ${limitsMax}`,
    )
  }

  /** Answers whether there was one. */
  async remove(stage: string): Promise<boolean> {
    return await this.#database.transaction(async sql => {
      const removed = await sql.query('DELETE FROM stage_limit WHERE stage = $1 RETURNING stage', [stage])
      await sql.query('DELETE FROM stage_place WHERE stage = $1', [stage])
      return removed.length > 0
    })
  }

  async reserve(stage: string, wanted: number): Promise<Reservation> {
    return await this.#database.transaction(async sql => {
      // The clock is read when the row is ours, so times go only forward.
      await sql.query('SELECT FROM stage_limit WHERE stage = $1 FOR UPDATE', [stage])
      const [kept] = await sql.query<Kept>(
        `SELECT count, per_ms, begins, 1000 * extract(epoch FROM clock_timestamp())::float8 AS now FROM stage_limit WHERE stage = $1`,
        [stage],
      )
      if (!kept || kept.count === null || kept.per_ms === null)
        return { waitsMs: Array.from({ length: wanted }, () => 0), nextMs: undefined }
      const { now } = kept
      const rate = { count: kept.count, perMs: kept.per_ms }
      const { at, begins, nextAt } = reserve(rate, kept.begins, wanted, now, horizonMs)
      if (at.length > 0)
        await sql.query('UPDATE stage_limit SET begins = $2::float8[] WHERE stage = $1', [stage, [...begins]])
      return { waitsMs: at.map(one => one - now), nextMs: nextAt - now }
    })
  }
}
