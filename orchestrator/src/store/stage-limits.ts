// How often stages may be called, over all orchestrators. Who wants to call reserves a time under the lock of the stage's row.

import { type CallRate, reserve } from '../engine/reserve.ts'
import type { Database } from './database.ts'

export interface StageLimitRow extends Record<string, unknown>, CallRate {
  stage: string
  updatedAt: Date
}

export interface Reservation {
  /** Milliseconds from now until each of the reserved calls may begin. */
  readonly waitsMs: readonly number[]
  /** Milliseconds from now until the next after them may begin; nothing where the stage has no limit any more. */
  readonly nextMs: number | undefined
}

interface Kept extends Record<string, unknown> {
  count: number
  per_ms: number
  begins: number[]
  now: number
}

const limitsMax = 1000
/** So far ahead times are given out; one that nobody uses in the end is lost. */
const horizonMs = 250

const columns = 'stage, count, per_ms AS "perMs", updated_at AS "updatedAt"'

export class StageLimits {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async set(stage: string, { count, perMs }: CallRate): Promise<StageLimitRow> {
    const [row] = await this.#database.query<StageLimitRow>(
      `INSERT INTO stage_limit (stage, count, per_ms) VALUES ($1, $2, $3)
       ON CONFLICT (stage) DO UPDATE SET count = excluded.count, per_ms = excluded.per_ms, updated_at = clock_timestamp()
       RETURNING ${columns}`,
      [stage, count, perMs],
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
    return (await this.#database.query('DELETE FROM stage_limit WHERE stage = $1 RETURNING stage', [stage])).length > 0
  }

  async reserve(stage: string, wanted: number): Promise<Reservation> {
    return await this.#database.transaction(async sql => {
      // The clock is read when the row is ours, so times go only forward.
      await sql.query('SELECT FROM stage_limit WHERE stage = $1 FOR UPDATE', [stage])
      const [kept] = await sql.query<Kept>(
        `SELECT count, per_ms, begins, 1000 * extract(epoch FROM clock_timestamp())::float8 AS now FROM stage_limit WHERE stage = $1`,
        [stage],
      )
      if (!kept) return { waitsMs: Array.from({ length: wanted }, () => 0), nextMs: undefined }
      const { count, per_ms: perMs, now } = kept
      const { at, begins, nextAt } = reserve({ count, perMs }, kept.begins, wanted, now, horizonMs)
      if (at.length > 0)
        await sql.query('UPDATE stage_limit SET begins = $2::float8[] WHERE stage = $1', [stage, [...begins]])
      return { waitsMs: at.map(one => one - now), nextMs: nextAt - now }
    })
  }
}
