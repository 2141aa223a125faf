import {
  createLog,
  endWhileStarting,
  foreignSettings,
  openStore,
  readConfig,
  runService,
  tellStartFault,
} from '@meshwork/kit'
import { createGateway, version } from './app.ts'
import { GatewayConfig, keepSecondsOf, readStages } from './config.ts'

endWhileStarting()
try {
  const config = readConfig(GatewayConfig, process.env, foreignSettings)
  const { MESHWORK_LOG_LEVEL: level, MESHWORK_LOG_FORMAT: format } = config
  const log = createLog({ module: 'gateway', version, level, format })
  const service = await createGateway({
    upstreams: {
      orchestrator: config.MESHWORK_ORCHESTRATOR_URL.replace(/\/+$/, ''),
      stages: readStages(config.MESHWORK_STAGES),
    },
    store: await openStore(config.MESHWORK_STORE_URL),
    artefactsKeepSeconds: keepSecondsOf(config.MESHWORK_ARTEFACTS_KEEP_HOURS),
    log,
    traces: config,
  })
  await runService({
    service,
    log,
    host: config.MESHWORK_HOST,
    port: config.MESHWORK_PORT,
    drainTimeoutMs: config.MESHWORK_DRAIN_TIMEOUT_MS,
  })
} catch (error) {
  tellStartFault('gateway', version, error)
  process.exit(1)
}
