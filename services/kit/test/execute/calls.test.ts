// Calls that end badly, claims among replicas, and plans.

import { MeshError, type StagePlan } from '@meshwork/contracts'
import t from 'tap'
import Type from 'typebox'
import { Claims } from '../../src/execute/claims.ts'
import { defineStage } from '../../src/stage/define.ts'
import type { LocalStore } from '../../src/data/open.ts'
import { logCapture, stageApp, temporaryStore } from '../../src/testing/index.ts'
import { stage as planner } from '../fixture/planner.ts'

const never = new AbortController().signal
const result = (value: number) => ({
  output: { value },
  version: '1.0.0',
  inputHash: 'a'.repeat(64),
  outputHash: 'b'.repeat(64),
})

t.test('a call with the key of work that is being stopped waits for its end and does the work anew', async t => {
  const stopped = Promise.withResolvers<void>()
  let runs = 0
  const stage = defineStage({
    name: 'stubborn',
    version: '1.0.0',
    summary: 'Takes its time to stop.',
    input: Type.Object({}, { title: 'StubbornInput' }),
    output: Type.Object({ runs: Type.Integer() }, { title: 'StubbornOutput' }),
    run: async (_, { signal }) => {
      runs++
      if (runs > 1) return { runs }
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      await stopped.promise
      signal.throwIfAborted()
      return { runs }
    },
  })
  const { app } = await stageApp(t, stage, import.meta.url)
  const call = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/v1/stubborn', headers: { 'idempotency-key': 'k', ...headers }, payload: {} })
  // On a busy machine the time may be spent before the work has begun.
  for (let ms = 30; runs === 0; ms *= 2) t.equal((await call({ 'meshwork-timeout': `${ms}` })).statusCode, 504)
  const again = call({})
  await new Promise(resolve => setImmediate(resolve))
  t.equal(runs, 1, 'not beside the work that is still there')
  stopped.resolve()
  t.same((await again).json(), { runs: 2 })
  t.match((await app.inject('/metrics')).body, /meshwork_stage_in_flight\{stage="stubborn"\} 0/)
})

t.test('a call that fails because the store is away is told and counted', async t => {
  const stage = defineStage({
    name: 'waiting',
    version: '1.0.0',
    summary: 'Is never begun.',
    input: Type.Object({}, { title: 'WaitingInput' }),
    output: Type.Object({}, { title: 'WaitingOutput' }),
    run: async () => ({}),
  })
  const away = async () => await Promise.reject(new MeshError('MESHWORK_STORE_UNAVAILABLE', { reason: 'gone' }))
  const store = Object.create(await temporaryStore(t), { records: { value: { read: away } } }) as LocalStore
  const { log, lines } = logCapture()
  const { app } = await stageApp(t, stage, import.meta.url, { store, log })
  const headers = { 'idempotency-key': 'k' }
  const answer = await app.inject({ method: 'POST', url: '/v1/waiting', headers, payload: {} })
  t.equal(answer.statusCode, 503)
  const { body } = await app.inject('/metrics')
  t.match(
    body,
    /meshwork_stage_runs_total\{stage="waiting",version="1.0.0",result="failed",code="MESHWORK_STORE_UNAVAILABLE"\} 1/,
  )
  t.match(lines.at(-1), { msg: 'failed', code: 'MESHWORK_STORE_UNAVAILABLE' })
})

t.test('a stage is given the key under which its work is done once', async t => {
  const stage = defineStage({
    name: 'keyed',
    version: '1.0.0',
    summary: 'Answers its key.',
    input: Type.Object({}, { title: 'KeyedInput' }),
    output: Type.Object({ key: Type.String() }, { title: 'KeyedOutput' }),
    run: async (_, { idempotencyKey = 'none' }) => ({ key: idempotencyKey }),
  })
  const { app } = await stageApp(t, stage, import.meta.url)
  const call = async (headers: Record<string, string>) =>
    (await app.inject({ method: 'POST', url: '/v1/keyed', headers, payload: {} })).json<object>()
  t.same(await call({ 'idempotency-key': 'run/step/0/1' }), { key: 'run/step/0/1' })
  t.same(await call({}), { key: 'none' })
})

