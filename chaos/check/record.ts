// What the database holds when all is over, and what the ledger says.

import type { JsonValue, RunEvent } from '@meshwork/contracts'
import pg from 'pg'
import { type LedgerLine, readLedger } from '../stage/effects.ts'

export interface RunRecord {
  readonly id: string
  readonly key: string | null
  /** The step of another run that it was started for. */
  readonly parent: { readonly run: string; readonly step: string } | null
  readonly status: string
  readonly ended: boolean
  /** When it was let begin, of a program that bounds its runs, and when it ended; milliseconds since 1970 by the clock of the database. */
  readonly admittedAt: number | null
  readonly endedAt: number | null
  readonly eventSeq: number
  readonly steps: readonly StepRecord[]
  readonly events: readonly EventRecord[]
  readonly lines: readonly LedgerLine[]
}

export interface StepRecord {
  /** With the place of the item where it is one: `s3[1]`. */
  readonly name: string
  readonly status: string
  readonly attempts: number
  readonly output: Output | { readonly items: readonly Output[] } | null
}

interface Output {
  readonly token: string
}

export interface EventRecord {
  readonly id: number
  readonly type: RunEvent['type']
  readonly step: string | null
  readonly attempt: number | null
  readonly data: { readonly [key: string]: JsonValue }
}

export interface Record {
  readonly runs: ReadonlyMap<string, RunRecord>
  readonly lines: readonly LedgerLine[]
  /** Jobs of the queue whose run has ended, or that are missing for one that has not. */
  readonly jobsAstray: readonly { readonly run: string; readonly state: string }[]
  /** Places of the stage that orchestrators hold. */
  readonly placesTaken: readonly { readonly holder: string; readonly taken: number }[]
}

type Grouped<T> = Map<string, T[]>

export async function readRecord(url: string, ledger: string): Promise<Record> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: runs } = await client.query<Omit<RunRecord, 'steps' | 'events' | 'lines'>>(
      `SELECT id, idempotency_key AS key, status, ended_at IS NOT NULL AS ended, event_seq AS "eventSeq",
         1000 * extract(epoch FROM admitted_at)::float8 AS "admittedAt", 1000 * extract(epoch FROM ended_at)::float8 AS "endedAt",
         CASE WHEN parent_run IS NOT NULL THEN jsonb_build_object('run', parent_run, 'step', parent_step) END AS parent FROM run`,
    )
    const { rows: steps } = await client.query<StepRecord & { run: string }>(
      'SELECT run_id AS run, name, status, attempts, output FROM step',
    )
    const { rows: events } = await client.query<EventRecord & { run: string }>(
      'SELECT run_id AS run, id, type, step, attempt, data FROM event ORDER BY run_id, id',
    )
    const { rows: jobsAstray } = await client.query<{ run: string; state: string }>(
      `SELECT r.id AS run, coalesce(j.state::text, 'missing') AS state FROM run r LEFT JOIN pgboss.job j ON j.name = 'run' AND j.id = r.job_id
       WHERE (r.ended_at IS NULL) = (j.id IS NULL OR j.state NOT IN ('created', 'active', 'retry')) AND r.ended_at IS NULL`,
    )
    const { rows: placesTaken } = await client.query<{ holder: string; taken: number }>(
      'SELECT holder, taken FROM stage_place WHERE taken > 0',
    )
    const lines = readLedger(ledger)
    const [stepsOf, eventsOf, linesOf] = [grouped(steps), grouped(events), grouped(lines)]
    return {
      runs: new Map(
        runs.map(run => [
          run.id,
          {
            ...run,
            steps: stepsOf.get(run.id) ?? [],
            events: eventsOf.get(run.id) ?? [],
            lines: linesOf.get(run.id) ?? [],
          },
        ]),
      ),
      lines,
      jobsAstray,
      placesTaken,
    }
  } finally {
    await client.end()
  }
}

function grouped<T extends { readonly run: string }>(rows: readonly T[]): Grouped<T> {
  const groups: Grouped<T> = new Map()
  for (const row of rows) {
    const group = groups.get(row.run)
    if (group) group.push(row)
    else groups.set(row.run, [row])
  }
  return groups
}
