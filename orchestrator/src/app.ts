// The orchestrator, put together. It does not listen; main.ts does.

import { randomUUID } from 'node:crypto'
import { MeshError } from '@meshwork/contracts'
import { createService, type Service, type TraceSettings } from '@meshwork/kit'
import type { Logger } from 'pino'
import { StageCalls } from './calls/stage-calls.ts'
import { Doorkeeper } from './upkeep/doorkeeper.ts'
import { Engine } from './engine/engine.ts'
import { Janitor } from './upkeep/janitor.ts'
import { Scheduler } from './schedule/scheduler.ts'
import { Starter } from './start/starter.ts'
import { SubRuns } from './start/sub-runs.ts'
import { Waker } from './upkeep/waker.ts'
import { RunNews } from './events.ts'
import { bulkRoutes } from './routes/bulk.ts'
import { eventRoutes } from './routes/events.ts'
import { explainRoutes } from './routes/explain.ts'
import { forkRoutes } from './routes/forks.ts'
import { planRoutes } from './routes/plans.ts'
import { referenceRoutes } from './routes/references.ts'
import { retentionRoutes } from './routes/retention.ts'
import { runRoutes } from './routes/runs.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import { stageLimitRoutes } from './routes/stage-limits.ts'
import { stageRoutes } from './routes/stages.ts'
import { tell, verbRoutes } from './routes/verbs.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { find, workflowRoutes } from './routes/workflows.ts'
import { waitRoutes } from './routes/waits.ts'
import { StageClient } from './stage/client.ts'
import { Directory } from './stage/directory.ts'
import { Planner } from './stage/planner.ts'
import { openBoss } from './store/boss.ts'
import { Admission } from './store/admission.ts'
import { explainDatabase } from './store/database-failure.ts'
import { census } from './store/census.ts'
import { type Database, openFolder, openPostgres } from './store/database.ts'
import { Deployments } from './store/deployments.ts'
import { Ledger } from './store/ledger.ts'
import { migrate } from './store/migrations.ts'
import { Notes } from './store/notes.ts'
import { PlaceLedger } from './store/place-ledger.ts'
import { Retention } from './store/retention.ts'
import { Runs } from './store/runs.ts'
import { Schedules } from './store/schedules.ts'
import { SharedCalls } from './store/shared-calls.ts'
import { Signals } from './store/signals.ts'
import { StageLimits } from './store/stage-limits.ts'
import { Takeover } from './store/takeover.ts'
import { Verbs } from './store/verbs.ts'
import { Webhooks } from './store/webhooks.ts'
import { Workflows } from './store/workflows.ts'
import { DatabaseMetrics } from './telemetry/database-metrics.ts'
import { watchDeployments } from './telemetry/deployments.ts'
import { watchStageCalls } from './telemetry/stage-calls.ts'
import { EngineMetrics } from './telemetry/metrics.ts'
import { watchRuns } from './telemetry/run-census.ts'
import { WebhookClient } from './webhook/post.ts'
import { WebhookSender } from './webhook/sender.ts'

export const version = '0.1.0'

export interface OrchestratorOptions {
  /** PostgreSQL; or else a folder. */
  readonly databaseUrl?: string
  readonly stateFolder: string
  readonly stages: readonly { stage: string; url: string }[]
  readonly runsMax: number
  readonly callsMax: number
  readonly eventStreamsMax: number
  /** Seconds for which an ended run is kept; 0, the default, for ever. */
  readonly runsKeepSeconds?: number
  /** Whether webhooks may lead to private and loopback addresses; not by default. */
  readonly webhooksAllowPrivate?: boolean
  readonly log: Logger
  /** Where traces go; nowhere without it. */
  readonly traces?: TraceSettings
}

export interface Orchestrator extends Service {
  readonly database: Database
  /** Takes up runs and looks at the deployments. */
  start(): Promise<void>
  /** Hands the runs over and closes everything but the server. */
  stop(): Promise<void>
}

