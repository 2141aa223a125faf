// What can be asked of runs, on both homes.

import type { AgainView, BulkAnswer, RunComparison, RunExplanation, RunView } from '@meshwork/contracts'
import t from 'tap'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

const workflow = (name: string, act = '') => `name: ${name}
params: { x: { type: string, default: x }, y: { type: string, default: y } }
steps:
  a: { stage: echo@1, with: { value: "${name}-a-\${params.x}" } }
  b: { stage: echo@1, with: { value: "${name}-b-\${params.y}", after: "\${steps.a.value}"${act} }, retry: { attempts: 1 } }
  c: { stage: echo@1, with: { value: "${name}-c", after: "\${steps.b.value}" } }
  d: { stage: echo@1, with: { value: "${name}-d", after: "\${steps.a.value}" } }
outputs: { c: "\${steps.c.rows}", d: "\${steps.d.rows}" }
`
const unknown = '00000000-0000-4000-8000-000000000000'
const waiting = { prefer: 'wait=30' }

for (const home of homes)
  t.test(home, { timeout: 200_000 }, async t => {
    const echo = await startEcho(t)
    const mesh = await openOrchestrator(t, { ...(await placeOf(t, home)), stages: [{ stage: 'echo', url: echo.url }] })
    const { post, get, steps, events, until } = mesh
    await post('/v1/workflows', workflow('held', ', act: hold'))
    await post('/v1/workflows', workflow('flaky', ', act: flaky'))
    await post('/v1/workflows', workflow('fine'))
    const typesOf = async (id: string) =>
      (await events(id)).map(({ type, step }) => (step === null ? type : `${type} ${step}`))

    await t.test('a paused run starts nothing, keeps what was called, rests, and goes on when resumed', async t => {
      const { id } = await post('/v1/runs', { workflow: 'held', params: { x: 'pause', y: 'pause' } })
      await echo.asked('held-b-pause')
      const paused = await post(`/v1/runs/${id}/pause`)
      t.match(paused, { statusCode: 202, status: 'paused' })
      t.match(await post(`/v1/runs/${id}/pause`), { statusCode: 202, status: 'paused' }, 'once more changes nothing')
      t.match(await get<RunExplanation>(`/v1/runs/${id}/explain`), { reason: 'paused' })
      echo.release()
      while (!(await typesOf(id)).includes('run.paused')) await new Promise(resolve => setImmediate(resolve))
      t.match(await get<RunView>(`/v1/runs/${id}`), { status: 'paused', endedAt: null })
      t.equal((await steps(id)).get('b')?.status, 'succeeded', 'the call in progress was left to end')
      t.equal(echo.calls.get('held-c'), undefined, 'nothing was started')
      t.match(await post(`/v1/runs/${id}/resume`), { statusCode: 202 })
      t.match(await until(id, 'succeeded'), { outputs: { c: 1 } })
      const seen = await typesOf(id)
      t.same(
        seen.filter(type => type.startsWith('run')),
        ['run.created', 'run.started', 'run.pausing', 'run.paused', 'run.resumed', 'run.started', 'run.succeeded'],
      )
      t.ok(seen.indexOf('step.started c') > seen.indexOf('run.resumed'))
      t.match(await post(`/v1/runs/${id}/resume`), { statusCode: 409, code: 'MESHWORK_RUN_STATE' })
      t.match(await post(`/v1/runs/${id}/pause`), { statusCode: 409, code: 'MESHWORK_RUN_STATE' })
    })

    await t.test('a retry runs what has no output, and only that', async t => {
      const run = await post('/v1/runs', { workflow: 'flaky', params: { y: 'retry' } }, waiting)
      t.match(run, { status: 'failed', problem: { code: 'ECHO_FLAKY' } })
      const preview = await post<AgainView>(`/v1/runs/${run.id}/retry?dryRun=true`)
      t.same(
        preview.runs.map(({ name }) => name),
        ['b', 'c'].concat((await steps(run.id)).get('d')?.output === null ? ['d'] : []),
      )
      t.match(await get(`/v1/runs/${run.id}`), { status: 'failed' }, 'a dry run changes nothing')
      t.match(await post(`/v1/runs/${run.id}/retry`), { statusCode: 202, status: 'queued', endedAt: null })
      await until(run.id, 'failed') // the second of two
      t.match(await post(`/v1/runs/${run.id}/retry`), { statusCode: 202 })
      t.match(await until(run.id, 'succeeded'), { problem: null, outputs: { c: 1 } })
      t.equal(echo.calls.get('flaky-a-x'), 1)
      t.equal(echo.calls.get('flaky-b-retry'), 3)
      t.match((await steps(run.id)).get('b'), { attempts: 1, generation: 1 })
      t.match(await post(`/v1/runs/${run.id}/retry`), { statusCode: 409, code: 'MESHWORK_RUN_STATE' })
      const seen = await events(run.id)
      t.same(
        seen.map(({ id }) => id),
        seen.map((_, i) => i + 1),
        'events have no gaps',
      )
    })

    await t.test('a rerun runs the steps named and what follows, anew; the rest keeps its output', async t => {
      const run = await post('/v1/runs', { workflow: 'fine', params: { x: 'rerun', y: 'rerun' }, cache: true }, waiting)
      t.match(run, { status: 'succeeded', outputs: { c: 1, d: 1 } })
      const url = `/v1/runs/${run.id}/rerun`
      t.same(await post<AgainView>(`${url}?dryRun=true`, { from: ['b'] }), {
        statusCode: 200,
        dryRun: true,
        runs: [
          { name: 'b', reason: 'asked' },
          { name: 'c', reason: 'follows' },
        ],
        keeps: ['a', 'd'],
      })
      const answers = await Promise.all([post(url, { from: ['b'] }), post(url, { from: ['b'] })])
      t.equal(answers.filter(({ statusCode }) => statusCode === 202).length, 1, 'of two at once one is done')
      t.equal(answers.filter(({ statusCode }) => statusCode === 409).length, 1)
      t.match(await until(run.id, 'succeeded'), { outputs: { c: 2, d: 1 } }, 'the stage did its work anew')
      t.same(
        ['a', 'b', 'c', 'd'].map(step => echo.calls.get(`fine-${step}${{ a: '-rerun', b: '-rerun' }[step] ?? ''}`)),
        [1, 2, 2, 1],
      )
      t.equal((await steps(run.id)).get('c')?.generation, 2)
      t.match(await post(url, { from: ['bb'] }), { code: 'MESHWORK_STEP_UNKNOWN', detail: /did you mean "b"/ })
      t.match(await post(url, {}), { statusCode: 400 })
      t.match(await post(`/v1/runs/${unknown}/rerun`, { from: ['b'] }), { code: 'MESHWORK_RUN_UNKNOWN' })
    })

    await t.test('a fork keeps what its parameters do not concern, and can be compared with its run', async t => {
      const params = { x: 'fork', y: 'fork' }
      const run = await post('/v1/runs', { workflow: 'fine', params }, waiting)
      const before = echo.calls.get('fine-d')
      const url = `/v1/runs/${run.id}/fork`
      t.match(await post<AgainView>(`${url}?dryRun=true`, { params: { y: 'other' } }), {
        runs: [
          { name: 'b', reason: 'input-changed' },
          { name: 'c', reason: 'follows' },
        ],
        keeps: ['a', 'd'],
      })
      const key = { 'idempotency-key': `fork-${home}` }
      const fork = await post(url, { params: { y: 'other' } }, key)
      t.match(fork, { statusCode: 202, forkedFrom: run.id, params: { x: 'fork', y: 'other' } })
      t.match(await post(url, { params: { y: 'other' } }, key), { statusCode: 200, id: fork.id }, 'sent again')
      t.match(await post(url, { params: {} }, key), { statusCode: 422, code: 'MESHWORK_RUN_KEY_REUSED' })
      await until(fork.id, 'succeeded')
      t.equal(echo.calls.get('fine-a-fork'), 1)
      t.equal(echo.calls.get('fine-d'), before)
      t.same(
        [...(await steps(fork.id)).values()].map(({ name, status }) => `${name} ${status}`),
        ['a reused', 'b succeeded', 'c succeeded', 'd reused'],
      )
      const compared = await get<RunComparison>(`/v1/runs/${run.id}/compare/${fork.id}`)
      t.match(compared, { same: false, firstDifference: 'b', params: [{ name: 'y', left: 'fork', right: 'other' }] })
      t.same(
        compared.steps.map(({ name, differs }) => `${name} ${differs.join(' ')}`),
        ['a ', 'b input output', 'c input output', 'd '],
      )
      t.match(await post(url, { params: { z: 1 } }), { statusCode: 422, code: 'MESHWORK_RUN_PARAMS' })
      t.match(await post(url, { from: ['z'] }), { code: 'MESHWORK_STEP_UNKNOWN' })
      const whole = await post(url, { params: { y: 'other' }, from: ['a'] })
      await until(whole.id, 'succeeded')
      t.equal(echo.calls.get('fine-a-fork'), 2, 'a step that is named runs, whatever its input')
    })

    await t.test('many are started and cancelled at once, each by itself', async t => {
      const params = { x: 'bulk', y: 'bulk' }
      const runs = [
        { workflow: 'fine', params, idempotencyKey: `bulk-${home}` },
        { workflow: 'none' },
        ...Array.from({ length: 150 }, () => ({ workflow: 'fine', params })),
      ]
      const started = await post<BulkAnswer>('/v1/runs:start', { runs })
      t.match(started, { statusCode: 200, done: 151 })
      t.same(
        started.items.slice(0, 3).map(({ status, problem }) => [status, problem?.code]),
        [
          [202, undefined],
          [404, 'MESHWORK_WORKFLOW_UNKNOWN'],
          [202, undefined],
        ],
      )
      const again = await post<BulkAnswer>('/v1/runs:start', { runs: runs.slice(0, 1) })
      t.match(again, { done: 1, items: [{ id: started.items[0]?.id, status: 200 }] })
      const preview = await post<BulkAnswer>('/v1/runs:cancel?dryRun=true', { workflow: 'fine' })
      t.ok(preview.items.length <= 151)
      const cancelled = await post<BulkAnswer>('/v1/runs:cancel', { workflow: 'fine' })
      t.equal(cancelled.done, cancelled.items.length)
      for (const { id } of started.items)
        if (id !== null) {
          const events_ = await typesOf(id)
          const at = events_.findIndex(type => type === 'run.cancelling' || type === 'run.cancelled')
          if (at >= 0)
            t.notOk(
              events_.slice(at).some(type => type.startsWith('step.started')),
              'nothing starts after',
            )
        }
      const mixed = await post<BulkAnswer>('/v1/runs:cancel', { ids: [unknown, started.items[0]?.id] })
      t.match(mixed, { done: 1, items: [{ status: 404, problem: { code: 'MESHWORK_RUN_UNKNOWN' } }, {}] })
      t.match(await post('/v1/runs:cancel', {}), { statusCode: 422, code: 'MESHWORK_BULK_CHOICE' })
      t.match(await post('/v1/runs:start', { runs: [] }), { statusCode: 400 })
    })

    await t.test('a paused run can be cancelled, and one that is paused before it begins', async t => {
      const run = await post('/v1/runs', { workflow: 'fine', params: { x: 'pc', y: 'pc' } })
      const paused = await post(`/v1/runs/${run.id}/pause`)
      if (paused.statusCode === 202) {
        t.match(await post(`/v1/runs/${run.id}/cancel`), { id: run.id })
        t.match(await until(run.id, 'cancelled'), { problem: null })
        for (const { status } of (await steps(run.id)).values()) t.match(status, /succeeded|cancelled|pending/)
      } else t.equal((await get<RunView>(`/v1/runs/${run.id}`)).status, 'succeeded')
      for (const verb of ['cancel', 'pause', 'resume', 'retry'])
        t.match(await post(`/v1/runs/${unknown}/${verb}`), { statusCode: 404, code: 'MESHWORK_RUN_UNKNOWN' })
    })
  })
