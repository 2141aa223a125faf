// A stage as a service that does not listen: protocol v1 from a stage definition.

import { MeshError, type StageInfo } from '@meshwork/contracts'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { LocalStore } from '../data/open.ts'
import type { Resources } from '../data/resources.ts'
import { Calls } from '../execute/calls.ts'
import { Claims } from '../execute/claims.ts'
import { Limiter } from '../execute/limiter.ts'
import { Plans } from '../execute/plans.ts'
import { inlineExecutor } from '../execute/run-stage.ts'
import { bindingsOf, type Executor } from '../execute/work.ts'
import { WorkerPool } from '../execute/worker-pool.ts'
import type { Stage } from '../stage/define.ts'
import type { LogFormat } from '../telemetry/log.ts'
import { createStageMetrics } from '../telemetry/stage-metrics.ts'
import type { TraceSettings } from '../telemetry/traces.ts'
import { observeCalls } from '../telemetry/observe-calls.ts'
import { createService, type Service } from './service.ts'
import { stageRoutes } from './stage-routes.ts'
import { watchStore } from './watch-store.ts'

export interface StageAppOptions {
  readonly stage: Stage
  /** URL of the module that exports `stage`; needed for isolation "process". */
  readonly module: string
  readonly store: LocalStore
  readonly resources: Resources
  readonly log: Logger
  /** How workers write their lines. */
  readonly logFormat?: LogFormat
  readonly concurrency: number
  readonly queue: number
  readonly bodyLimitBytes: number
  readonly workerMemoryBytes: number
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where traces go; nowhere without it. */
  readonly traces?: TraceSettings
}

export interface StageApp extends Service {
  /** Starts what the stage needs (models, workers); the service is ready afterwards. */
  start(): Promise<void>
  /** Resolves when no work is in progress. */
  drain(): Promise<void>
  /** Stops the work in progress. */
  abort(): void
  /** Ends workers and what the stage had started. */
  end(): Promise<void>
}

export async function createStageApp(options: StageAppOptions): Promise<StageApp> {
  const { stage, store, resources, log } = options
  const service = await createService({
    name: stage.name,
    version: stage.version,
    log,
    bodyLimitBytes: options.bodyLimitBytes,
    ...(options.traces ? { traces: options.traces } : {}),
    ...(stage.malformedUrl ? { malformedUrl: stage.malformedUrl } : {}),
    api: {
      title: `Meshwork ${stage.name}`,
      version: stage.version,
      description: stage.summary,
      tags: [
        { name: 'stage', description: 'Stage protocol v1.' },
        ...(stage.tags ?? []),
        { name: 'operation', description: 'Health and metrics.' },
      ],
    },
  })
  watchStore(service.readiness, store)
  const limits = { stage: stage.name, places: options.concurrency, waitingMax: options.queue }
  const limiter = new Limiter(limits)
  const metrics = createStageMetrics(service.registry, stage.name, limiter, options.store.scratchRoot)
  const { executor, startExecutor } = executorOf(options, metrics.workerRestarts)
  const calls = new Calls({
    stage,
    executor,
    limiter,
    claims: new Claims(store.records, stage.name, stage.major),
    observe: observeCalls({ stage, log, metrics }),
  })
  const context = {
    log,
    store,
    resources,
    registry: service.registry,
    traces: service.traces,
    environment: options.environment,
    draining: () => service.readiness.phase === 'draining',
  }
  const app = service.app as unknown as FastifyInstance
  const plans = new Plans({ stage, executor, limiter: new Limiter(limits) })
  await app.register(stageRoutes({ stage, calls, plans, info: stageInfo(stage), readiness: service.readiness }))
  if (stage.routes) {
    const { routes } = stage
    await app.register(async scope => await routes(scope, context))
  }
  let stopStage: (() => Promise<void>) | undefined
  return {
    ...service,
    start: async () => {
      const [stop] = await Promise.all([stage.start?.(context), startExecutor()])
      stopStage = stop ?? undefined
      service.readiness.phase = 'ready'
    },
    drain: async () => await calls.idle(),
    abort: () => {
      const reason = new MeshError('MESHWORK_NOT_READY', { service: stage.name, state: 'draining', seconds: 1 })
      calls.abort(reason)
      plans.abort(reason)
    },
    end: async () => {
      await executor.close()
      await stopStage?.()
    },
  }
}

function executorOf(options: StageAppOptions, restarts: ReturnType<typeof createStageMetrics>['workerRestarts']) {
  const { stage, store, resources, log } = options
  if (stage.isolation !== 'process')
    return {
      executor: inlineExecutor({ stage, store, resources, log, bindings: bindingsOf }),
      startExecutor: async () => {},
    }
  const memoryBytes = options.workerMemoryBytes
  const pool = new WorkerPool({
    stage: stage.name,
    memoryBytes,
    keep: options.concurrency,
    scratchRoot: store.scratchRoot,
    restarts,
    setup: {
      module: options.module,
      storeUrl: store.url,
      resources: { cpus: resources.cpus, memoryBytes },
      logLevel: log.level,
      ...(options.logFormat ? { logFormat: options.logFormat } : {}),
    },
  })
  return { executor: pool as Executor, startExecutor: async () => await pool.start() }
}

function stageInfo(stage: Stage): StageInfo {
  const { requires = [], produces = [] } = stage.columns ?? {}
  return {
    name: stage.name,
    version: stage.version,
    summary: stage.summary,
    contracts: [
      { major: stage.major, path: stage.path, input: stage.input, output: stage.output },
      ...(stage.earlier ?? []).map(({ major, input, output, deprecated, sunset }) => ({
        major,
        path: `/v${major}/${stage.name}`,
        input,
        output,
        deprecated,
        sunset,
      })),
    ],
    columns: { requires: [...requires], produces: [...produces] },
    capabilities: { plan: stage.plan !== undefined, progress: true, idempotency: true },
  }
}
