import { fromPglite, PgBoss } from 'pg-boss'
import type { Database } from './database.ts'
import { runQueue } from './ledger.ts'

/** Seconds without a heartbeat after which a run's job goes to another orchestrator; pg-boss's minimum. */
const heartbeatSeconds = 10
const superviseSeconds = 1

/** pg-boss on our database: claims, leases and heartbeats of runs. */
export async function openBoss(database: Database, onError: (error: Error) => void): Promise<PgBoss> {
  const tuning = { superviseIntervalSeconds: superviseSeconds, monitorIntervalSeconds: superviseSeconds }
  const boss =
    'lite' in database.boss
      ? // Looking for bloated indexes reads the files of the catalogue, which PGlite does not have where it is looked.
        new PgBoss({ db: fromPglite(database.boss.lite), backend: 'pglite', reindex: false, ...tuning })
      : new PgBoss({
          connectionString: database.boss.connectionString,
          max: 4,
          application_name: 'meshwork queue',
          ...tuning,
        })
  boss.on('error', onError)
  await boss.start()
  await boss.createQueue(runQueue, { heartbeatSeconds, retryLimit: 10_000, retryDelay: 0, expireInSeconds: 86_000 })
  return boss
}
