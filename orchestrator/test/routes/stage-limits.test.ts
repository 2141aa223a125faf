// Stages that may be called only so often, on both homes; on PostgreSQL by two orchestrators.

import type { RunExplanation, StageLimitView } from '@meshwork/contracts'
import t from 'tap'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

const flow = `name: calls
params: { id: { type: string }, n: { type: array } }
steps:
  each: { forEach: "\${params.n}", concurrency: 50, stage: echo@1, with: { value: "\${params.id}-\${index}" } }
`
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const waiting = { prefer: 'wait=30' }
/** What a process and a network may add to the time of a call. */
const jitterMs = 60

for (const home of homes)
  t.test(home, { timeout: 60_000 }, async t => {
    const echo = await startEcho(t)
    const place = await placeOf(t, home)
    const stages = [{ stage: 'echo', url: echo.url }]
    const mesh = await openOrchestrator(t, { ...place, stages })
    const other = home === 'PostgreSQL' ? await openOrchestrator(t, { ...place, stages }) : mesh
    const put = async (stage: string, payload: object) => {
      const answer = await mesh.app.inject({ method: 'PUT', url: `/v1/stages/${stage}/limit`, payload })
      return { statusCode: answer.statusCode, ...answer.json<StageLimitView & { code?: string; detail?: string }>() }
    }
    const seen = async (by: typeof mesh) => {
      while ((await by.get<{ items: StageLimitView[] }>('/v1/stages/limits')).items.length === 0)
        await new Promise(resolve => setTimeout(resolve, 20))
    }
    t.match(await mesh.post('/v1/workflows', flow), { statusCode: 201 })
    const run = async (id: string, count: number, by = mesh) =>
      await by.post('/v1/runs', { workflow: 'calls', params: { id, n: numbers(count) } }, waiting)

    await t.test('a limit is set, seen and taken away', async t => {
      t.match(await put('echo', { count: 10, per: '90s' }), { statusCode: 200, stage: 'echo', count: 10, per: '90s' })
      t.match(await put('echo', { count: 5, per: '1h' }), { count: 5, per: '1h', waiting: 0 })
      t.match(await mesh.get('/v1/stages/echo/limit'), { count: 5, per: '1h' })
      t.match(await mesh.get('/v1/stages/limits'), { items: [{ stage: 'echo' }] })
      const removed = await mesh.app.inject({ method: 'DELETE', url: '/v1/stages/echo/limit' })
      t.same(removed.json(), { items: [] })
      t.match((await mesh.app.inject('/v1/stages/echo/limit')).json(), {
        code: 'MESHWORK_STAGE_LIMIT_UNKNOWN',
        status: 404,
        detail: /PUT \/v1\/stages\/echo\/limit/,
      })
      t.equal((await mesh.app.inject({ method: 'DELETE', url: '/v1/stages/echo/limit' })).statusCode, 404)
    })

    for (const [payload, detail] of [
      [{ count: 0, per: '1s' }, /count/],
      [{ count: 1001, per: '1s' }, /count/],
      [{ count: 1 }, /per/],
      [{ count: 1, per: '2 days' }, /per/],
      [{ count: 1, per: '25h' }, /25h.*a day/],
      [{ count: 1, per: '0s' }, /0s/],
      [{ count: 1, per: '1s', burst: 3 }, /burst/],
    ] as const)
      t.match(await put('echo', payload), { statusCode: 400, detail }, JSON.stringify(payload))

    await t.test('calls begin no faster, over all orchestrators, and lose no time', async t => {
      await put('echo', { count: 5, per: '500ms' })
      await Promise.all([seen(mesh), seen(other)])
      await new Promise(resolve => setTimeout(resolve, 1100)) // until the other has looked
      echo.times.length = 0
      const began = performance.now()
      const runs = await Promise.all([run('a', 12), run('b', 12, other)])
      for (const { status } of runs) t.equal(status, 'succeeded')
      const { times } = echo
      t.equal(times.length, 24)
      // A busy machine delivers calls late, never early; so each is held against the first moment at which it may come.
      for (const [i, at] of times.entries()) {
        const earliest = Math.floor(i / 5) * 500
        t.ok(at - began >= earliest - jitterMs, `call ${i}: ${Math.round(at - began)} ms`)
      }
      const took = (times.at(-1) as number) - began
      t.ok(took >= 2000 - jitterMs && took < 10_000, `24 calls took ${Math.round(took)} ms`)
    })

    await t.test('a call that waits is explained, and ends at once with its run', async t => {
      await put('echo', { count: 1, per: '1h' })
      const { id } = await mesh.post('/v1/runs', { workflow: 'calls', params: { id: 'c', n: numbers(3) } })
      let step: RunExplanation['steps'][number] | undefined
      while (step?.reason !== 'limited')
        [step] = (await mesh.get<RunExplanation>(`/v1/runs/${id}/explain`)).steps as [RunExplanation['steps'][number]]
      t.match(step.detail, /Stage "echo" may be called 1 times in 1h .* calls wait for their turn/)
      t.match(await mesh.post(`/v1/runs/${id}/cancel`, {}, waiting), { statusCode: 202 })
      await mesh.until(id, 'cancelled')
    })

    await t.test('a limit that is raised or taken away lets those go that wait', async t => {
      await put('echo', { count: 1, per: '1h' })
      const begun = mesh.post('/v1/runs', { workflow: 'calls', params: { id: 'd', n: numbers(4) } }, waiting)
      await new Promise(resolve => setTimeout(resolve, 300))
      await mesh.app.inject({ method: 'DELETE', url: '/v1/stages/echo/limit' })
      t.match(await begun, { status: 'succeeded' })
      t.match(await run('e', 40), { status: 'succeeded' })
    })
  })
