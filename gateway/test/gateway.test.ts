import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { StageInfo } from '@meshwork/contracts'
import { MeshError } from '@meshwork/contracts'
import { createService, defineStage } from '@meshwork/kit'
import { logCapture, startStage, temporaryStore, type TestScope } from '@meshwork/kit/testing'
import t, { type Test } from 'tap'
import Type from 'typebox'
import { request } from 'undici'
import { createGateway } from '../src/app.ts'
import { mergeOpenApi, PathCollision } from '../src/merge-openapi.ts'

/** Answers what came, as the model server gets it. */
const models = defineStage({
  name: 'inference',
  version: '1.0.0',
  summary: 'Models.',
  input: Type.Object({}, { title: 'NoInput' }),
  output: Type.Object({}, { title: 'NoOutput' }),
  run: async () => ({}),
  routes: async app => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
    for (const url of ['/v2/', '/v2/models/:model/infer'])
      app.post(url, { bodyLimit: 4_000_000, schema: { operationId: `op${url.length}` } }, async (req, reply) => {
        const { 'inference-header-content-length': length, 'content-type': type } = req.headers
        const headers = { 'inference-header-content-length': '3', 'x-type': String(type), 'x-length': String(length) }
        return await reply.headers(headers).type('application/octet-stream').send(req.body)
      })
  },
})

const echo = (name: string) =>
  defineStage({
    name,
    version: '1.0.0',
    summary: `A stage named ${name}.`,
    input: Type.Object(
      { value: Type.Integer() },
      { title: `${name === 'ingest' ? 'Ingest' : 'Echo'}Input`, additionalProperties: false },
    ),
    output: Type.Object({ value: Type.Integer() }, { title: 'Same', additionalProperties: false }),
    run: async (input, context) => {
      context.progress(0.5)
      return input
    },
    ...(name === 'ingest'
      ? {
          routes: async app => {
            app.removeAllContentTypeParsers()
            app.addContentTypeParser('*', (_, payload, done) => done(null, payload))
            app.put('/v1/datasets', { schema: { operationId: 'putDataset' } }, async req => {
              const hash = createHash('sha256')
              let bytes = 0
              for await (const chunk of req.body as Readable) {
                hash.update(chunk as Buffer)
                bytes += (chunk as Buffer).length
              }
              return { bytes, hash: hash.digest('hex') }
            })
          },
        }
      : {}),
  })

