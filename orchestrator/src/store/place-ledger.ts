// The places for calls of stages that have a limit of calls at one time, as the orchestrators hold them. Who wants more says how
// things stand there under the lock of the stage's row.

import { goneMs, type OthersStanding, type Places, placesFor, type Standing } from '../calls/places-for.ts'
import type { Database } from './database.ts'

interface Kept extends Record<string, unknown> {
  concurrency: number | null
  holder: string | null
  taken: number
  waiting: number
  waitedMs: number
  silentMs: number
}

const livingSql = `touched_at > clock_timestamp() - make_interval(secs => ${goneMs / 1000})`

export class PlaceLedger {
  readonly #database: Database
  readonly #me: string

  constructor(database: Database, me: string) {
    this.#database = database
    this.#me = me
  }

  /** Says how things stand here, and answers how many of the calls that wait may begin; nothing where the stage has no such limit any more. */
  async exchange(stage: string, standing: Standing): Promise<Places | undefined> {
    return await this.#database.transaction(async sql => {
      // What a crash of PostgreSQL makes it forget is said again soon, so nobody waits for a disk here.
      await sql.query(
        "SELECT set_config('synchronous_commit', 'off', true) FROM stage_limit WHERE stage = $1 FOR UPDATE",
        [stage],
      )
      const rows = await sql.query<Kept>(
        `SELECT l.concurrency, p.holder, p.taken, p.waiting,
           1000 * extract(epoch FROM clock_timestamp() - p.waits_since)::float8 AS "waitedMs",
           1000 * extract(epoch FROM clock_timestamp() - p.touched_at)::float8 AS "silentMs"
         FROM stage_limit l LEFT JOIN stage_place p ON p.stage = l.stage AND p.holder <> $2 WHERE l.stage = $1`,
        [stage, this.#me],
      )
      const concurrency = rows[0]?.concurrency ?? null
      if (concurrency === null) return undefined
      const others: OthersStanding[] = rows.filter(({ holder }) => holder !== null)
      const places = placesFor(concurrency, standing, others)
      const { granted } = places
      const { taken, waiting, waitedMs } = standing
      if (taken + waiting === 0)
        await sql.query('DELETE FROM stage_place WHERE stage = $1 AND holder = $2', [stage, this.#me])
      else
        await sql.query(
          `INSERT INTO stage_place (stage, holder, taken, waiting, waits_since)
           VALUES ($1, $2, $3, $4, clock_timestamp() - make_interval(secs => $5))
           ON CONFLICT (stage, holder) DO UPDATE SET taken = excluded.taken, waiting = excluded.waiting,
             waits_since = excluded.waits_since, touched_at = excluded.touched_at`,
          [stage, this.#me, taken + granted, waiting - granted, waitedMs / 1000],
        )
      return places
    })
  }

  /** A look without a lock. */
  async mayBeFree(stage: string): Promise<boolean> {
    const [row] = await this.#database.query<{ full: boolean }>(
      `SELECT l.concurrency <= (SELECT coalesce(sum(taken), 0) FROM stage_place WHERE stage = $1 AND ${livingSql}) AS full
       FROM stage_limit l WHERE stage = $1 AND concurrency IS NOT NULL`,
      [stage],
    )
    return row?.full !== true
  }

  /** Gives back all places. */
  async leave(): Promise<void> {
    await this.clear(this.#me)
  }

  /** Takes away the places of an orchestrator that has died. */
  async clear(orchestrator: string): Promise<void> {
    await this.#database.query('DELETE FROM stage_place WHERE holder = $1', [orchestrator])
  }

  /** Orchestrators that hold places, but for this one. */
  async parties(): Promise<string[]> {
    const rows = await this.#database.query<{ holder: string }>(
      'SELECT DISTINCT holder FROM stage_place WHERE holder <> $1',
      [this.#me],
    )
    return rows.map(({ holder }) => holder)
  }
}