t.test('claims', async t => {
  const { records } = await temporaryStore(t)
  const timing = { heartbeatMs: 3_600_000, staleAfterMs: 40, lookMs: 5 }
  const hash = 'a'.repeat(64)
  const replica = (own = timing) => new Claims(records, 'stage', 1, own)

  await t.test('the claim of an owner that died is taken over', async t => {
    const dead = await replica().claim('taken', hash, never)
    const heir = await replica().claim('taken', hash, never)
    t.equal(dead.kind, 'mine')
    t.equal(heir.kind, 'mine')
    if (dead.kind !== 'mine' || heir.kind !== 'mine') return
    await dead.release()
    t.ok(await records.read('claims/stage/1', 'taken'), 'one that wakes up again leaves the claim of its heir')
    await heir.release()
    t.equal(await records.read('claims/stage/1', 'taken'), undefined)
  })

  await t.test('the claim of an owner that lives is waited for, however long the work takes', async t => {
    const owner = await replica({ ...timing, heartbeatMs: 10 }).claim('held', hash, never)
    const staleAfterMs = 600
    const started = performance.now()
    let waiting = true
    const other = replica({ ...timing, staleAfterMs })
      .claim('held', hash, never)
      .finally(() => {
        waiting = false
      })
    while (waiting && performance.now() - started < 2 * staleAfterMs) await records.read('claims/stage/1', 'held')
    t.ok(waiting, 'twice as long as one that does not beat would have had')
    t.equal(owner.kind, 'mine')
    if (owner.kind !== 'mine') return
    await owner.record(result(1))
    await owner.release()
    t.match(await other, { kind: 'recorded', result: { output: { value: 1 } } })
  })

  await t.test('a claim that is given back while it is being refreshed stays given back', async t => {
    for (let i = 0; i < 50; i++) {
      const owner = await replica({ ...timing, heartbeatMs: 1 }).claim(`back-${i}`, hash, never)
      const { at } = (await records.read('claims/stage/1', `back-${i}`)) as { at: number }
      while (((await records.read('claims/stage/1', `back-${i}`)) as { at: number }).at === at);
      if (owner.kind === 'mine') await owner.release()
    }
    for (let i = 0; i < 50; i++) t.equal(await records.read('claims/stage/1', `back-${i}`), undefined)
  })

  await t.test('waiting ends when the caller has gone', async t => {
    const owner = await replica().claim('left', hash, never)
    const gone = new AbortController()
    const waiting = replica({ ...timing, staleAfterMs: 3_600_000 }).claim('left', hash, gone.signal)
    gone.abort(new Error('gone'))
    await t.rejects(waiting, { message: 'gone' })
    if (owner.kind === 'mine') await owner.release()
  })
})

t.test('plans', async t => {
  const { app } = await stageApp(t, planner, new URL('../fixture/planner.ts', import.meta.url), { concurrency: 1 })
  const plan = (body: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: '/v1/planner/plan', headers, payload: body })

  await t.test('a plan of a stage with worker processes is made in one of them', async t => {
    const answer = await plan({})
    t.equal(answer.statusCode, 200)
    const { datasets } = answer.json<StagePlan>()
    t.match(datasets, {})
    t.equal(Object.keys(datasets).length, 1)
    t.notOk(`/${process.pid}` in datasets)
  })

  await t.test('a plan that never ends is killed when its time is spent, and the next one is made', async t => {
    const answer = await plan({ spin: true }, { 'meshwork-timeout': '100' })
    t.equal(answer.statusCode, 504)
    t.equal(answer.json<{ code: string }>().code, 'MESHWORK_STAGE_DEADLINE')
    t.equal((await plan({})).statusCode, 200)
    t.match((await app.inject('/metrics')).body, /worker_restarts_total\{stage="planner",reason="killed"\} 1/)
  })
})

t.test('a caller that asks for events is still refused with the time to come back', async t => {
  const started = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const stage = defineStage({
    name: 'slow',
    version: '1.0.0',
    summary: 'Waits.',
    input: Type.Object({}, { title: 'SlowInput' }),
    output: Type.Object({}, { title: 'SlowOutput' }),
    run: async () => {
      started.resolve()
      await finish.promise
      return {}
    },
  })
  const { app } = await stageApp(t, stage, import.meta.url, { concurrency: 1, queue: 0 })
  const headers = { accept: 'text/event-stream' }
  const call = () => app.inject({ method: 'POST', url: '/v1/slow', headers, payload: {} })
  const first = call()
  await started.promise
  const refused = await call()
  t.equal(refused.statusCode, 503)
  t.match(refused.headers, { 'retry-after': '1', 'content-type': /^application\/problem\+json/ })
  finish.resolve()
  t.match((await first).body, /event: result\n/)
})