async function orchestratorLike(t: TestScope): Promise<string> {
  const { app, readiness } = await createService({
    name: 'orchestrator',
    version: '1.0.0',
    log: logCapture().log,
    api: { title: 'o', version: '1.0.0', description: 'o' },
  })
  readiness.phase = 'ready'
  app.get(
    '/v1/runs',
    { schema: { operationId: 'listRuns', response: { 200: Type.Object({ url: Type.String(), id: Type.String() }) } } },
    async req => ({ url: req.url, id: req.id }),
  )
  app.post('/v1/workflows', async () => {
    throw new MeshError('MESHWORK_WORKFLOW_UNKNOWN', { workflow: 'x', suggestion: '' })
  })
  t.teardown(() => app.close())
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

async function gateway(t: Test, overrides: { orchestrator?: string; stages?: Record<string, string> } = {}) {
  const [ingest, other] = [
    await startStage(t, echo('ingest'), import.meta.url),
    await startStage(t, echo('echo'), import.meta.url),
  ]
  const store = await temporaryStore(t)
  const orchestrator = overrides.orchestrator ?? (await orchestratorLike(t))
  const upstreams = {
    orchestrator,
    stages: new Map([['ingest', ingest.url], ['echo', other.url], ...Object.entries(overrides.stages ?? {})]),
  }
  const service = await createGateway({ upstreams, store, log: logCapture('gateway').log })
  service.readiness.phase = 'ready'
  t.teardown(() => service.app.close())
  return { url: await service.app.listen({ host: '127.0.0.1', port: 0 }), store, app: service.app }
}

t.test('one port', async t => {
  const { url } = await gateway(t)
  const get = async (path: string, headers = {}) => await request(`${url}${path}`, { headers })

  await t.test('requests reach the service they are for, with one id all the way', async t => {
    const runs = await get('/v1/runs?limit=3', { 'x-request-id': 'abc' })
    t.same(await runs.body.json(), { url: '/v1/runs?limit=3', id: 'abc' })
    t.equal(runs.headers['x-request-id'], 'abc')
    const info = (await (await get('/stages/echo/v1/stage')).body.json()) as StageInfo
    t.equal(info.name, 'echo')
  })

  await t.test('problems of a service come through as they are', async t => {
    const answer = await request(`${url}/v1/workflows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    t.equal(answer.statusCode, 404)
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
    t.match(await answer.body.json(), { code: 'MESHWORK_WORKFLOW_UNKNOWN' })
  })

  await t.test('a stage that is not there is told with those that are', async t => {
    const answer = await get('/stages/ecko/v1/stage')
    t.equal(answer.statusCode, 404)
    t.match(await answer.body.json(), { code: 'MESHWORK_GATEWAY_STAGE_UNKNOWN', detail: /did you mean "echo"/ })
  })

  await t.test('events of a stage pass through as they come', async t => {
    const answer = await request(`${url}/stages/echo/v1/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: '{"value":4}',
    })
    t.match(answer.headers['content-type'], /^text\/event-stream/)
    t.match(await answer.body.text(), /event: progress[\s\S]*event: result\ndata: \{"output":\{"value":4\}/)
  })

  await t.test('an upload of 200 MB passes through without being held', async t => {
    const chunk = randomBytes(1_000_000)
    const hash = createHash('sha256')
    const before = process.memoryUsage().rss
    let peak = before
    async function* chunks() {
      for (let i = 0; i < 200; i++) {
        hash.update(chunk)
        peak = Math.max(peak, process.memoryUsage().rss)
        yield chunk
      }
    }
    const answer = await request(`${url}/v1/datasets`, {
      method: 'PUT',
      headers: { 'content-type': 'text/csv' },
      body: Readable.from(chunks()),
    })
    t.same(await answer.body.json(), { bytes: 200_000_000, hash: hash.digest('hex') })
    t.ok(peak - before < 150e6, `grew by ${Math.round((peak - before) / 1e6)} MB`)
  })

  await t.test('a file goes in and comes out, safe to open', async t => {
    const page = '<h1>Report</h1><script>alert(1)</script>'
    const put = await request(`${url}/v1/artefacts?name=r.html`, {
      method: 'PUT',
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: page,
    })
    t.equal(put.statusCode, 201)
    const ref = (await put.body.json()) as { hash: string }
    t.match(ref, { kind: 'artefact', bytes: page.length, mediaType: 'text/html', name: 'r.html' })
    const found = await get(`/v1/artefacts/${ref.hash}?type=text/html`)
    t.equal(await found.body.text(), page)
    t.match(found.headers, {
      'content-type': /text\/html/,
      'content-security-policy': /sandbox; default-src 'none'/,
      'x-content-type-options': 'nosniff',
    })
    const again = await get(`/v1/artefacts/${ref.hash}`, { 'if-none-match': `"${ref.hash}"` })
    t.equal(again.statusCode, 304)
    t.match(await (await get(`/v1/artefacts/${'0'.repeat(64)}`)).body.json(), {
      code: 'MESHWORK_ARTEFACT_MISSING',
      status: 404,
    })
    t.match(await (await get(`/v1/artefacts/${ref.hash}?type=image/svg%2bxml`)).body.json(), {
      code: 'MESHWORK_ARTEFACT_TYPE',
    })
    t.match(await (await get('/v1/artefacts/..%2f..%2fetc%2fpasswd')).body.json(), { code: 'MESHWORK_REQUEST_INVALID' })
  })

  await t.test('one OpenAPI document tells of everything', async t => {
    const document = (await (await get('/openapi.json')).body.json()) as {
      paths: object
      components: { schemas: object }
    }
    t.match(Object.keys(document.paths).sort(), [
      '/healthz',
      '/metrics',
      '/readyz',
      '/stages/echo/v1/echo',
      '/stages/echo/v1/echo/plan',
      '/stages/echo/v1/stage',
    ])
    t.ok('/v1/datasets' in document.paths && '/v1/runs' in document.paths && '/v1/artefacts' in document.paths)
    t.ok('Problem' in document.components.schemas && 'Same' in document.components.schemas)
    t.equal((await get('/docs/')).statusCode, 200)
    t.same(await (await get('/docs/json')).body.json(), document, 'the page shows the same')
  })
})

t.test('models are reached under /v2, to the byte, and failures are told as their clients read them', async t => {
  const inference = await startStage(t, models, import.meta.url)
  const { url } = await gateway(t, { stages: { inference: inference.url } })
  const bytes = randomBytes(3_000_000)
  const post = async (path: string, body: Buffer | string, headers: Record<string, string> = {}) =>
    await request(`${url}${path}`, { method: 'POST', body, headers })
  const answer = await post('/v2/models/m/infer', bytes, { 'inference-header-content-length': '7' })
  t.same(Buffer.from(await answer.body.arrayBuffer()), bytes)
  t.match(answer.headers, { 'inference-header-content-length': '3', 'x-length': '7' })
  const document = (await (await request(`${url}/openapi.json`)).body.json()) as { paths: object }
  t.ok('/v2/models/{model}/infer' in document.paths)
  const large = await post('/v2/models/m/infer', '', { 'content-length': '0' })
  t.equal(large.statusCode, 200, 'nothing at all is passed on too')
  const away = await gateway(t, { stages: { inference: 'http://127.0.0.1:1' } })
  const down = await request(`${away.url}/v2/health/live`)
  t.equal(down.statusCode, 502)
  t.equal(down.headers['retry-after'], '1')
  t.match(await down.body.json(), { error: /"inference".*ECONNREFUSED/, code: 'MESHWORK_GATEWAY_UPSTREAM' })
})

t.test('a service that is down is named', async t => {
  const { url } = await gateway(t, { orchestrator: 'http://127.0.0.1:1' })
  const answer = await request(`${url}/v1/runs`)
  t.equal(answer.statusCode, 502)
  t.equal(answer.headers['retry-after'], '1')
  t.match(await answer.body.json(), {
    code: 'MESHWORK_GATEWAY_UPSTREAM',
    retryable: true,
    detail: /"orchestrator".*ECONNREFUSED/,
  })
  const ready = await request(`${url}/readyz`)
  t.equal(ready.statusCode, 503)
  t.match(await ready.body.json(), { checks: { ingest: 'ok', orchestrator: /ECONNREFUSED/ } })
})

t.test('a stage that is away is told, and does not close the door', async t => {
  const { url } = await gateway(t, { stages: { away: 'http://127.0.0.1:1' } })
  const ready = await request(`${url}/readyz`)
  t.equal(ready.statusCode, 200)
  t.match(await ready.body.json(), { status: 'ok', checks: { away: /ECONNREFUSED/, orchestrator: 'ok' } })
})

t.test('merging', async t => {
  const document = (schema: object, path = '/a') => ({
    paths: { [path]: { get: { operationId: 'x', s: { $ref: '#/components/schemas/S' } } } },
    components: { schemas: { S: schema } },
  })
  const own = { paths: {}, components: {} }
  const part = (service: string, doc: object, prefix: string) => ({
    service,
    document: doc as never,
    rename: (path: string) => `${prefix}${path}`,
  })
  await t.test('unequal components of one name are told apart, and so are operations', async t => {
    const merged = mergeOpenApi(own, [
      part('one', document({ type: 'string' }), '/1'),
      part('two', document({ type: 'number' }), '/2'),
    ])
    t.same(merged['components'], { schemas: { S: { type: 'string' }, TwoS: { type: 'number' } } })
    t.match(merged['paths'], { '/2/a': { get: { operationId: 'twoX', s: { $ref: '#/components/schemas/TwoS' } } } })
  })
  await t.test('two services with one path are an error that names both', async t => {
    t.throws(
      () => mergeOpenApi(own, [part('one', document({}), ''), part('two', document({}), '')]),
      new PathCollision('/a is a path of one and of two'),
    )
  })
})
