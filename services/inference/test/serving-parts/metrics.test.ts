import { Histogram, Registry } from 'prom-client'
import t from 'tap'
import { createServingMetrics } from '../../src/serving/metrics.ts'
import { TalliedHistogram } from '../../src/serving/tallied-histogram.ts'

const labels = { model: 'm', version: '1' }

t.test('the histogram says what the one of prom-client says', async t => {
  const [own, other] = [new Registry(), new Registry()]
  const buckets = [0.5, 1, 2]
  const about = { name: 'h', help: 'of values', labelNames: ['model', 'version'], buckets }
  const tally = new TalliedHistogram(own, about).of(labels)
  const histogram = new Histogram({ ...about, registers: [other] })
  for (const value of [0, 0.5, 0.6, 1, 1.5, 2, 3, 1e9]) {
    tally.observe(value)
    histogram.observe(labels, value)
  }
  const sorted = async (registry: Registry) => (await registry.metrics()).split('\n').sort()
  t.same(await sorted(own), await sorted(other))
})

t.test('a version that is let go takes its labels along, unless another has them', async t => {
  const registry = new Registry()
  const observer = createServingMetrics(
    registry,
    () => [],
    () => ({ busy: 0, size: 1 }),
  )
  const times = { total: 0.1, queue: 0, input: 0, infer: 0.1, output: 0 }
  const [old, same] = [observer('m', '1'), observer('m', '1')]
  for (const one of [old, same]) {
    one.dispatched('full', 1)
    one.answered(1, times)
    one.executed(1, times)
    one.failed('BACKEND', 0.1)
  }
  old.retired()
  const told = await registry.metrics()
  t.match(told, /meshwork_inference_request_duration_seconds_count\{model="m",version="1"\} 2/)
  t.match(told, /meshwork_inference_request_failures_total\{model="m",version="1",reason="backend"\} 2/)
  same.retired()
  t.notMatch(await registry.metrics(), /version="1"/)
})
