// Webhooks, on both homes, received by a real server that checks each signature by itself.

import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DeliveryView, WebhookMessage, WebhookView } from '@meshwork/contracts'
import t, { type Test } from 'tap'
import { Webhooks } from '../../src/store/webhooks.ts'
import { attemptsMax, outcomeOf, retryAfterMs } from '../../src/webhook/message.ts'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly message: WebhookMessage
}

/** Answers each path with the statuses given for it, the last one for ever; 204 where there are none. */
async function receiver(t: Test, statuses: Record<string, number[]>) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const path = request.url ?? ''
      const text = Buffer.concat(chunks).toString()
      received.push({ path, headers: request.headers, text, message: JSON.parse(text) as WebhookMessage })
      const left = statuses[path] ?? [204]
      const status = left.length > 1 ? (left.shift() as number) : (left[0] as number)
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('thanks')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const at = (path: string) => received.filter(one => one.path === path)
  const until = async (path: string, count: number) => {
    while (at(path).length < count) await new Promise(resolve => setTimeout(resolve, 10))
    return at(path)
  }
  return { url, at, until }
}

for (const home of homes)
  t.test(home, { timeout: 120_000 }, async t => {
    const echo = await startEcho(t)
    const place = await placeOf(t, home)
    const stages = [{ stage: 'echo', url: echo.url }]
    const mesh = await openOrchestrator(t, { ...place, stages, webhooksAllowPrivate: true })
    const { app, post, get, orchestrator } = mesh
    const hooks = await receiver(t, { '/flaky': [500, 429, 204], '/gone': [410], '/moved': [302] })
    for (const name of ['one', 'other'])
      await post('/v1/workflows', `name: ${name}\nsteps:\n  a: { stage: echo@1, with: { value: ${name} } }\n`)
    await post(
      '/v1/workflows',
      'name: bad\nsteps:\n  a: { stage: echo@1, retry: { attempts: 1 }, with: { value: bad, act: fail } }\n',
    )
    const put = async (name: string, definition: object) => {
      const answer = await app.inject({ method: 'PUT', url: `/v1/webhooks/${name}`, payload: definition })
      return { ...answer.json<WebhookView & { code?: string; detail?: string }>(), statusCode: answer.statusCode }
    }
    const deliveries = async (name: string) =>
      (await get<{ items: DeliveryView[] }>(`/v1/webhooks/${name}/deliveries`)).items
    const run = async (workflow: string) => await post('/v1/runs', { workflow }, { prefer: 'wait=30' })
    /** As if the time of its next attempt had come. */
    const hurry = async () =>
      await orchestrator.database.query('UPDATE delivery SET next_at = clock_timestamp() WHERE next_at IS NOT NULL')
    const settled = async (name: string, status: DeliveryView['status']) => {
      for (;;) {
        const [delivery] = await deliveries(name)
        if (delivery?.status === status) return delivery
        await new Promise(resolve => setTimeout(resolve, 10))
      }
    }

    await t.test('the end of a run is sent, signed with a secret that is told once', async t => {
      const made = await put('ends', { url: `${hooks.url}/ends` })
      t.match(made, { statusCode: 201, events: ['run.succeeded', 'run.failed', 'run.cancelled'], disabled: null })
      t.notOk('secret' in (await get<object>('/v1/webhooks/ends')))
      const good = await run('one')
      const bad = await run('bad')
      const messages = await hooks.until('/ends', 2)
      t.same(
        messages.map(({ message: { type, data } }) => `${type} ${data.run} ${data.workflow} ${data.status}`).sort(),
        [`run.failed ${bad.id} bad failed`, `run.succeeded ${good.id} one succeeded`],
      )
      for (const { headers, text } of messages) {
        const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature } = headers
        const key = Buffer.from((made.secret ?? '').replace('whsec_', ''), 'base64')
        t.equal(
          signature,
          `v1,${createHmac('sha256', key)
            .update(`${String(id)}.${String(seconds)}.${text}`)
            .digest('base64')}`,
        )
        t.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 60)
      }
      const changed = await put('ends', { url: `${hooks.url}/ends`, events: ['step.*'] })
      t.equal(changed.statusCode, 200)
      t.notOk(changed.secret, 'a change keeps the secret, and does not tell it')
      await app.inject({ method: 'DELETE', url: '/v1/webhooks/ends' })
    })

    await t.test('only what was asked for is sent', async t => {
      await put('steps', { url: `${hooks.url}/steps`, events: ['step.*'], workflows: ['other'] })
      await run('one')
      await run('other')
      const messages = await hooks.until('/steps', 2)
      t.same(messages.map(({ message }) => `${message.type} ${message.data.workflow}`).sort(), [
        'step.started other',
        'step.succeeded other',
      ])
      await app.inject({ method: 'DELETE', url: '/v1/webhooks/steps' })
    })

    await t.test('what is not taken is sent again, under the same id', async t => {
      await put('flaky', { url: `${hooks.url}/flaky`, events: ['run.succeeded'] })
      await run('one')
      for (const count of [1, 2]) {
        await hooks.until('/flaky', count)
        while ((await deliveries('flaky'))[0]?.answer !== ['', '500', '429'][count])
          await new Promise(resolve => setTimeout(resolve, 10))
        t.match((await deliveries('flaky'))[0], { status: 'waiting', attempts: count, nextAt: String })
        await hurry()
      }
      t.match(await settled('flaky', 'delivered'), { attempts: 3, answer: '204', nextAt: null })
      t.equal(new Set((await hooks.until('/flaky', 3)).map(({ headers }) => headers['webhook-id'])).size, 1)
      await app.inject({ method: 'DELETE', url: '/v1/webhooks/flaky' })
    })

    await t.test('a redirect is not followed; 410 ends a webhook, and putting it again begins it', async t => {
      await put('moved', { url: `${hooks.url}/moved`, events: ['run.succeeded'] })
      await put('gone', { url: `${hooks.url}/gone`, events: ['run.succeeded'] })
      await put('nobody', { url: 'http://127.0.0.1:1/x', events: ['run.succeeded'] })
      await run('one')
      await hooks.until('/moved', 1)
      while ((await get<WebhookView>('/v1/webhooks/gone')).disabled === null)
        await new Promise(resolve => setTimeout(resolve, 10))
      while ((await deliveries('nobody'))[0]?.answer === null) await new Promise(resolve => setTimeout(resolve, 10))
      t.match((await deliveries('nobody'))[0], { answer: /ECONNREFUSED/ })
      t.same(hooks.at('/elsewhere'), [])
      await run('one')
      t.equal((await deliveries('gone')).length, 1, 'nothing more is written for it')
      t.match(await put('gone', { url: `${hooks.url}/back` }), { statusCode: 200, disabled: null })
      await run('one')
      await hooks.until('/back', 1)
      await settled('gone', 'delivered')
    })

    await t.test('one for which too much waits is given up, with the reason', async t => {
      await new Webhooks(orchestrator.database).sweep(0)
      t.match(await get('/v1/webhooks/nobody'), { disabled: /More than 0 messages/ })
      t.match(await get('/v1/webhooks/gone'), { disabled: null })
    })

    for (const [title, url, detail] of [
      ['another scheme', 'ftp://example.org/x', /only http and https/],
      ['no URL', 'example.org', /not a URL/],
      ['a password', 'https://a:b@example.org/', /password/],
    ] as const)
      await t.test(`${title} is refused`, async t => {
        t.match(await put('wrong', { url }), { statusCode: 422, code: 'MESHWORK_WEBHOOK_INVALID', detail })
      })

    await t.test('one that is not there', async t => {
      for (const url of ['/v1/webhooks/none', '/v1/webhooks/none/deliveries'])
        t.match(await get(url), { status: 404, code: 'MESHWORK_WEBHOOK_UNKNOWN' })
    })
  })

