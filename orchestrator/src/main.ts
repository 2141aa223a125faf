import {
  createLog,
  endWhileStarting,
  foreignSettings,
  readConfig,
  readDeployments,
  runService,
  tellStartFault,
} from '@meshwork/kit'
import { createOrchestrator, version } from './app.ts'
import { databaseUrlOf, OrchestratorConfig } from './config.ts'
import { startFault } from './start-fault.ts'

endWhileStarting()
try {
  const config = readConfig(OrchestratorConfig, process.env, [...foreignSettings, /^MESHWORK_STORE_URL$/])
  const { MESHWORK_LOG_LEVEL: level, MESHWORK_LOG_FORMAT: format } = config
  const log = createLog({ module: 'orchestrator', version, level, format })
  const databaseUrl = databaseUrlOf(config.MESHWORK_DATABASE_URL, config.MESHWORK_DATABASE_PASSWORD)
  const orchestrator = await createOrchestrator({
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    stateFolder: config.MESHWORK_STATE_DIR,
    stages: readDeployments(config.MESHWORK_STAGES),
    runsMax: config.MESHWORK_RUNS_MAX,
    callsMax: config.MESHWORK_STAGE_CALLS_MAX,
    runsKeepSeconds: config.MESHWORK_RUNS_KEEP_HOURS * 3600,
    webhooksAllowPrivate: config.MESHWORK_WEBHOOKS_ALLOW_PRIVATE,
    eventStreamsMax: config.MESHWORK_EVENT_STREAMS_MAX,
    log,
    traces: config,
  })
  await orchestrator.start()
  await runService({
    service: orchestrator,
    log,
    host: config.MESHWORK_HOST,
    port: config.MESHWORK_PORT,
    drainTimeoutMs: config.MESHWORK_DRAIN_TIMEOUT_MS,
    end: () => orchestrator.stop(),
  })
} catch (error) {
  tellStartFault('orchestrator', version, error, startFault)
  process.exit(1)
}
