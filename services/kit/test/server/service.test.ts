// What every service has: its document, and its life as a process.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { request } from 'undici'
import Type from 'typebox'
import { hoist } from '../../src/server/openapi.ts'
import { createService } from '../../src/server/service.ts'
import { logCapture } from '../../src/testing/index.ts'

t.test('a schema with a title is one component; two that differ cannot share one', async t => {
  const schema = (type: string) => ({ 'application/json': { schema: { title: 'Thing', type } } })
  const document = (first: string, second: string) => ({
    openapi: '3.1.1',
    paths: {
      '/a': { get: { responses: { 200: { content: schema(first) } } } },
      '/b': { get: { responses: { 200: { content: schema(second) } } } },
    },
  })
  const { components, paths } = hoist(document('object', 'object'))
  t.same(components, { schemas: { Thing: { title: 'Thing', type: 'object' } } })
  t.match(JSON.stringify(paths), /"\$ref":"#\/components\/schemas\/Thing"/)
  t.throws(() => hoist(document('object', 'array')), { message: /two different schemas have the title Thing/ })
})

t.test('a service', async t => {
  const { log, lines } = logCapture('thing')
  const api = { title: 'Thing', version: '1.0.0', description: 'A thing.' }
  const { app, readiness } = await createService({ name: 'thing', version: '1.0.0', log, api })
  t.teardown(() => app.close())
  const querystring = Type.Object(
    { limit: Type.Integer({ minimum: 1, maximum: 10, default: 5 }) },
    { additionalProperties: false },
  )
  app.get(
    '/limit',
    { schema: { querystring, response: { 200: Type.Object({ limit: Type.Integer() }) } } },
    async request => ({ limit: request.query.limit }),
  )
  app.get(
    '/broken',
    { schema: { response: { 200: Type.Object({ limit: Type.Integer() }) } } },
    async () => ({ limit: 'many' }) as never,
  )

  await t.test('values of a query are converted and filled in, and what does not fit is refused', async t => {
    t.same((await app.inject('/limit?limit=7')).json(), { limit: 7 })
    t.same((await app.inject('/limit')).json(), { limit: 5 })
    t.match((await app.inject('/limit?limit=70')).json(), {
      code: 'MESHWORK_REQUEST_INVALID',
      errors: [{ pointer: '/limit' }],
    })
    t.match((await app.inject('/limit?limti=7')).json(), {
      code: 'MESHWORK_REQUEST_INVALID',
      errors: [{ pointer: '/limti' }],
    })
  })

  await t.test('an answer that breaks its contract is hidden from the caller and logged with its place', async t => {
    const answer = await app.inject('/broken')
    t.equal(answer.statusCode, 500)
    t.match(answer.json(), { code: 'MESHWORK_INTERNAL' })
    t.notMatch(answer.body, /many/)
    t.match(JSON.stringify(lines), /\/broken 200: \/limit/)
  })

  await t.test('what Fastify and Node refuse before any route is a problem too', async t => {
    const url = await app.inject('/%zz')
    t.equal(url.statusCode, 400)
    t.match(url.headers['content-type'], /^application\/problem\+json/)
    t.match(url.json(), { code: 'MESHWORK_REQUEST_INVALID', retryable: false })
    await app.listen({ host: '127.0.0.1', port: 0 })
    for (const [text, told] of [
      ['NOT HTTP\r\n\r\n', /not HTTP/],
      [`GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, /headers are too large/],
    ] as const) {
      const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
      t.teardown(() => socket.destroy())
      socket.write(text)
      let answer = ''
      for await (const chunk of socket) answer += String(chunk)
      const [head, body] = answer.split('\r\n\r\n')
      t.match(head, /^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json/)
      t.match(JSON.parse(body ?? ''), { code: 'MESHWORK_REQUEST_INVALID', detail: told })
    }
  })

  await t.test('a request that does not arrive in time is told so', async t => {
    const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }) // what Node says of it
    app.server.once('connection', socket => app.server.emit('clientError', late, socket))
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    t.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/)
    t.match(answer, /"code":"MESHWORK_REQUEST_TIMEOUT","retryable":true/)
  })

  await t.test('only a sane request id is taken over', async t => {
    const id = async (given: string) =>
      (await app.inject({ url: '/healthz', headers: { 'x-request-id': given } })).headers['x-request-id']
    t.equal(await id('abc-1'), 'abc-1')
    t.not(await id('a b"c'), 'a b"c')
    t.match(await id('x'.repeat(65)), /^[0-9a-f-]{36}$/)
  })

  await t.test('it is ready when it says so and every check holds', async t => {
    const status = async () => (await app.inject('/readyz')).statusCode
    t.equal(await status(), 503, 'starting')
    readiness.phase = 'ready'
    t.equal(await status(), 200)
    let wrong: string | undefined = 'no connection'
    readiness.add('database', async () => wrong)
    t.equal(await status(), 503)
    t.match((await app.inject('/readyz')).json(), { status: 'failing', checks: { database: 'no connection' } })
    wrong = undefined
    t.equal(await status(), 200)
  })
})

t.test('a connection that never asked for anything does not hold up the end', { timeout: 8000 }, async t => {
  const api = { title: 'Thing', version: '1.0.0', description: 'A thing.' }
  const { app } = await createService({ name: 'thing', version: '1.0.0', log: logCapture().log, api })
  t.teardown(() => app.server.closeAllConnections())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const accepted = once(app.server, 'connection')
  const client = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => client.destroy())
  await accepted
  const ended = once(client, 'close')
  client.resume()
  await app.close()
  await ended
  t.pass()
})

t.test('a stage as a process', async t => {
  const start = (t: Test, environment: Record<string, string> = {}) => {
    const child = fork(fileURLToPath(new URL('../fixture/probe-main.ts', import.meta.url)), {
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env['PATH'], MESHWORK_STORE_URL: pathToFileURL(t.testdir()).href, ...environment },
    })
    t.teardown(() => child.kill('SIGKILL'))
    return child
  }
  const listening = async (child: ChildProcess): Promise<string> => {
    const [message] = (await once(child, 'message')) as [{ type: string; url: string }]
    t.equal(message.type, 'listening')
    return message.url
  }
  const call = (url: string, body: object) =>
    request(`${url}/v1/probe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const untilBusy = async (url: string) => {
    for (;;) {
      const { body } = await request(`${url}/metrics`)
      if (/meshwork_stage_in_flight\{stage="probe"\} 1/.test(await body.text())) return
    }
  }

  await t.test('asked to stop it finishes its work, takes no more, and ends well', async t => {
    const child = start(t)
    const url = await listening(child)
    const work = call(url, { act: 'nap', value: 400 })
    await untilBusy(url)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    for (;;) {
      const { statusCode, headers, body } = await request(`${url}/readyz`)
      await body.dump()
      if (statusCode !== 503) continue
      t.equal(headers['connection'], 'close')
      break
    }
    const refused = await call(url, { act: 'echo' })
    t.match(await refused.body.json(), { code: 'MESHWORK_NOT_READY', retryable: true })
    const { statusCode, body } = await work
    t.equal(statusCode, 200)
    await body.dump()
    t.same(await exit, [0, null])
  })

  await t.test('work that takes longer than the drain is stopped and may be tried elsewhere', async t => {
    const child = start(t, { MESHWORK_DRAIN_TIMEOUT_MS: '50' })
    const url = await listening(child)
    const work = call(url, { act: 'wait' })
    await untilBusy(url)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    t.match(await (await work).body.json(), { code: 'MESHWORK_NOT_READY', retryable: true })
    t.same(await exit, [0, null])
  })

  await t.test('asked twice it ends at once', async t => {
    const child = start(t)
    const url = await listening(child)
    call(url, { act: 'wait' }).catch(() => {})
    await untilBusy(url)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    for (;;) {
      const { statusCode, body } = await request(`${url}/readyz`)
      await body.dump()
      if (statusCode === 503) break
    }
    child.kill('SIGINT')
    t.same(await exit, [1, null])
  })

  await t.test('it ends with its parent', async t => {
    const child = start(t)
    await listening(child)
    const exit = once(child, 'exit')
    child.disconnect()
    t.same(await exit, [0, null])
  })

  await t.test('a wrong configuration is told, and it does not start', async t => {
    const child = start(t, { MESHWORK_PROT: '1' })
    let told = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      told += chunk.toString()
    })
    t.same(await once(child, 'close'), [1, null])
    t.match(told, /MESHWORK_PROT is not a setting of this service; did you mean MESHWORK_PORT\?/)
  })
})
