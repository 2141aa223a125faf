import { statfs } from 'node:fs/promises'
import { Registry } from 'prom-client'
import t from 'tap'
import { Limiter } from '../../src/execute/limiter.ts'
import { createStageMetrics } from '../../src/telemetry/stage-metrics.ts'

const limiter = () => new Limiter({ stage: 'probe', places: 1, waitingMax: 1 })
const valueOf = async (registry: Registry, name: string): Promise<number | undefined> => {
  const found = await registry.getSingleMetric(name)?.get()
  return found?.values[0]?.value
}

t.test('the room on the disk of the store is told as it is', async t => {
  const registry = new Registry()
  const folder = t.testdir()
  createStageMetrics(registry, 'probe', limiter(), folder)
  const { blocks, bsize } = await statfs(folder)
  t.equal(await valueOf(registry, 'meshwork_store_size_bytes'), blocks * bsize)
  const free = await valueOf(registry, 'meshwork_store_free_bytes')
  t.ok(free !== undefined && free > 0 && free < blocks * bsize, String(free))
})

t.test('a disk that is gone hides its own metrics and no other', async t => {
  const registry = new Registry()
  createStageMetrics(registry, 'probe', limiter(), '/nowhere/at/all')
  t.notMatch(await registry.metrics(), /meshwork_store_free_bytes\{/)
  t.equal(await valueOf(registry, 'meshwork_stage_in_flight'), 0)
})