export async function createOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const { log } = options
  const service = await createService({
    name: 'orchestrator',
    version,
    log,
    explain: explainDatabase,
    ...(options.traces ? { traces: options.traces } : {}),
    api: {
      title: 'Meshwork orchestrator',
      version,
      description: 'Registers workflows, runs them durably over stages, and tells what happens.',
      tags: [
        { name: 'workflows', description: 'Named, versioned documents.' },
        { name: 'runs', description: 'Executions of workflows.' },
        { name: 'schedules', description: 'Runs at set times.' },
        { name: 'webhooks', description: 'Events sent to addresses of yours.' },
        { name: 'stages', description: 'Deployments that do the work.' },
        { name: 'operation', description: 'Health and metrics.' },
      ],
    },
  })
  const onError = (error: Error) => log.warn({ err: error }, 'database error')
  const databaseMetrics = new DatabaseMetrics(service.registry)
  const database =
    options.databaseUrl === undefined
      ? await openFolder(options.stateFolder, databaseMetrics)
      : openPostgres(options.databaseUrl, onError, databaseMetrics)
  databaseMetrics.watch(database)
  await migrate(database)
  const boss = await openBoss(database, onError)

  const me = randomUUID()
  const admission = new Admission(database, boss)
  const runs = new Runs(database, boss, admission)
  const notes = new Notes(database)
  const signals = new Signals(database, boss)
  const workflows = new Workflows(database)
  const deployments = new Deployments(database)
  const client = new StageClient()
  const directory = new Directory(client, log)
  const planner = new Planner(directory, client)
  // A folder has one orchestrator.
  const elsewhere = {
    isHere: (id: string) => engine.walks(id),
    look: async (ids: readonly string[]) => await runs.pulses(ids),
  }
  const news = new RunNews(options.databaseUrl === undefined ? undefined : elsewhere)
  const metrics = new EngineMetrics(service.registry)
  watchDeployments(service.registry, () => directory.views())
  watchRuns(service.registry, async () => await census(database))
  const { runsMax, callsMax } = options
  const changed = (runId: string, ended?: boolean) => news.tell(runId, ended)
  const verbs = new Verbs(database, boss, admission)
  const starter = new Starter({
    runs,
    directory,
    metrics,
    find: async (workflow, of) => await find(workflows, workflow, of),
    sample: () => service.traces.sample(),
    wake: () => engine.wake(),
  })
  const subRuns = new SubRuns({ runs, signals, verbs, starter, changed: run => tell({ engine, news }, run) })
  const doorkeeper = new Doorkeeper(admission, log, () => engine.wake())
  const stageLimits = new StageLimits(database)
  const places = new PlaceLedger(database, me)
  const stageCalls = new StageCalls(stageLimits, places, log)
  watchStageCalls(service.registry, () => stageCalls.allWaiting())
  const shared = options.databaseUrl === undefined ? undefined : new SharedCalls(database, me)
  const engine: Engine = new Engine({
    me,
    runs,
    notes,
    ledger: new Ledger(database),
    signals,
    subRuns,
    doorkeeper,
    directory,
    client,
    log,
    metrics,
    traces: service.traces,
    runsMax,
    callsMax,
    stageCalls,
    shared,
    changed,
  })
  const retention = new Retention(database)
  const keepSeconds = options.runsKeepSeconds ?? 0
  const janitor = new Janitor({ retention, keepSeconds, log, removed: removed => metrics.runsRemoved(removed) })
  const schedules = new Schedules(database)
  const scheduler = new Scheduler({
    schedules,
    runs,
    verbs,
    starter,
    log,
    changed: () => engine.wake(),
    fired: (outcome, lateSeconds) => metrics.fired(outcome, lateSeconds),
  })
  const waker = new Waker(signals, subRuns, log, () => engine.wake())
  const webhooks = new Webhooks(database)
  const webhookClient = new WebhookClient(options.webhooksAllowPrivate ?? false)
  const sender = new WebhookSender({
    webhooks,
    client: webhookClient,
    log,
    sent: outcome => metrics.webhookSent(outcome),
  })
  const takeover =
    options.databaseUrl === undefined || shared === undefined
      ? undefined
      : new Takeover({
          url: options.databaseUrl,
          me,
          runs,
          remains: [shared, places],
          log,
          taken: () => engine.wake(),
        })

  // No name, id or address holds U+0000, and no text of the database can.
  service.app.addHook('onRequest', async ({ url }) => {
    if (url.includes('%00'))
      throw new MeshError('MESHWORK_REQUEST_INVALID', { what: 'The address', problems: 'it holds U+0000 (%00)' })
  })
  service.readiness.add('database', async () => await databaseFault(database))
  workflowRoutes(service.app, workflows, directory, planner)
  planRoutes(service.app, { workflows, runs, directory, planner })
  runRoutes(service.app, { runs, starter, news })
  verbRoutes(service.app, { runs, verbs, engine, news })
  waitRoutes(service.app, { runs, signals, engine, news })
  forkRoutes(service.app, runs, starter)
  explainRoutes(service.app, { runs, notes, engine, directory, stageCalls })
  scheduleRoutes(service.app, schedules, starter)
  webhookRoutes(service.app, webhooks, webhookClient)
  referenceRoutes(service.app, database)
  retentionRoutes(service.app, retention, janitor, keepSeconds)
  bulkRoutes(service.app, { runs, verbs, engine, news, starter })
  eventRoutes(service.app, { runs, news, metrics, streamsMax: options.eventStreamsMax })
  stageRoutes(service.app, { directory, deployments, workflows, planner })
  stageLimitRoutes(service.app, stageLimits, stageCalls)

  return {
    ...service,
    database,
    start: async () => {
      for (const { stage, url } of [...options.stages, ...(await deployments.list())]) directory.add(stage, url)
      await directory.start()
      if (takeover) await takeover.start()
      else {
        // The folder is ours alone, so whoever held these is gone.
        await runs.giveBack(await runs.activeJobs())
        for (const party of await places.parties()) await places.clear(party)
      }
      await stageCalls.start()
      engine.start()
      janitor.start()
      scheduler.start()
      waker.start()
      doorkeeper.start()
      sender.start()
      service.readiness.phase = 'ready'
    },
    stop: async () => {
      directory.stop()
      await scheduler.stop()
      await waker.stop()
      await sender.stop()
      await webhookClient.close()
      await janitor.stop()
      await engine.stop()
      await stageCalls.stop()
      await doorkeeper.stop()
      await takeover?.stop()
      await boss.stop({ graceful: false })
      await client.close()
      await database.close()
    },
  }
}

const databaseTimeoutMs = 2000

async function databaseFault(database: Database): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(() => resolve(`no answer within ${databaseTimeoutMs} ms`), databaseTimeoutMs)
  })
  const answer = database.readers.query('SELECT 1').then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer))
}
