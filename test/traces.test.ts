// The demo with a collector beside it: the run is one trace over all services, also when the orchestrator is killed.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { reachable } from '../k8s/policy/reach.ts'
import { services } from '../k8s/policy/settings.ts'
import { objectsOf, podLabels } from '../k8s/test/sources.ts'
import { repository, stageNames } from '../launcher/src/mesh.ts'

/** As OTLP has spans in JSON. */
interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[]
  readonly links?: readonly { readonly spanId: string }[]
  readonly status?: { readonly code?: number; readonly message?: string }
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpSpan['attributes'] }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}
type Seen = OtlpSpan & { readonly service: string }

const attribute = (span: Pick<OtlpSpan, 'attributes'>, key: string): unknown =>
  Object.values(span.attributes.find(one => one.key === key)?.value ?? {})[0]

const nameOf = (service: string) => service.replace(/^meshwork-/, '')

async function collector() {
  const spans: Seen[] = []
  const paths = new Set<string>()
  const server = createServer((request, response) => {
    paths.add(`${request.method} ${request.url}`)
    void text(request).then(body => {
      for (const { resource, scopeSpans } of (JSON.parse(body) as OtlpBody).resourceSpans)
        for (const span of scopeSpans.flatMap(scope => scope.spans))
          spans.push({ ...span, service: String(attribute(resource, 'service.name')) })
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { spans, paths, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

t.test('a run is one trace across services and restarts', async t => {
  const { spans, paths, url, server } = await collector()
  t.teardown(() => server.close())
  const demo = spawn(
    process.execPath,
    [
      join(repository, 'launcher/src/demo.ts'),
      '--json',
      '--rows',
      '1000000',
      '--dir',
      t.testdir(),
      '--kill',
      'orchestrator',
    ],
    { env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/` }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const [output, errors] = [text(demo.stdout), text(demo.stderr)]
  const [code] = (await once(demo, 'close')) as [number]
  t.equal(code, 0, `the demo ends well: ${await errors}`)
  const summary = JSON.parse((await output).trim().split('\n').at(-1) as string) as { run: { id: string } }
  t.same([...paths], ['POST /v1/traces'])

  const ofRun = spans.find(span => span.name === 'run flight-delays')
  t.equal(attribute(ofRun ?? { attributes: [] }, 'meshwork.run.id'), summary.run.id)
  const trace = spans.filter(span => span.traceId === ofRun?.traceId)
  const byId = new Map(trace.map(span => [span.spanId, span]))
  t.same(
    [...new Set(trace.map(span => span.service))].sort(),
    ['gateway', 'orchestrator', ...stageNames].map(name => `meshwork-${name}`).sort(),
    'all services are in it',
  )
  const roots = trace.filter(span => (span.parentSpanId ?? '') === '')
  t.same(
    roots.map(span => [span.service, span.name]),
    [['meshwork-gateway', 'POST /v1/runs']],
    'it begins with the request of the client',
  )
  const orphans = trace.filter(span => (span.parentSpanId ?? '') !== '' && !byId.has(span.parentSpanId ?? ''))
  t.same(
    orphans.map(({ service, name }) => [service, name]),
    [],
    'every other span has its parent in it',
  )

  const stepSpans = [...byId.values()].filter(span => span.name.startsWith('step '))
  t.equal(stepSpans.length, 9)
  for (const span of stepSpans) t.equal(span.parentSpanId, ofRun?.spanId, span.name)
  const calls = [...byId.values()].filter(span => span.name.startsWith('call '))
  const served = [...byId.values()].filter(
    span => /^POST \/v\d\/[a-z]+$/.test(span.name) && span.name !== 'POST /v1/runs',
  )
  for (const span of served)
    t.match(byId.get(span.parentSpanId ?? '')?.name, /^call /, `${span.name} is within its call`)
  for (const name of stageNames)
    t.ok(
      served.some(span => span.service === `meshwork-${name}`),
      name,
    )
  for (const span of calls)
    t.match(byId.get(span.parentSpanId ?? '')?.name, /^step /, `${span.name} is within its step`)

  const edges = trace.flatMap(span => {
    const caller = byId.get(span.parentSpanId ?? '')?.service
    return caller === undefined || caller === span.service ? [] : [`${nameOf(caller)} -> ${nameOf(span.service)}:8080`]
  })
  const pods = services.map(name => ({ name, labels: podLabels(name) }))
  const open = reachable(objectsOf('base/network'), pods, [8080])
  t.same(
    [...new Set(edges)].sort(),
    open.filter(edge => !/^gateway -> (?!orchestrator)/.test(edge)),
    'who calls whom in a run is what the network policies of k8s/ let through; the gateway calls stages for clients',
  )

  const lost = calls.find(span => attribute(span, 'error.type') === 'MESHWORK_ATTEMPT_LOST')
  t.ok(lost, 'the attempt that died with the orchestrator is told of')
  const next = calls.find(span => span.links?.some(({ spanId }) => spanId === lost?.spanId))
  t.equal(next?.parentSpanId, lost?.parentSpanId, 'and the one after it, in the same step, leads back to it')
  t.equal(lost?.status?.code, 2)
  for (const span of trace) t.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), span.name)
})
