// Six trivial stages in a process of their own: what is measured is the walk, not the work.

import { createLog, createStageApp, defineStage, openStore, readResources, runService } from '@meshwork/kit'
import Type from 'typebox'

const input = Type.Object(
  { value: Type.Integer(), list: Type.Optional(Type.Integer({ minimum: 0, maximum: 50_000 })) },
  { additionalProperties: false },
)
const output = Type.Object({ value: Type.Integer(), list: Type.Array(Type.Integer()) }, { additionalProperties: false })
const stage = defineStage({
  name: 'nothing',
  version: '1.0.0',
  summary: 'Adds one, and counts as far as it is asked to.',
  input,
  output,
  run: async ({ value, list = 0 }) => ({ value: value + 1, list: Array.from({ length: list }, (_, i) => i) }),
})
const log = createLog({ module: 'nothing', version: '1.0.0', level: 'silent' })
const app = await createStageApp({
  stage,
  module: import.meta.url,
  store: await openStore(process.argv[2] as string),
  resources: readResources(),
  log,
  concurrency: 1024,
  queue: 4096,
  bodyLimitBytes: 65_536,
  workerMemoryBytes: 1e9,
  environment: {},
})
await app.start()
await runService({ service: app, log, host: '127.0.0.1', port: 0, drainTimeoutMs: 1000 })
