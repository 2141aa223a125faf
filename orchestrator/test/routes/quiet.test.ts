// Steps that wait without anything to see are told of in the events, and explained alike by every orchestrator.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { RunEvent, RunExplanation } from '@meshwork/contracts'
import t, { type Test } from 'tap'
import { type Asking, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

const one = 'name: one\nsteps:\n  a: { stage: echo@1, with: { value: "a" } }\n'
const held = 'name: held\nsteps:\n  a: { stage: echo@1, with: { value: "held", act: hold } }\n'
const many = `name: many
params: { n: { type: array } }
steps:
  each: { forEach: "\${params.n}", stage: echo@1, with: { value: "item\${index}" }, retry: { attempts: 10, backoff: 100ms } }
`

/** A way to an address that can be closed. */
async function wayTo(t: Test, url: string) {
  const sockets = new Set<Socket>()
  const state = { closed: false }
  const server = createServer(socket => {
    if (state.closed) return socket.destroy()
    const there = connect(Number(new URL(url).port), '127.0.0.1')
    for (const [from, to] of [
      [socket, there],
      [there, socket],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
      from.pipe(to)
    }
    return undefined
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    state.closed = true
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(() => {
    close()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close,
    open: () => {
      state.closed = false
    },
  }
}

async function told(by: Asking, id: string, type: RunEvent['type']): Promise<RunEvent> {
  for (;;) {
    const event = (await by.events(id)).find(one => one.type === type)
    if (event) return event
    await pause(50)
  }
}

t.test('calls that wait', { timeout: 120_000 }, async t => {
  const echo = await startEcho(t)
  const way = await wayTo(t, echo.url)
  const options = { ...(await placeOf(t, 'PostgreSQL')), stages: [{ stage: 'echo', url: way.url }] }
  const [mesh, other] = [await openOrchestrator(t, options), await openOrchestrator(t, options)]
  for (const text of [one, held, many]) t.match(await mesh.post('/v1/workflows', text), { statusCode: 201 })
  const stepOf = async (by: Asking, id: string) => (await by.get<RunExplanation>(`/v1/runs/${id}/explain`)).steps[0]

  await t.test('for the limit of their stage: told with what it is, and that they were sent', async t => {
    await mesh.app.inject({ method: 'PUT', url: '/v1/stages/echo/limit', payload: { count: 1, per: '5s' } })
    await mesh.post('/v1/runs', { workflow: 'one' }, { prefer: 'wait=10' })
    const { id } = await mesh.post('/v1/runs', { workflow: 'held' })
    const { step, attempt, data } = await told(mesh, id, 'step.limited')
    t.match({ step, attempt, data }, { step: 'a', attempt: 1, data: { reason: 'stage-rate', calls: 1 } })
    for (const by of [mesh, other])
      t.match(await stepOf(by, id), { reason: 'limited', detail: data['detail'] as string }, 'explained alike')
    await told(mesh, id, 'step.called')
    echo.release()
    await mesh.until(id, 'succeeded')
    const types = (await mesh.events(id)).map(({ type }) => type)
    t.same(
      types.filter(type => type.startsWith('step.')),
      ['step.started', 'step.limited', 'step.called', 'step.succeeded'],
    )
    await mesh.app.inject({ method: 'DELETE', url: '/v1/stages/echo/limit' })
  })

  await t.test('for a deployment that is away: told as stuck, and the run goes on when it is back', async t => {
    way.close()
    const { id } = await mesh.post('/v1/runs', { workflow: 'many', params: { n: [1, 2, 3, 4, 5, 6] } })
    const { step, data } = await told(mesh, id, 'step.stuck')
    t.match({ step, data }, { step: 'each', data: { reason: 'no-deployment', detail: new RegExp(way.url) } })
    t.match(await stepOf(other, id), { reason: 'no-deployment', detail: data['detail'] as string })
    way.open()
    await mesh.until(id, 'succeeded')
    t.equal((await told(mesh, id, 'step.called')).step, 'each')
  })
})
