// For tests of stages and services: real apps on port 0, a store in a folder of the test, logs in memory.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Logger } from 'pino'
import { type LocalStore, openStore } from '../data/open.ts'
import { readResources } from '../data/resources.ts'
import { createStageApp, type StageApp, type StageAppOptions } from '../server/stage-app.ts'
import type { Stage } from '../stage/define.ts'
import { createLog } from '../telemetry/log.ts'

export { type DirectCalls, directCalls } from './direct-call.ts'
export * from './plans.ts'
export { pythonWith } from './python.ts'

/** The part of tap's test that is used here. */
export interface TestScope {
  teardown(fn: () => unknown): void
}

export async function temporaryStore(t: TestScope): Promise<LocalStore> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return await openStore(pathToFileURL(folder).href)
}

export interface LogCapture {
  readonly log: Logger
  readonly lines: Record<string, unknown>[]
}

export function logCapture(module = 'test', level = 'info'): LogCapture {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  return { log: createLog({ module, version: '0.0.0', level, destination }), lines }
}

export type StageOverrides = Partial<Omit<StageAppOptions, 'stage' | 'module'>>

/** A started app of a stage for `inject`; closed with the test. */
export async function stageApp(
  t: TestScope,
  stage: Stage,
  module: string | URL,
  overrides: StageOverrides = {},
): Promise<StageApp> {
  const app = await createStageApp({
    stage,
    module: String(module),
    store: overrides.store ?? (await temporaryStore(t)),
    resources: { ...readResources(), memoryBytes: 4e9 },
    log: logCapture(stage.name, 'warn').log,
    concurrency: 2,
    queue: 16,
    bodyLimitBytes: 1_048_576,
    workerMemoryBytes: 1.4e9,
    environment: {},
    ...overrides,
  })
  t.teardown(async () => {
    app.abort()
    await app.app.close()
    await app.end()
  })
  await app.start()
  return app
}

/** The same, listening on a free port of the loopback address. */
export async function startStage(
  t: TestScope,
  stage: Stage,
  module: string | URL,
  overrides: StageOverrides = {},
): Promise<StageApp & { url: string }> {
  const app = await stageApp(t, stage, module, overrides)
  const url = await app.app.listen({ host: '127.0.0.1', port: 0 })
  return { ...app, url }
}
