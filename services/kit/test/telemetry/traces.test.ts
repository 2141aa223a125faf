import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { newTrace, type Span } from '../../src/telemetry/span.ts'
import { createServiceMetrics } from '../../src/telemetry/service-metrics.ts'
import { openTraces, type Traces } from '../../src/telemetry/traces.ts'
import { logCapture } from '../../src/testing/index.ts'

interface Sent {
  readonly resourceSpans: { readonly scopeSpans: { readonly spans: Record<string, unknown>[] }[] }[]
}
const span = (more: Partial<Span> = {}): Span => ({
  name: 'work',
  kind: 'internal',
  context: newTrace(true),
  startMs: 1_700_000_000_000.25,
  endMs: 1_700_000_000_001.5,
  attributes: { a: 1, b: 'two', c: true, d: undefined },
  ...more,
})

async function open(url: string | undefined, ratio = 1) {
  const { traceSpans } = createServiceMetrics('thing', '1.2.3')
  const { log, lines } = logCapture()
  const settings = {
    ...(url === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: url }),
    MESHWORK_TRACES_RATIO: ratio,
  }
  const traces = await openTraces({ settings, service: 'thing', version: '1.2.3', counted: traceSpans, log })
  const counted = async (result: string) =>
    (await traceSpans.get()).values.find(({ labels }) => labels['result'] === result)?.value ?? 0
  return { traces, counted, lines }
}

t.test('spans are sent as OTLP, with nanoseconds; those of a trace that is not sampled are not', async t => {
  const bodies: Sent[] = []
  const server = createServer((request, response) => {
    void text(request).then(body => {
      bodies.push(JSON.parse(body) as Sent)
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { traces, counted } = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const link = newTrace(true)
  const sent = span({ error: 'no', parentId: 'b7ad6b7169203331', links: [link] })
  traces.write(sent)
  traces.write(span({ context: newTrace(false) }))
  await traces.close()
  const spans = bodies.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(one => one.scopeSpans.flatMap(s => s.spans)),
  )
  t.match(spans, [
    {
      traceId: sent.context.traceId,
      spanId: sent.context.spanId,
      parentSpanId: 'b7ad6b7169203331',
      name: 'work',
      startTimeUnixNano: '1700000000000250000',
      endTimeUnixNano: '1700000000001500000',
      status: { code: 2, message: 'no' },
      links: [{ traceId: link.traceId, spanId: link.spanId }],
    },
  ])
  t.equal(spans.length, 1)
  t.same(
    (spans[0] as { attributes: { key: string }[] }).attributes.map(({ key }) => key),
    ['a', 'b', 'c'],
  )
  t.equal(await counted('sent'), 1)
})

t.test('a collector that is away costs a line in the log and nothing else; the queue is bounded', async t => {
  const { traces, counted, lines } = await open('http://127.0.0.1:9')
  const began = performance.now()
  for (let i = 0; i < 20_000; i++) traces.write(span())
  t.ok(performance.now() - began < 5000, 'nobody waits')
  await traces.close()
  t.equal(await counted('written'), 20_000)
  const failed = await counted('failed')
  t.ok(failed > 0 && failed <= 8192, `${failed} were in the queue, the rest dropped`)
  const told = lines.filter(one => one['msg'] === 'the collector did not take spans')
  t.equal(told.length, 1, 'told once a minute, not for each batch')
  t.equal(told[0]?.['endpoint'], 'http://127.0.0.1:9')
})

t.test('without an endpoint nothing is sent; the ratio decides for new traces', async t => {
  const { traces } = await open(undefined)
  t.equal(traces.on, false)
  traces.write(span())
  await traces.close()
  const share = async (ratio: number) => {
    const some: Traces = (await open('http://127.0.0.1:9', ratio)).traces
    const count = Array.from({ length: 4000 }, () => some.sample()).filter(Boolean).length
    await some.close()
    return count / 4000
  }
  t.equal(await share(0), 0)
  t.equal(await share(1), 1)
  const half = await share(0.5)
  t.ok(half > 0.4 && half < 0.6, String(half))
})

t.test('a collector that takes requests and never answers does not hold up the end for long', async t => {
  const server = createServer(() => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { traces } = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  for (let i = 0; i < 5000; i++) traces.write(span())
  const began = performance.now()
  await traces.close()
  t.ok(performance.now() - began < 10_000)
})
