// A stage in a process of its own that takes 5 ms, and answers when it began and ended.

import { setTimeout as pause } from 'node:timers/promises'
import { createLog, createStageApp, defineStage, openStore, readResources, runService } from '@meshwork/kit'
import Type from 'typebox'

const workMs = 5
const time = Type.Number({ description: 'Milliseconds of one clock.' })
const stage = defineStage({
  name: 'brief',
  version: '1.0.0',
  summary: 'Takes 5 ms.',
  input: Type.Object({ run: Type.String(), item: Type.Integer() }, { additionalProperties: false }),
  output: Type.Object({ run: Type.String(), began: time, ended: time }, { additionalProperties: false }),
  run: async ({ run }) => {
    const began = performance.now()
    await pause(workMs)
    return { run, began, ended: performance.now() }
  },
})
const log = createLog({ module: 'brief', version: '1.0.0', level: 'silent' })
const app = await createStageApp({
  stage,
  module: import.meta.url,
  store: await openStore(process.argv[2] as string),
  resources: readResources(),
  log,
  concurrency: 64,
  queue: 64,
  bodyLimitBytes: 65_536,
  workerMemoryBytes: 1e9,
  environment: {},
})
await app.start()
await runService({ service: app, log, host: '127.0.0.1', port: 0, drainTimeoutMs: 1000 })