t.test('private addresses are refused unless they are allowed', async t => {
  const { app } = await openOrchestrator(t, await placeOf(t, 'PGlite'))
  for (const url of ['http://127.0.0.1/x', 'http://localhost:80/', 'http://[::1]/', 'http://169.254.169.254/latest'])
    t.match((await app.inject({ method: 'PUT', url: '/v1/webhooks/x', payload: { url } })).json(), {
      code: 'MESHWORK_WEBHOOK_INVALID',
      detail: /not a public address.*MESHWORK_WEBHOOKS_ALLOW_PRIVATE/,
    })
})

t.test('what becomes of an attempt', async t => {
  const of = (status: number | undefined, attempts: number, after?: number) => outcomeOf(status, attempts, after, 1)
  t.same(of(204, 1), { kind: 'delivered' })
  t.same(of(410, 1), { kind: 'gone' })
  t.same(of(undefined, 1), { kind: 'again', delayMs: 5000 })
  t.same(of(500, 3), { kind: 'again', delayMs: 20_000 })
  t.same(of(500, 15), { kind: 'again', delayMs: 3_600_000 })
  t.same(of(429, 1, 60_000), { kind: 'again', delayMs: 60_000 })
  t.same(of(429, 1, 1e12), { kind: 'again', delayMs: 3_600_000 }, 'not for ever')
  t.same(of(500, attemptsMax), { kind: 'given-up' })
  t.equal(retryAfterMs('120', 0), 120_000)
  t.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:10 GMT', 4000), 6000)
  t.equal(retryAfterMs('soon', 0), undefined)
})
