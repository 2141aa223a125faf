// Steps that are called for each item of a list, on both homes.

import type { RunEvent, RunExplanation, StepItemView, WorkflowPlan } from '@meshwork/contracts'
import t from 'tap'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

const flow = (name: string, each: string) => `name: ${name}
params: { id: { type: string }, words: { type: array }, act: { type: string, default: progress } }
steps:
  first: { stage: echo@1, with: { value: "\${params.id}" } }
  each:
    forEach: "\${params.words}"
    stage: echo@1
    ${each}
    with: { value: "\${params.id}-\${index}-\${item}", after: "\${steps.first.value}" }
  after: { stage: echo@1, with: { value: "\${params.id}-after", after: "\${steps.each.items.map(i, i.value)}" } }
outputs: { values: "\${steps.each.items.map(i, i.value)}", third: "\${steps.each.items[2].value}" }
`
const acting = (name: string, which: string, extra = '') => `name: ${name}
params: { id: { type: string }, n: { type: array }, at: { type: integer, default: 1 }, act: { type: string, default: progress } }
steps:
  each:
    forEach: "\${params.n}"
    stage: echo@1
    retry: { attempts: 3, backoff: 1ms }
    ${extra}
    with: { value: "\${params.id}-\${index}", act: "\${${which} ? params.act : 'progress'}" }
`
const waiting = { prefer: 'wait=30' }
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

