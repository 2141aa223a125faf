// How many runs there are that have not ended, counted where it is cheap: an index holds only those.

import type { RunStatus } from '@meshwork/contracts'
import type { Database } from './database.ts'

export interface Census {
  readonly statuses: readonly { readonly status: RunStatus; readonly count: number; readonly oldestSeconds: number }[]
  /** Runs that wait for an orchestrator: new ones, and those that were given back. */
  readonly queued: number
  readonly queuedSeconds: number
  /** Runs that wait for a place among those of their workflow. */
  readonly held: number
}

export async function census(database: Pick<Database, 'readers'>): Promise<Census> {
  const [statuses, [queue], [held]] = await Promise.all([
    database.readers.query<{ status: RunStatus; count: number; seconds: number }>(
      `SELECT status, count(*)::int AS count, extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS seconds
       FROM run WHERE ended_at IS NULL GROUP BY status`,
    ),
    database.readers.query<{ count: number; seconds: number | null }>(
      `SELECT count(*)::int AS count, extract(epoch FROM clock_timestamp() - min(created_on))::float8 AS seconds
       FROM pgboss.job WHERE name = 'run' AND state < 'active'`,
    ),
    database.readers.query<{ count: number }>('SELECT count(*)::int AS count FROM run WHERE held'),
  ])
  return {
    statuses: statuses.map(({ status, count, seconds }) => ({ status, count, oldestSeconds: seconds })),
    queued: queue?.count ?? 0,
    queuedSeconds: queue?.seconds ?? 0,
    held: held?.count ?? 0,
  }
}
