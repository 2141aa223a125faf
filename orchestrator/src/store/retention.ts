// Removing what is no longer kept: runs that ended long ago, with their steps and events.
//
// Invariants
//  R1 Only a run that has ended is removed, and only when its end is older than what is kept.
//  R2 A batch is one short transaction that passes over rows in use, so walkers and readers never wait for it.
//  R3 What a run that stays was forked from may go; the fork has copies of what it kept.

import type { Database } from './database.ts'

const batchRows = 200

export interface Removed {
  readonly runs: number
  readonly steps: number
  readonly events: number
}

export class Retention {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** What would be removed now. */
  async preview(keepSeconds: number): Promise<Removed> {
    const [row] = await this.#database.readers.query<{ runs: number; steps: number; events: number }>(
      `WITH over AS (SELECT id FROM run WHERE ended_at < clock_timestamp() - make_interval(secs => $1))
       SELECT (SELECT count(*) FROM over)::int AS runs, (SELECT count(*) FROM step JOIN over ON over.id = run_id)::int AS steps,
         (SELECT count(*) FROM event JOIN over ON over.id = run_id)::int AS events`,
      [keepSeconds],
    )
    return row ?? { runs: 0, steps: 0, events: 0 }
  }

  /** Removes one batch, oldest first. Nothing is left to remove when it answers fewer runs than `full`. */
  async removeBatch(keepSeconds: number): Promise<Removed & { readonly full: boolean }> {
    const [row] = await this.#database.query<{ runs: number; steps: number; events: number }>(
      `WITH over AS (
         SELECT id FROM run WHERE ended_at < clock_timestamp() - make_interval(secs => $1) ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED
       ), e AS (
         DELETE FROM event USING over WHERE run_id = over.id RETURNING 1
       ), s AS (
         DELETE FROM step USING over WHERE run_id = over.id RETURNING 1
       ), r AS (
         DELETE FROM run USING over WHERE run.id = over.id RETURNING 1
       )
       SELECT (SELECT count(*) FROM r)::int AS runs, (SELECT count(*) FROM s)::int AS steps, (SELECT count(*) FROM e)::int AS events`,
      [keepSeconds, batchRows],
    )
    const removed = row ?? { runs: 0, steps: 0, events: 0 }
    return { ...removed, full: removed.runs === batchRows }
  }
}