for (const home of homes)
  t.test(home, { timeout: 120_000 }, async t => {
    const echo = await startEcho(t)
    const place = await placeOf(t, home)
    const stages = [{ stage: 'echo', url: echo.url }]
    const mesh = await openOrchestrator(t, { ...place, stages })
    const { post, get, steps, events, until } = mesh
    for (const source of [
      flow('words', 'concurrency: 2'),
      acting('one-acts', 'index == params.at', 'concurrency: 4'),
      acting('tolerant', 'index == params.at', 'onError: continue'),
      acting('all-act', 'true', 'concurrency: 3'),
    ])
      t.match(await post('/v1/workflows', source), { statusCode: 201 })
    const start = async (workflow: string, params: object, headers = waiting) =>
      await post('/v1/runs', { workflow, params }, headers)
    const items = async (id: string, query = '') =>
      await get<{ items: StepItemView[]; next: number | null }>(`/v1/runs/${id}/steps/each/items${query}`)
    const called = (prefix: string) => [...echo.calls].filter(([value]) => value.startsWith(prefix)).length

    await t.test('the stage is called for each item, and the outputs stand in the order of the list', async t => {
      const run = await start('words', { id: 'w', words: ['x', 'y', 'z'] })
      t.match(run, { status: 'succeeded', outputs: { values: ['w-0-x', 'w-1-y', 'w-2-z'], third: 'w-2-z' } })
      const each = (await steps(run.id)).get('each')
      t.match(each, {
        status: 'succeeded',
        version: '1.0.0',
        attempts: 1,
        rows: 3,
        items: { total: 3, done: 3, running: 0, retrying: 0, failed: 0 },
      })
      const page = await items(run.id, '?limit=2')
      t.match(page, { next: 1, items: [{ index: 0, status: 'succeeded', output: { value: 'w-0-x' } }, { index: 1 }] })
      t.match(await items(run.id, `?limit=2&after=${page.next}`), { next: null, items: [{ index: 2 }] })
      const told = (await events(run.id)).filter(({ step }) => step === 'each')
      t.match(told[0], { type: 'step.started', data: { items: 3 } })
      t.same(
        told
          .filter(({ type, data }) => type === 'step.succeeded' && 'item' in data)
          .map(({ data }) => Number(data['item']))
          .sort((a, b) => a - b),
        [0, 1, 2],
      )
      t.match(told.at(-1), { type: 'step.succeeded', data: { items: 3, rows: 3 } })
    })

    await t.test('an empty list is no call', async t => {
      const run = await start('all-act', { id: 'none', n: [] })
      t.match(run, { status: 'succeeded' })
      t.match((await steps(run.id)).get('each'), { output: { items: [] }, items: { total: 0 } })
    })

    await t.test('so many are called at one time, and the next when one has ended', async t => {
      const run = await start('all-act', { id: 'hold', n: numbers(5), act: 'hold' }, {} as typeof waiting)
      await Promise.all([echo.asked('hold-0'), echo.asked('hold-1'), echo.asked('hold-2')])
      await new Promise(resolve => setTimeout(resolve, 100))
      t.equal(called('hold-'), 3)
      t.match((await steps(run.id)).get('each')?.items, { total: 5, done: 0, running: 3 })
      t.match((await get<RunExplanation>(`/v1/runs/${run.id}/explain`)).steps, [{ detail: /5 items.*at most 3/ }])
      echo.release()
      await until(run.id, 'succeeded')
      t.equal(called('hold-'), 5)
    })

    await t.test('an item that fails and may pass is tried again alone', async t => {
      const run = await start('one-acts', { id: 'flaky', n: numbers(4), act: 'flaky' })
      t.match(run, { status: 'succeeded' })
      t.same(
        (await items(run.id)).items.map(({ attempts }) => attempts),
        [1, 3, 1, 1],
      )
    })

    await t.test('one that fails for good fails the step, and a retry calls only what has no output', async t => {
      const run = await start('one-acts', { id: 'bad', n: numbers(6), at: 4, act: 'fail' })
      t.match(run, {
        status: 'failed',
        problem: { code: 'ECHO_FAILED', detail: /^item 4 of step "each": It was asked/ },
      })
      const before = (await items(run.id)).items
      t.match(before[4], { status: 'failed', problem: { code: 'ECHO_FAILED' } })
      const fork = await post(`/v1/runs/${run.id}/fork`, { params: { act: 'progress' } })
      t.match(await until(fork.id, 'succeeded'), {})
      await post(`/v1/runs/${run.id}/retry`)
      const again = await until(run.id, 'failed')
      t.match(again.problem, { detail: /item 4/ })
      const done = before.filter(({ status }) => status === 'succeeded').map(({ index }) => index)
      t.ok(done.length >= 3)
      for (const index of done) t.equal(echo.calls.get(`bad-${index}`), 2, `once here and once in the fork: ${index}`)
    })

    await t.test('a step that may fail is missing when an item of it fails', async t => {
      const run = await start('tolerant', { id: 'may', n: numbers(3), act: 'fail' })
      t.match(run, { status: 'succeeded' })
      t.match((await steps(run.id)).get('each'), { status: 'failed' })
    })

    await t.test('what stands for an item that fails, stands for that item alone', async t => {
      const fallback = `onError: fallback\n    fallback: { value: "no \${item} at \${index}", rows: 0 }`
      t.match(await post('/v1/workflows', acting('standing', 'index == params.at', fallback)), { statusCode: 201 })
      const run = await start('standing', { id: 'st', n: ['x', 'y', 'z'], act: 'fail' })
      t.match(run, { status: 'succeeded' })
      t.match((await steps(run.id)).get('each'), {
        status: 'succeeded',
        items: { total: 3, done: 3, failed: 0 },
        output: { items: [{ value: 'st-0' }, { value: 'no y at 1' }, { value: 'st-2' }] },
      })
      t.same(
        (await items(run.id)).items.map(({ status }) => status),
        ['succeeded', 'fallback', 'succeeded'],
      )
    })

    await t.test('a rerun calls every item anew, under a new key', async t => {
      const run = await start('words', { id: 'r', words: ['x', 'y'] })
      t.match(run, { status: 'failed' }, 'there is no third')
      await post(`/v1/runs/${run.id}/rerun`, { from: ['each'] })
      await until(run.id, 'failed')
      t.equal(echo.calls.get('r-0-x'), 2)
      t.match((await steps(run.id)).get('each'), { generation: 2, items: { total: 2, done: 2 } })
    })

    await t.test(
      'a fork with the same items keeps them; with the cache the items of the same input are reused',
      async t => {
        const run = await start('words', { id: 'k', words: ['x', 'y', 'z'] })
        const fork = await post(`/v1/runs/${run.id}/fork`, { params: { act: 'other' } })
        t.match(await until(fork.id, 'succeeded'), { outputs: { third: 'k-2-z' } })
        t.match((await steps(fork.id)).get('each'), { status: 'reused' })
        const more = await post(
          '/v1/runs',
          { workflow: 'words', cache: true, params: { id: 'k', words: ['x', 'y', 'new'] } },
          waiting,
        )
        t.match(more, { status: 'succeeded', outputs: { third: 'k-2-new' } })
        t.same(
          (await items(more.id)).items.map(({ status }) => status),
          ['reused', 'reused', 'succeeded'],
        )
        t.equal(echo.calls.get('k-0-x'), 1)
      },
    )

    await t.test('cancel ends the calls and begins no more; pause lets them end and rests', async t => {
      const place = await placeOf(t, home)
      const own = await startEcho(t)
      const mesh = await openOrchestrator(t, { ...place, stages: [{ stage: 'echo', url: own.url }] })
      await mesh.post('/v1/workflows', acting('all-act', 'true', 'concurrency: 3'))
      const start = async (id: string) => {
        const run = await mesh.post('/v1/runs', { workflow: 'all-act', params: { id, n: numbers(8), act: 'hold' } })
        await Promise.all([0, 1, 2].map(async i => await own.asked(`${id}-${i}`)))
        return run.id
      }
      const cancelled = await start('c')
      await mesh.post(`/v1/runs/${cancelled}/cancel`)
      await mesh.until(cancelled, 'cancelled')
      t.match((await mesh.steps(cancelled)).get('each'), { status: 'cancelled', items: { done: 0, running: 0 } })
      const paused = await start('p')
      await mesh.post(`/v1/runs/${paused}/pause`)
      own.release()
      for (;;) {
        const events = (await mesh.get<{ items: RunEvent[] }>(`/v1/runs/${paused}/events`)).items
        if (events.some(({ type }) => type === 'run.paused')) break
        await new Promise(resolve => setImmediate(resolve))
      }
      t.match((await mesh.steps(paused)).get('each')?.items, { total: 8, done: 3, running: 0 })
      await mesh.post(`/v1/runs/${paused}/resume`)
      await mesh.until(paused, 'succeeded')
      t.same([...own.calls].filter(([value, n]) => value.startsWith('p-') && n === 1).length, 8)
      t.same([...own.calls].filter(([value]) => value.startsWith('c-')).length, 3)
    })

    await t.test('what is wrong with it is told before the run, or fails the step', async t => {
      const wrong = await post<{ errors: { code: string; detail: string }[] }>(
        '/v1/workflows',
        `name: wrong
params: { n: { type: integer } }
steps:
  a: { stage: echo@1, forEach: "\${params.n}", with: { value: "\${item}" } }
  b: { stage: echo@1, concurrency: 3, with: { value: "\${item}" } }
  c: { stage: echo@1, forEach: [x], with: { value: "\${steps.a.value}" } }
  d: { stage: echo@1, forEach: "\${steps.c.items}", with: { value: "\${item.rows}" } }
`,
      )
      t.same(
        wrong.errors.map(({ code, detail }) => [/step "(\w)"/.exec(detail)?.[1], code]),
        [
          ['a', 'edge-mismatch'],
          ['b', 'concurrency-alone'],
          ['b', 'unknown-name'],
          ['c', 'unknown-property'],
          ['d', 'edge-mismatch'],
        ],
        JSON.stringify(wrong.errors, null, 1),
      )
      const many = await start('all-act', { id: 'many', n: numbers(3).map(() => 'x'.repeat(10)) })
      t.match(many, { status: 'succeeded' })
      const plan = await post<WorkflowPlan>('/v1/workflows/words/plan', { params: { id: 'x', words: ['a'] } })
      t.match(plan.steps[1], { forEach: '${params.words}', concurrency: 2, cache: { reuse: 'unknown' } })
    })
  })
