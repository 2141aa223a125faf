import t from 'tap'
import { readResources } from '@meshwork/kit'
import { float } from './repository-folder.ts'
import { serve, type Server } from './serving.ts'

const sum = {
  inputs: [float('x', 2)],
  outputs: [float('y', 1)],
  manifest: (m: object) => ({ ...m, batching: { enabled: true } }),
}
const pick = {
  inputs: [{ name: 'i', type: 'int64', shape: [-1] }],
  outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
  manifest: (m: object) => ({ ...m, batching: { enabled: true } }),
}
const total = { inputs: [float('x', 1)], outputs: [float('y', 1)] }
/** All runs by the one worker, which is busy while others wait. */
const byWorker = { MESHWORK_INFERENCE_INLINE_US: '0' }
const oneWorker = { resources: { ...readResources(), cpus: 1, memoryBytes: 4e9 } }
const index = (i: number) => [{ name: 'i', shape: [1], datatype: 'INT64', data: [i] }]
const stats = async (server: Server, model: string) =>
  (
    (await server.call(`/v2/models/${model}/stats`)).json['model_stats'] as {
      inference_count: number
      execution_count: number
      inference_stats: { fail: { count: number } }
    }[]
  )[0]

t.test(
  'requests that wait become one run, and every caller gets the rows that are its own',
  { timeout: 120_000 },
  async t => {
    const server = await serve(t, { sum: ['sum', sum] }, byWorker, oneWorker)
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const rows = Array.from({ length: 1 + (i % 3) }, (_, row) => [i, row])
        const answer = await server.infer('sum', [{ name: 'x', shape: [rows.length, 2], datatype: 'FP32', data: rows }])
        return { expected: rows.map(([a = 0, b = 0]) => a + b), got: answer.json.outputs?.[0]?.data }
      }),
    )
    for (const { expected, got } of answers) t.same(got, expected)
    const { inference_count: rows = 0, execution_count: runs = 0 } = (await stats(server, 'sum')) ?? {}
    t.equal(rows, 600)
    t.ok(runs < 300, `${runs} runs for 300 requests`)
    const metrics = await server.metrics()
    t.match(metrics, /nv_inference_request_success\{model="sum",version="1"\} 300/)
    t.match(metrics, /nv_inference_count\{model="sum",version="1"\} 600/)
    t.match(metrics, /meshwork_inference_request_duration_seconds_count\{model="sum",version="1"\} 300/)
  },
)

t.test('the one bad request of a batch fails alone', { timeout: 120_000 }, async t => {
  const server = await serve(t, { pick: ['pick', pick] }, {}, oneWorker)
  const answers = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => await server.infer('pick', index(i === 31 ? 7 : i % 3))),
  )
  answers.forEach((answer, i) => {
    t.equal(answer.status, i === 31 ? 400 : 200)
    if (i !== 31) t.same(answer.json.outputs?.[0]?.data, [[10, 20, 30][i % 3]])
  })
  t.equal((await stats(server, 'pick'))?.inference_stats.fail.count, 1)
})

t.test('a model whose rows answer otherwise beside others is never batched', { timeout: 120_000 }, async t => {
  const server = await serve(t, { total: ['total', total] }, {}, oneWorker)
  const config = (await server.call('/v2/models/total/config')).json as {
    max_batch_size: number
    parameters: { batching: { string_value: string } }
  }
  t.equal(config.max_batch_size, 0)
  t.match(config.parameters.batching.string_value, /open first dimension/)
  const answers = await Promise.all(
    Array.from(
      { length: 20 },
      async (_, i) => await server.infer('total', [{ name: 'x', shape: [2, 1], datatype: 'FP32', data: [i, 1] }]),
    ),
  )
  answers.forEach((answer, i) => t.same(answer.json.outputs?.[0]?.data, [i + 1]))
})

t.test('what waits is bounded, and a request past it is told to come back', { timeout: 120_000 }, async t => {
  const server = await serve(
    t,
    { sum: ['sum', sum] },
    { MESHWORK_INFERENCE_QUEUE_ROWS: '4', MESHWORK_INFERENCE_BATCH_ROWS: '1' },
    oneWorker,
  )
  const answers = await Promise.all(
    Array.from(
      { length: 200 },
      async () =>
        await server.infer('sum', [{ name: 'x', shape: [4, 2], datatype: 'FP32', data: [1, 2, 3, 4, 5, 6, 7, 8] }]),
    ),
  )
  const refused = answers.filter(({ status }) => status === 503)
  t.ok(refused.length > 0, `${refused.length} of 200 refused`)
  for (const { status } of answers) t.ok(status === 200 || status === 503)
  t.equal(refused[0]?.headers.get('retry-after'), '1')
  t.match(refused[0]?.json.error, /Exceeds maximum queue size of model 'sum'/)
})
