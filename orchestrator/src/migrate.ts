// The step before the orchestrators of a new version: the database is brought to it, and nothing is started. An orchestrator
// does the same when it starts; here a migration that fails holds up the rollout and nothing else.

import { createLog, foreignSettings, readConfig, tellStartFault } from '@meshwork/kit'
import { version } from './app.ts'
import { databaseUrlOf, OrchestratorConfig } from './config.ts'
import { startFault } from './start-fault.ts'
import { openBoss } from './store/boss.ts'
import { openPostgres } from './store/database.ts'
import { migrate } from './store/migrations.ts'

try {
  const config = readConfig(OrchestratorConfig, process.env, [...foreignSettings, /^MESHWORK_STORE_URL$/])
  const { MESHWORK_LOG_LEVEL: level, MESHWORK_LOG_FORMAT: format } = config
  const log = createLog({ module: 'orchestrator', version, level, format })
  const url = databaseUrlOf(config.MESHWORK_DATABASE_URL, config.MESHWORK_DATABASE_PASSWORD)
  if (url === undefined)
    throw new TypeError(
      'MESHWORK_DATABASE_URL is not set; an embedded database is migrated when the orchestrator starts',
    )
  const onError = (error: Error) => log.warn({ err: error }, 'database error')
  const database = openPostgres(url, onError)
  const step = await migrate(database)
  const boss = await openBoss(database, onError)
  await boss.stop({ graceful: false })
  await database.close()
  log.info({ step }, 'the database is ready for this version')
} catch (error) {
  tellStartFault('orchestrator', version, error, startFault)
  process.exit(1)
}
