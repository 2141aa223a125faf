// The items of one list called by several orchestrators on one PostgreSQL. What comes of their death is in crash.test.ts.

import { setTimeout as pause } from 'node:timers/promises'
import type { RunView, StepItemView } from '@meshwork/contracts'
import t, { type Test } from 'tap'
import { type Asking, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startSlow } from '../fixture/slow-stage.ts'

const list = `name: list
params: { n: { type: array } }
steps:
  each:
    forEach: "\${params.n}"
    concurrency: 256
    stage: slow@1
    with: { value: "\${index}" }
outputs: { values: "\${steps.each.items}" }
`

async function begin({ post }: Asking, count: number): Promise<RunView> {
  const registered = await post('/v1/workflows', list)
  if (registered.statusCode !== 201) throw new Error(JSON.stringify(registered))
  return await post('/v1/runs', { workflow: 'list', params: { n: Array.from({ length: count }, (_, i) => i) } })
}

const shared = async ({ app }: Asking): Promise<Record<string, number>> => {
  const text = (await app.inject('/metrics')).body
  const found = text.matchAll(/^meshwork_item_calls_shared_total\{result="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...found].map(([, result, count]) => [result as string, Number(count)]))
}

async function open(t: Test, n: number) {
  const slow = await startSlow(t, 150)
  const place = await placeOf(t, 'PostgreSQL')
  const options = { ...place, callsMax: 4, stages: [{ stage: 'slow', url: slow.url }] }
  const orchestrators: Asking[] = []
  for (let i = 0; i < n; i++) orchestrators.push(await openOrchestrator(t, options))
  return { ...slow, orchestrators: orchestrators as [Asking, ...Asking[]] }
}

t.test('items that wait for a place are called by orchestrators that have one', { timeout: 60_000 }, async t => {
  const { orchestrators, counts, keys } = await open(t, 3)
  const [first, ...others] = orchestrators
  const { id } = await begin(first, 120)
  const run = await first.until(id, 'succeeded')
  t.same(
    run.outputs?.['values'],
    Array.from({ length: 120 }, (_, value) => ({ value })),
    'in the order of the list',
  )
  t.equal(counts.calls, 120)
  t.equal(keys.size, 120, 'each once')
  t.ok(counts.most > 4 && counts.most <= 12, `at most four each: ${counts.most}`)
  const told = await shared(first)
  t.ok((told['answered'] ?? 0) >= 40, JSON.stringify(told))
  t.equal(told['lost'], 0)
  for (const other of others) t.same(await shared(other), { answered: 0, taken_back: 0, lost: 0 })
  const rows = await first.orchestrator.database.query('SELECT FROM shared_call')
  t.equal(rows.length, 0, 'nothing is left behind')
})

t.test('one orchestrator alone shares nothing', { timeout: 60_000 }, async t => {
  const { orchestrators, counts } = await open(t, 1)
  const [first] = orchestrators
  const { id } = await begin(first, 24)
  await first.until(id, 'succeeded')
  t.equal(counts.most, 4)
  t.same(await shared(first), { answered: 0, taken_back: 0, lost: 0 })
})

t.test('a cancel ends the calls that others make', { timeout: 60_000 }, async t => {
  const { orchestrators, counts } = await open(t, 2)
  const [first] = orchestrators
  const { id } = await begin(first, 400)
  while (counts.most <= 4) await pause(5)
  await first.post(`/v1/runs/${id}/cancel`)
  await first.until(id, 'cancelled')
  await pause(1500) // what others make is ended when they next say that they work on it
  const { calls } = counts
  t.equal(counts.atOnce, 0)
  await pause(500)
  t.equal(counts.calls, calls, 'nothing starts afterwards')
  t.equal((await first.orchestrator.database.query('SELECT FROM shared_call')).length, 0)
})

t.test('an orchestrator that ends gives up what it had taken', { timeout: 60_000 }, async t => {
  const { orchestrators, counts } = await open(t, 2)
  const [first, second] = orchestrators
  const { id } = await begin(first, 160)
  while (counts.most <= 4) await pause(5)
  await second?.end()
  const run = await first.until(id, 'succeeded')
  t.equal(Object.values(run.outputs?.['values'] ?? []).length, 160)
  const told = await shared(first)
  t.ok((told['lost'] ?? 0) > 0, JSON.stringify(told))
  const { items } = await first.get<{ items: StepItemView[] }>(`/v1/runs/${id}/steps/each/items?limit=500`)
  t.ok(
    items.some(({ attempts }) => attempts === 2),
    'it is called again, as another attempt',
  )
  t.notOk(
    (await first.events(id)).some(({ type }) => type === 'step.retrying'),
    'which is no failure of the stage',
  )
})

t.test(
  'what one has taken who says nothing for ten seconds is called again, and counts once',
  { timeout: 60_000 },
  async t => {
    const { orchestrators, counts, keys } = await open(t, 2)
    const [first] = orchestrators
    const { id } = await begin(first, 200)
    while (counts.most <= 4) await pause(5)
    // As if its taker had last said something before that; which it may do again between.
    while ((await shared(first))['lost'] === 0)
      await first.orchestrator.database.query(
        "UPDATE shared_call SET touched_at = clock_timestamp() - interval '11 s' WHERE taker IS NOT NULL AND answer IS NULL",
      )
    const run = await first.until(id, 'succeeded')
    t.equal(Object.values(run.outputs?.['values'] ?? []).length, 200)
    t.equal(keys.size, 200, 'under the key of the item')
    t.equal((await first.events(id)).filter(({ type }) => type === 'step.succeeded').length, 201)
  },
)
