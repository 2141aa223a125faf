// Workflows that say how many of their runs there may be, on both homes.

import type { RunExplanation, RunView } from '@meshwork/contracts'
import t from 'tap'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'

const holding = (name: string, limits: string) => `name: ${name}
limits: ${limits}
steps: { held: { wait: { signal: {} } } }
`
const short = (name: string, limits: string) => `name: ${name}
limits: ${limits}
steps: { held: { wait: { for: 1ms } } }
`

for (const home of homes)
  t.test(home, { timeout: 60_000 }, async t => {
    const place = await placeOf(t, home)
    const mesh = await openOrchestrator(t, place)
    // The second sees the same database; a folder has one orchestrator.
    const other = home === 'PostgreSQL' ? await openOrchestrator(t, place) : mesh
    const { post, get, events, until } = mesh
    const begin = async (workflow: string, count: number, by = mesh) => {
      const runs: RunView[] = []
      for (let i = 0; i < count; i++) runs.push(await by.post('/v1/runs', { workflow }))
      return runs.map(({ id }) => id)
    }
    const statuses = async (ids: readonly string[]) =>
      await Promise.all(ids.map(async id => (await get<RunView>(`/v1/runs/${id}`)).status))
    const signal = async (id: string) => await post(`/v1/runs/${id}/steps/held/signal`, {})
    const waits = async (id: string) => {
      // Signals that come early count, so the step is waited for, not the run.
      while ((await mesh.steps(id)).get('held')?.status !== 'waiting')
        await new Promise(resolve => setTimeout(resolve, 5))
    }

    await t.test('two at one time; the next begins when one ends, in the order in which they came', async t => {
      t.match(await post('/v1/workflows', holding('two', '{ runs: 2 }')), { statusCode: 201 })
      const ids = [...(await begin('two', 3)), ...(await begin('two', 2, other))]
      const [a = '', b = '', c = '', d = '', e = ''] = ids
      await waits(a)
      await waits(b)
      t.same(await statuses([c, d, e]), ['queued', 'queued', 'queued'])
      t.match(await get<RunExplanation>(`/v1/runs/${c}/explain`), {
        reason: 'queued',
        detail: /workflow "two" allows 2 runs at one time \(limits\)/,
      })
      t.match(
        (await events(c)).map(({ type }) => type),
        ['run.created', 'run.limited'],
      )
      await signal(b)
      await waits(c)
      t.equal((await statuses([d]))[0], 'queued')
      await post(`/v1/runs/${a}/cancel`)
      await waits(d)
      t.equal((await statuses([e]))[0], 'queued')
      await signal(c)
      await signal(d)
      await waits(e)
      await signal(e)
      for (const id of [b, c, d, e]) await until(id, 'succeeded')
    })

    await t.test('one that waits for a place can be cancelled and paused', async t => {
      await post('/v1/workflows', holding('one', '{ runs: 1 }'))
      const [a = '', b = '', c = '', d = ''] = await begin('one', 4)
      await waits(a)
      t.match(await post(`/v1/runs/${b}/cancel`), { status: 'cancelled' })
      t.match(await post(`/v1/runs/${c}/pause`), { status: 'paused' })
      await signal(a)
      await waits(d)
      t.match(await post(`/v1/runs/${c}/resume`), { status: 'queued' })
      await new Promise(resolve => setTimeout(resolve, 700))
      t.equal((await statuses([c]))[0], 'queued', 'there is no place')
      await signal(d)
      await waits(c)
      await signal(c)
      await until(c, 'succeeded')
    })

    await t.test('one that is run again waits for a place like a new one', async t => {
      const [a = ''] = await begin('one', 1)
      await waits(a)
      await post(`/v1/runs/${a}/cancel`)
      await until(a, 'cancelled')
      const [b = ''] = await begin('one', 1)
      await waits(b)
      t.match(await post(`/v1/runs/${a}/retry`), { status: 'queued' })
      t.match((await events(a)).map(({ type }) => type).slice(-2), ['run.retried', 'run.limited'])
      await signal(b)
      await waits(a)
      await signal(a)
      await until(a, 'succeeded')
    })

    await t.test('so many starts in a time, whoever is asked', async t => {
      await post('/v1/workflows', short('rated', '{ starts: { count: 3, per: 400ms } }'))
      const ids = (await Promise.all([begin('rated', 4), begin('rated', 4, other)])).flat()
      const runs = await Promise.all(ids.map(async id => await until(id, 'succeeded')))
      const begins = runs.map(({ startedAt }) => Date.parse(startedAt ?? '')).sort((x, y) => x - y)
      // Between the admission, which is what is limited, and the claim lie some milliseconds.
      t.ok(
        (begins[7] as number) - (begins[0] as number) >= 700,
        `all began within ${Number(begins[7]) - Number(begins[0])} ms`,
      )
    })

    await t.test('many that wait begin one after the other, at once', async t => {
      await post('/v1/workflows', short('narrow', '{ runs: 1 }'))
      const from = performance.now()
      const ids = (await Promise.all([begin('narrow', 10), begin('narrow', 10, other)])).flat()
      for (const id of ids) await until(id, 'succeeded')
      t.ok(performance.now() - from < 20 * 500, 'nobody looks every half second only')
      const rows = await mesh.orchestrator.database.query<{ over: number }>(
        `SELECT count(*)::int AS over FROM run a JOIN run b ON b.workflow = a.workflow AND b.id > a.id
         AND tstzrange(a.admitted_at, a.ended_at) && tstzrange(b.admitted_at, b.ended_at) WHERE a.workflow = 'narrow'`,
      )
      t.equal(rows[0]?.over, 0, 'no two were under way at one time')
    })

    await t.test('limits that are none are refused', async t => {
      for (const [limits, detail] of [
        ['{ runs: 0 }', /\/limits\/runs must be at least 1/],
        ['{}', /\/limits/],
        ['{ starts: { count: 1, per: 48h } }', /per is 48h; it must be at most 24h/],
      ] as const)
        t.match(await post('/v1/workflows', short('none', limits)), { statusCode: 422, detail })
    })
  })
