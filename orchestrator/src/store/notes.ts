// What is told of steps beside their transitions: written under the fence of the run, and never waited for.

import type { QuietEvent } from '../engine/explain.ts'
import type { StepNote } from '../engine/step-notes.ts'
import type { Database } from './database.ts'
import { storableJson } from './storable.ts'

/** So far back it is looked whether a step waits. */
const newestEvents = 500

export class Notes {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Events of steps beside their transitions; the newest progress is kept with the step, too. */
  async save(notes: readonly StepNote[]): Promise<void> {
    await this.#database.query(
      `WITH t AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS t(run_id uuid, step text, type text, data jsonb, attempt int, fence int)
       ), n AS (
         SELECT run_id, fence, count(*)::int AS events, jsonb_agg(jsonb_build_object('step', step, 'type', type, 'attempt', attempt, 'data', data)) AS list FROM t GROUP BY run_id, fence
       ), u AS (
         UPDATE run AS r SET event_seq = r.event_seq + n.events FROM n WHERE r.id = n.run_id AND r.fence = n.fence AND r.ended_at IS NULL
         RETURNING r.id, r.event_seq - n.events AS base, n.list
       ), s AS (
         UPDATE step SET progress = t.data FROM t, u WHERE t.type = 'step.progress' AND u.id = t.run_id AND step.run_id = t.run_id AND step.name = t.step AND step.status = 'running'
       )
       INSERT INTO event (run_id, id, type, step, attempt, data)
       SELECT u.id, u.base + item.place, item.value->>'type', item.value->>'step', (item.value->>'attempt')::int, item.value->'data'
       FROM u, jsonb_array_elements(u.list) WITH ORDINALITY AS item(value, place)`,
      [storableJson(JSON.stringify(notes.map(({ runId, ...note }) => ({ run_id: runId, ...note }))))],
    )
  }

  /** Steps whose calls waited when it was last told of them, as their events say; looked for among the newest events. */
  async quiet(runId: string): Promise<ReadonlyMap<string, QuietEvent>> {
    const rows = await this.#database.readers.query<QuietEvent & { step: string } & Record<string, unknown>>(
      `SELECT DISTINCT ON (step) step, type, data->>'detail' AS detail FROM (
         SELECT * FROM event WHERE run_id = $1 ORDER BY id DESC LIMIT ${newestEvents}
       ) AS newest WHERE type IN ('step.limited', 'step.stuck', 'step.called', 'step.started', 'step.retrying')
       ORDER BY step, id DESC`,
      [runId],
    )
    return new Map(
      rows.flatMap(row => (row.type === 'step.limited' || row.type === 'step.stuck' ? [[row.step, row]] : [])),
    )
  }
}
