import { newTrace, noTraces, type Span, type Traces } from '@meshwork/kit'
import t from 'tap'
import { BatchSpans } from '../../src/serving/batch-spans.ts'

function collected(): { spans: Span[]; traces: Traces } {
  const spans: Span[] = []
  return { spans, traces: { ...noTraces, on: true, write: span => void spans.push(span) } }
}
const of = { model: 'm', version: '1' }
const seconds = { input: 0.001, infer: 0.002, output: 0.001 }

t.test('each request has a span that leads to the batch, and the batch leads to all of them', async t => {
  const { spans, traces } = collected()
  const [one, other] = [newTrace(true), newTrace(true)]
  const now = performance.now()
  const calls = [
    { trace: one, rows: 2, arrived: now - 20 },
    { trace: other, rows: 3, arrived: now - 15 },
    { trace: undefined, rows: 1, arrived: now - 12 },
    { trace: newTrace(false), rows: 1, arrived: now - 12 },
  ]
  new BatchSpans(traces, of).write(calls, now - 10, seconds)
  const batch = spans.find(({ name }) => name === 'batch m')
  const requests = spans.filter(({ name }) => name === 'infer m')
  t.equal(spans.length, 3, 'what is not traced has none')
  t.same(
    requests.map(({ context, parentId }) => [context.traceId, parentId]),
    [
      [one.traceId, one.spanId],
      [other.traceId, other.spanId],
    ],
  )
  for (const request of requests) t.same(request.links, [batch?.context])
  t.same(
    batch?.links,
    requests.map(({ context }) => context),
  )
  t.match(batch?.attributes, { 'meshwork.batch.calls': 4, 'meshwork.batch.rows': 7, 'meshwork.infer.seconds': 0.002 })
  const queued = Number(requests[0]?.attributes['meshwork.queue.seconds'])
  t.ok(Math.abs(queued - 0.01) < 0.001, String(queued))
  t.ok(Math.abs((requests[0]?.endMs ?? 0) - (requests[0]?.startMs ?? 0) - 20) < 5)
})

t.test('a batch of nobody who is traced is not told of; one that was not run is an error', async t => {
  const { spans, traces } = collected()
  const batches = new BatchSpans(traces, of)
  batches.write([{ trace: undefined, rows: 1, arrived: 0 }], 0, seconds)
  t.same(spans, [])
  batches.write([{ trace: newTrace(true), rows: 1, arrived: 0 }], 0, undefined)
  t.equal(spans.find(({ name }) => name === 'batch m')?.error, 'the batch was not run')
})
