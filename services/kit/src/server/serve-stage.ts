// A stage as a process: settings from the environment, then listen, then drain.

import { foreignSettings, StageConfig } from '../config/service-config.ts'
import { type Environment, readConfig } from '../config/read-config.ts'
import { openStore } from '../data/open.ts'
import { tellStartFault } from './start-fault.ts'
import { readResources } from '../data/resources.ts'
import type { Stage } from '../stage/define.ts'
import { createLog } from '../telemetry/log.ts'
import { endWhileStarting, runService } from './run.ts'
import { createStageApp } from './stage-app.ts'

const workerMemoryBytesMax = 1_400_000_000
const workerMemoryShare = 0.6

/** `module` is the URL of the file that exports `stage`: worker processes import it. */
export async function serveStage(
  stage: Stage,
  options: { module: string | URL; environment?: Environment },
): Promise<void> {
  endWhileStarting()
  try {
    await serve(stage, String(options.module), options.environment ?? process.env)
  } catch (error) {
    tellStartFault(stage.name, stage.version, error)
    process.exit(1)
  }
}

async function serve(stage: Stage, module: string, environment: Environment): Promise<void> {
  const config = readConfig(StageConfig, environment, [
    ...foreignSettings,
    new RegExp(`^MESHWORK_${stage.name.toUpperCase().replaceAll('-', '_')}_`),
  ])
  const { MESHWORK_LOG_LEVEL: level, MESHWORK_LOG_FORMAT: logFormat } = config
  const log = createLog({ module: stage.name, version: stage.version, level, format: logFormat })
  const resources = readResources()
  const app = await createStageApp({
    stage,
    module,
    store: await openStore(config.MESHWORK_STORE_URL),
    resources,
    log,
    logFormat,
    concurrency: config.MESHWORK_STAGE_CONCURRENCY ?? resources.cpus,
    queue: config.MESHWORK_STAGE_QUEUE,
    bodyLimitBytes: config.MESHWORK_BODY_LIMIT_BYTES,
    workerMemoryBytes:
      config.MESHWORK_WORKER_MEMORY_BYTES ?? Math.min(workerMemoryBytesMax, resources.memoryBytes * workerMemoryShare),
    environment,
    traces: config,
  })
  await app.start()
  await runService({
    service: app,
    log,
    host: config.MESHWORK_HOST,
    port: config.MESHWORK_PORT,
    drainTimeoutMs: config.MESHWORK_DRAIN_TIMEOUT_MS,
    drain: () => app.drain(),
    abort: () => app.abort(),
    end: () => app.end(),
  })
}
