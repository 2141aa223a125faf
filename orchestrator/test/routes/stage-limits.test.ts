// Stages that may be called only so often, or have so many calls in flight, on both homes; on PostgreSQL by two orchestrators.

import type { RunExplanation, StageLimitView } from '@meshwork/contracts'
import t from 'tap'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startSlow } from '../fixture/slow-stage.ts'
import { startEcho } from '../fixture/stages.ts'

const flow = `name: calls
params: { id: { type: string }, n: { type: array } }
steps:
  each: { forEach: "\${params.n}", concurrency: 50, stage: echo@1, with: { value: "\${params.id}-\${index}" } }
`
const slowly = `name: slowly
params: { n: { type: array } }
steps:
  each: { forEach: "\${params.n}", concurrency: 50, stage: slow@1, with: { value: "\${index}" } }
`
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const waiting = { prefer: 'wait=30' }
/** What a process and a network may add to the time of a call. */
const jitterMs = 60

for (const home of homes)
  t.test(home, { timeout: 60_000 }, async t => {
    const echo = await startEcho(t)
    const place = await placeOf(t, home)
    const slow = await startSlow(t, 60)
    const stages = [
      { stage: 'echo', url: echo.url },
      { stage: 'slow', url: slow.url },
    ]
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
    for (const text of [flow, slowly]) t.match(await mesh.post('/v1/workflows', text), { statusCode: 201 })
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
      [{ count: 1 }, /"per" is missing/],
      [{ per: '1s' }, /"count" is missing/],
      [{ concurrency: 3, per: '1s' }, /"count" is missing/],
      [{ concurrency: 0 }, /concurrency/],
      [{ concurrency: 10_001 }, /concurrency/],
      [{ concurrency: 1.5 }, /concurrency/],
      [{}, /limits nothing: name "concurrency", or "count" and "per"/],
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

    const slowRun = async (count: number, by = mesh) =>
      await by.post('/v1/runs', { workflow: 'slowly', params: { n: numbers(count) } }, waiting)
    const limitSlow = async (payload: object) => {
      t.match(await put('slow', payload), { statusCode: 200, ...payload })
      await new Promise(resolve => setTimeout(resolve, 1100)) // until the other has looked
      Object.assign(slow.counts, { calls: 0, most: 0 })
    }

    await t.test(
      'no more calls are in flight than there may be, over all orchestrators, and all that may be are',
      async t => {
        await limitSlow({ concurrency: 3 })
        const began = performance.now()
        const runs = await Promise.all([slowRun(30), slowRun(30, other)])
        const took = performance.now() - began
        for (const { status } of runs) t.equal(status, 'succeeded')
        t.equal(slow.counts.calls, 60)
        t.equal(slow.counts.most, 3)
        t.comment(`60 calls of 60 ms took ${Math.round(took)} ms`)
        const view = async () => await mesh.get<StageLimitView>('/v1/stages/slow/limit')
        while ((await view()).inFlight !== 0) await new Promise(resolve => setTimeout(resolve, 10))
        t.same(await mesh.orchestrator.database.query('SELECT FROM stage_place'), [], 'nothing is left behind')
      },
    )

    await t.test('a call that waits for a place is explained; one limit is left, the other not', async t => {
      await limitSlow({ concurrency: 1, count: 1000, per: '1s' })
      const { id } = await mesh.post('/v1/runs', { workflow: 'slowly', params: { n: numbers(40) } })
      let step: RunExplanation['steps'][number] | undefined
      while (step?.reason !== 'limited')
        [step] = (await mesh.get<RunExplanation>(`/v1/runs/${id}/explain`)).steps as [RunExplanation['steps'][number]]
      t.match(step.detail, /Stage "slow" may have 1 calls in flight over all orchestrators .* calls wait for a place/)
      while ((await mesh.get<StageLimitView>('/v1/stages/slow/limit')).inFlight !== 1)
        await new Promise(resolve => setTimeout(resolve, 5))
      t.match((await mesh.app.inject('/metrics')).body, /meshwork_stage_limited_calls\{stage="slow"\} \d\d/)
      while (slow.counts.calls < 3) await new Promise(resolve => setTimeout(resolve, 5))
      await mesh.post(`/v1/runs/${id}/cancel`, {}, waiting)
      await mesh.until(id, 'cancelled')
      t.equal(slow.counts.most, 1)
      t.match(await put('slow', { count: 1000, per: '1s' }), { concurrency: null, inFlight: null })
      t.match(await slowRun(12), { status: 'succeeded' })
      t.ok(slow.counts.most > 1, `${slow.counts.most} at one time`)
    })

    await t.test(
      'what was in flight when the limit came is counted; raised or taken away, it lets those go that wait',
      async t => {
        await mesh.app.inject({ method: 'DELETE', url: '/v1/stages/slow/limit' })
        const first = slowRun(200)
        while (slow.counts.atOnce < 8) await new Promise(resolve => setTimeout(resolve, 5))
        await put('slow', { concurrency: 2 })
        while (slow.counts.atOnce > 2) await new Promise(resolve => setTimeout(resolve, 1))
        await new Promise(resolve => setTimeout(resolve, 1100)) // until the other has looked
        slow.counts.most = 0
        await new Promise(resolve => setTimeout(resolve, 500))
        t.ok(slow.counts.most <= 2, `${slow.counts.most} at one time`)
        await put('slow', { concurrency: 20 })
        await mesh.app.inject({ method: 'DELETE', url: '/v1/stages/slow/limit' })
        t.match(await first, { status: 'succeeded' })
        t.same(await mesh.orchestrator.database.query('SELECT FROM stage_place'), [])
      },
    )
  })
