import { pathToFileURL } from 'node:url'
import t from 'tap'
import { Worker } from '../../src/execute/worker.ts'

t.test('a worker whose store cannot be opened says so, and the call may be tried again', async t => {
  const folder = t.testdir({ file: 'not a folder' })
  const worker = new Worker({
    stage: 'probe',
    memoryBytes: 1e9,
    setup: {
      module: new URL('../fixture/probe.ts', import.meta.url).href,
      storeUrl: pathToFileURL(`${folder}/file/store`).href,
      resources: { cpus: 1, memoryBytes: 1e9 },
      logLevel: 'silent',
    },
  })
  t.teardown(() => worker.end())
  await t.rejects(worker.ready, { code: 'MESHWORK_STORE_UNAVAILABLE', retryable: true })
})
