import { createLog, createStageApp, openStore, readResources, runService, type Stage } from '@meshwork/kit'

export interface ServeOptions {
  readonly module: string
  /** Calls at one time, and those that wait. */
  readonly concurrency: number
  readonly queue: number
}

/** Serves a stage of a bench in this process, on a free port; the URL of its store is the first argument of the process. */
export async function serveStage(stage: Stage, { module, concurrency, queue }: ServeOptions): Promise<void> {
  const log = createLog({ module: stage.name, version: stage.version, level: 'silent' })
  const app = await createStageApp({
    stage,
    module,
    store: await openStore(process.argv[2] as string),
    resources: readResources(),
    log,
    concurrency,
    queue,
    bodyLimitBytes: 65_536,
    workerMemoryBytes: 1e9,
    environment: {},
  })
  await app.start()
  await runService({ service: app, log, host: '127.0.0.1', port: 0, drainTimeoutMs: 1000 })
}
