// Which deployment is called, how often, and which is left alone.

import { createServer } from 'node:http'
import { once } from 'node:events'
import type { DeploymentView } from '@meshwork/contracts'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { Circuit } from '../../src/stage/circuit.ts'
import { RetryBudget } from '../../src/stage/retry-budget.ts'
import { openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

t.test('a circuit', async t => {
  const fail = (circuit: Circuit, times: number, now: number) => {
    for (let i = 0; i < times; i++) circuit.begin()('bad', now)
  }

  await t.test('opens after five failures in a row, and a success in between counts them anew', async t => {
    const circuit = new Circuit()
    fail(circuit, 4, 0)
    circuit.begin()('good', 0)
    fail(circuit, 4, 0)
    t.ok(circuit.allows(0))
    fail(circuit, 1, 0)
    t.notOk(circuit.allows(999))
    t.ok(circuit.allows(1000))
  })

  await t.test('is tried with one call, and stays open twice as long each time that fails', async t => {
    const circuit = new Circuit()
    fail(circuit, 5, 0)
    const trial = circuit.begin()
    t.notOk(circuit.allows(1000), 'while it is tried')
    trial('bad', 1000)
    t.equal(circuit.openUntil, 3000)
    for (let now = 3000, i = 0; i < 10; i++) {
      circuit.begin()('bad', now)
      now = circuit.openUntil as number
    }
    const until = circuit.openUntil as number
    circuit.begin()('bad', until)
    t.equal(circuit.openUntil, until + 30_000, 'at most half a minute')
    circuit.begin()('good', until)
    t.equal(circuit.openUntil, undefined)
    fail(circuit, 4, until)
    t.ok(circuit.allows(until), 'from the beginning')
  })

  await t.test('is not moved by calls that were under way, but for one that succeeds', async t => {
    const circuit = new Circuit()
    const before = [circuit.begin(), circuit.begin()]
    fail(circuit, 5, 0)
    before[0]?.('bad', 500)
    t.equal(circuit.openUntil, 1000)
    before[1]?.('good', 500)
    t.ok(circuit.allows(500))
  })

  await t.test('it is away after five calls in a row that did not reach it, and back with any answer', async t => {
    const circuit = new Circuit()
    const away = (times: number) => {
      for (let i = 0; i < times; i++) circuit.begin()('away', 0)
    }
    fail(circuit, 5, 0)
    t.notOk(circuit.isAway, 'it answers')
    away(4)
    t.notOk(circuit.isAway)
    circuit.begin()('unknown', 0)
    away(1)
    t.ok(circuit.isAway)
    t.equal(circuit.openUntil, 1000, 'calls made while it is open do not keep it open for longer')
    fail(circuit, 1, 0)
    t.notOk(circuit.isAway)
  })

  await t.test('a trial of which nothing is known is made again', async t => {
    const circuit = new Circuit()
    fail(circuit, 5, 0)
    circuit.begin()('unknown', 1000)
    t.ok(circuit.allows(1000))
  })
})

t.test('repeated calls are a fifth of the first ones, and ten a second', async t => {
  const budget = new RetryBudget()
  const taken = (now: number) => {
    for (let count = 0; ; count++) if (budget.take(now) > 0) return count
  }
  t.equal(taken(0), 100)
  t.equal(budget.take(0), 100, 'milliseconds')
  t.equal(taken(1000), 10)
  for (let i = 0; i < 51; i++) budget.first()
  t.equal(taken(1000), 10)
  t.equal(taken(1_000_000), 100, 'at most')
})

/** In front of a stage: while it is broken its calls are answered with 500, or their connections break. */
async function breakable(t: Test, url: string, how: 500 | 'reset' = 500) {
  const state = { broken: false, calls: 0, failed: 0 }
  const server = createServer((asked, reply) => {
    const call = asked.method === 'POST'
    if (call) state.calls++
    if (call && state.broken) {
      state.failed++
      asked.resume()
      if (how === 'reset') reply.destroy()
      else reply.writeHead(how).end('broken')
      return
    }
    const headers = { ...asked.headers, host: new URL(url).host }
    void request(url + asked.url, { method: call ? 'POST' : 'GET', headers, ...(call && { body: asked }) }).then(
      ({ statusCode, headers: answered, body }) => body.pipe(reply.writeHead(statusCode, answered as never)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { state, url: `http://127.0.0.1:${(server.address() as { port: number }).port}` }
}

const workflow = `name: one
params: { id: { type: string } }
steps:
  a: { stage: echo@1, retry: { attempts: 30, backoff: 1ms }, with: { value: "\${params.id}" } }
outputs: { value: "\${steps.a.value}" }
`

t.test('of two deployments the one that fails is left alone, and called again when it is well', async t => {
  const good = await startEcho(t)
  const bad = await breakable(t, good.url)
  const mesh = await openOrchestrator(t, {
    ...(await placeOf(t, 'PGlite')),
    stages: [good.url, bad.url].map(url => ({ stage: 'echo', url })),
  })
  await mesh.post('/v1/workflows', workflow)
  const run = async (id: string) =>
    await mesh.post('/v1/runs', { workflow: 'one', params: { id } }, { prefer: 'wait=30' })
  const many = async (name: string, count: number) =>
    await Promise.all(Array.from({ length: count }, async (_, i) => await run(`${name}${i}`)))
  bad.state.broken = true
  for (const { status } of await many('x', 40)) t.equal(status, 'succeeded')
  const { items } = await mesh.get<{ items: DeploymentView[] }>('/v1/stages')
  t.equal(items.find(({ url }) => url === bad.url)?.status, 'ejected')
  const { failed } = bad.state
  await many('y', 40)
  t.ok(bad.state.failed - failed <= 3, `${bad.state.failed - failed} of 40 were tried where it fails`)
  bad.state.broken = false
  const before = bad.state.calls
  for (let i = 0; bad.state.calls < before + 10; i++) await many(`z${i}-`, 10)
  const after = await mesh.get<{ items: DeploymentView[] }>('/v1/stages')
  t.equal(after.items.find(({ url }) => url === bad.url)?.status, 'ready')
})

t.test(
  'where there is no other and it cannot be reached, steps wait for it, and their attempts are not spent',
  async t => {
    const good = await startEcho(t)
    const bad = await breakable(t, good.url, 'reset')
    const place = await placeOf(t, 'PGlite')
    const mesh = await openOrchestrator(t, { ...place, stages: [{ stage: 'echo', url: bad.url }] })
    await mesh.post('/v1/workflows', workflow)
    bad.state.broken = true
    const start = async (id: string) => await mesh.post('/v1/runs', { workflow: 'one', params: { id } })
    const runs = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(start))
    while (bad.state.failed < 5) await new Promise(resolve => setTimeout(resolve, 20))
    const cancelled = await start('cancelled')
    await mesh.post(`/v1/runs/${cancelled.id}/cancel`)
    await mesh.until(cancelled.id, 'cancelled')
    bad.state.broken = false
    for (const { id } of runs) {
      await mesh.until(id, 'succeeded')
      t.ok(((await mesh.steps(id)).get('a')?.attempts ?? 0) <= 3)
    }
  },
)

t.test(
  'where there is no other and it answers, it is called, so that what it cannot do hinders nobody else',
  async t => {
    const good = await startEcho(t)
    const bad = await breakable(t, good.url)
    const mesh = await openOrchestrator(t, {
      ...(await placeOf(t, 'PGlite')),
      stages: [{ stage: 'echo', url: bad.url }],
    })
    await mesh.post('/v1/workflows', workflow.replace('attempts: 30', 'attempts: 6'))
    bad.state.broken = true
    const { id } = await mesh.post('/v1/runs', { workflow: 'one', params: { id: 'poison' } })
    await mesh.until(id, 'failed')
    t.equal((await mesh.get<{ items: DeploymentView[] }>('/v1/stages')).items[0]?.status, 'ejected')
    bad.state.broken = false
    const { calls } = bad.state
    const other = await mesh.post('/v1/runs', { workflow: 'one', params: { id: 'other' } }, { prefer: 'wait=30' })
    t.equal(other.status, 'succeeded')
    t.equal(bad.state.calls, calls + 1, 'at once, with one call')
  },
)
