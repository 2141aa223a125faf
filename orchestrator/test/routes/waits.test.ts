// Steps that wait for a time, a signal or a person, on both homes.

import type { RunExplanation, WaitView, WorkflowPlan } from '@meshwork/contracts'
import t from 'tap'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

const around = (name: string, wait: string, output: string, extra = '') => `name: ${name}
params: { id: { type: string }, at: { type: string, default: "2001-01-01T00:00:00Z" }, n: { type: number, default: 3 } }
steps:
  before: { stage: echo@1, with: { value: "\${params.id}-before" } }
  held:
    needs: [before]
    wait: ${wait}
    ${extra}
  after: { stage: echo@1, needs: [held], with: { value: "\${params.id}-after" } }
outputs: { of: "${output}" }
`
const all = '${steps.held}'
const signal = '{ signal: { inputs: { share: { type: number }, why: { type: string, default: none } } } }'
const approval =
  '{ approval: { message: "Publish ${params.n + 1.0} rows of ${steps.before.value}?", inputs: { share: { type: number, default: 0.5 } } } }'
const documents = [
  around('short', '{ for: 150ms }', '${steps.held.at}'),
  around('passed', '{ until: "${params.at}" }', '${steps.held.at}'),
  around('signalled', signal, all),
  around('approved', approval, all),
  around('optional', approval, '${has(steps.held) ? steps.held.inputs.share : -1.0}', 'onError: continue'),
  around('expiring', '{ approval: { expires: 200ms } }', all),
  around('resting', '{ for: 16s }', '${steps.held.at}'),
]

for (const home of homes)
  t.test(home, { timeout: 120_000 }, async t => {
    const echo = await startEcho(t)
    const place = await placeOf(t, home)
    const mesh = await openOrchestrator(t, { ...place, stages: [{ stage: 'echo', url: echo.url }] })
    const { post, get, steps, events, until } = mesh
    for (const source of documents) t.match(await post('/v1/workflows', source), { statusCode: 201 })
    const start = async (workflow: string, params: object) => (await post('/v1/runs', { workflow, params })).id
    const end = async (workflow: string, params: object) =>
      await post('/v1/runs', { workflow, params }, { prefer: 'wait=30' })
    const answer = async (id: string, verb: string, body: object = {}, step = 'held') =>
      await post(`/v1/runs/${id}/steps/${step}/${verb}`, body)
    const begun = performance.now()
    const resting = await start('resting', { id: 'resting' })

    await t.test('a short time is waited for where the run is walked; one that has passed is not', async t => {
      const before = Date.now()
      const run = await end('short', { id: 's' })
      t.match(run, { status: 'succeeded' })
      t.ok(Date.parse(run.outputs?.['of'] as string) - before >= 150)
      t.match((await steps(run.id)).get('held'), { stage: 'wait', status: 'succeeded', attempts: 0, version: null })
      t.notOk((await events(run.id)).some(({ type }) => type === 'run.waiting'))
      t.match(await end('passed', { id: 'p' }), { status: 'succeeded' })
      t.match(await end('passed', { id: 'q', at: 'tomorrow' }), {
        status: 'failed',
        problem: { code: 'MESHWORK_STEP_INPUT', detail: /"until" is "tomorrow", not a time/ },
      })
    })

    await t.test('a run rests until its signal comes, and is told as waiting', async t => {
      const id = await start('signalled', { id: 'a' })
      await until(id, 'waiting')
      const explained = await get<RunExplanation>(`/v1/runs/${id}/explain`)
      t.match(explained, { status: 'waiting', reason: 'running', detail: /waits for a time or an answer/ })
      t.match(
        explained.steps.find(({ name }) => name === 'held'),
        {
          status: 'waiting',
          reason: 'running',
          detail: `It waits for POST /v1/runs/${id}/steps/held/signal. It does not expire.`,
        },
      )
      t.match(explained.steps.at(-1), { reason: 'needs', waitsFor: ['held'] })
      const waits = await get<{ items: WaitView[] }>('/v1/waits?kind=signal')
      t.match(waits.items, [
        { run: id, workflow: 'signalled', step: 'held', kind: 'signal', message: null, until: null },
      ])
      t.match(waits.items[0]?.inputs, { share: { type: 'number' } })
      t.match(await answer(id, 'signal', { inputs: { shares: 'x' } }), {
        statusCode: 422,
        code: 'MESHWORK_WAIT_INPUTS',
        detail: /input "share" \(number\) is not given.*input "shares" is not declared; did you mean "share"\?/,
      })
      const said = { by: 'ann', comment: 'go', inputs: { share: 0.25 } }
      t.match(await answer(id, 'signal', said), { statusCode: 202, status: 'queued' })
      const run = await until(id, 'succeeded')
      t.match(run.outputs, { of: { by: 'ann', comment: 'go', inputs: { share: 0.25, why: 'none' } } })
      t.match(await answer(id, 'signal', said), { statusCode: 200 }, 'the same again')
      t.match(await answer(id, 'signal', { inputs: { share: 1 } }), {
        statusCode: 409,
        code: 'MESHWORK_WAIT_ANSWERED',
        detail: /signal by ann at/,
      })
      t.same(
        (await events(id)).map(({ type }) => type).filter(type => /waiting|signalled|run/.test(type)),
        ['run.created', 'run.started', 'step.waiting', 'run.waiting', 'step.signalled', 'run.started', 'run.succeeded'],
      )
      t.same((await get<{ items: WaitView[] }>('/v1/waits?kind=signal')).items, [])
    })

    await t.test('of many signals at one time the first counts, and one that comes early is kept', async t => {
      const id = await start('signalled', { id: 'hold-early' })
      const sent = await Promise.all(
        Array.from({ length: 20 }, async (_, i) => await answer(id, 'signal', { inputs: { share: i } })),
      )
      const taken = sent.filter(({ statusCode }) => statusCode === 202)
      t.equal(taken.length, 1)
      t.equal(sent.filter(({ statusCode }) => statusCode === 409).length, 19)
      const run = await until(id, 'succeeded')
      t.match(run.outputs, { of: { inputs: { share: sent.indexOf(taken[0] as never) } } })
    })

    await t.test('a person approves what was asked, once it is asked', async t => {
      const id = await start('approved', { id: 'b' })
      t.match(await answer(id, 'signal'), {
        statusCode: 404,
        code: 'MESHWORK_WAIT_UNKNOWN',
        detail: /waits for a signal; none of its steps does/,
      })
      t.match(await answer(id, 'approve', {}, 'before'), { statusCode: 404, detail: /those that do: held/ })
      t.match(await answer(id, 'approve', {}, 'hold'), { statusCode: 404, code: 'MESHWORK_STEP_UNKNOWN' })
      await until(id, 'waiting')
      const waits = await get<{ items: WaitView[] }>('/v1/waits?kind=approval&workflow=approved')
      t.match(waits.items, [{ run: id, message: 'Publish 4 rows of b-before?' }])
      t.match(await answer(id, 'approve', { by: 'bob' }), { statusCode: 202 })
      t.match((await until(id, 'succeeded')).outputs, { of: { by: 'bob', comment: '', inputs: { share: 0.5 } } })
      t.match(await answer(id, 'reject'), { statusCode: 409, code: 'MESHWORK_WAIT_ANSWERED' })
    })

    await t.test('what is rejected fails, onError says what comes of it, and a retry asks again', async t => {
      const id = await start('approved', { id: 'c' })
      await until(id, 'waiting')
      await answer(id, 'reject', { by: 'bob', comment: 'too many rows' })
      t.match(await until(id, 'failed'), {
        problem: { code: 'MESHWORK_APPROVAL_REJECTED', detail: /rejected by bob, saying: too many rows/ },
      })
      t.match(await post(`/v1/runs/${id}/retry`), { statusCode: 202 })
      await until(id, 'waiting')
      await answer(id, 'approve')
      await until(id, 'succeeded')
      const optional = await start('optional', { id: 'd' })
      await until(optional, 'waiting')
      await answer(optional, 'reject')
      t.match(await until(optional, 'succeeded'), { outputs: { of: -1 } })
    })

    await t.test('an approval that nobody gives expires', async t => {
      t.match(await end('expiring', { id: 'e' }), { status: 'failed', problem: { code: 'MESHWORK_WAIT_EXPIRED' } })
    })

    await t.test('a run that rests is paused, resumed and cancelled; a signal to a paused run is kept', async t => {
      const id = await start('signalled', { id: 'f' })
      await until(id, 'waiting')
      t.match(await post(`/v1/runs/${id}/pause`), { statusCode: 202, status: 'paused' })
      await answer(id, 'signal', { inputs: { share: 1 } })
      t.match(await get(`/v1/runs/${id}`), { status: 'paused' })
      t.match(await post(`/v1/runs/${id}/resume`), { statusCode: 202 })
      await until(id, 'succeeded')
      const other = await start('signalled', { id: 'g' })
      await until(other, 'waiting')
      await post(`/v1/runs/${other}/pause`)
      await post(`/v1/runs/${other}/resume`)
      await until(other, 'waiting')
      await post(`/v1/runs/${other}/cancel`)
      await until(other, 'cancelled')
      t.match((await steps(other)).get('held'), { status: 'cancelled' })
      t.match(await answer(other, 'signal', { inputs: { share: 1 } }), {
        statusCode: 409,
        code: 'MESHWORK_WAIT_CLOSED',
        detail: /does not wait for an answer any more: it is cancelled/,
      })
    })

    await t.test('the plan of a workflow tells its waits', async t => {
      const plan = await post<WorkflowPlan>('/v1/workflows/signalled/plan', { params: { id: 'p' } })
      t.match(plan.steps[1], { name: 'held', stage: 'wait', version: null, cache: { reuse: 'no', reason: 'it waits' } })
      t.match(plan.diagnostics, [])
    })

    await t.test('a long time is not held, and the run goes on when it is over, after a restart too', async t => {
      t.match(await get(`/v1/runs/${resting}`), { status: 'waiting' })
      const run = await until(resting, 'succeeded')
      const lateMs = performance.now() - begun - 16_000
      t.ok(lateMs >= 0)
      t.comment(`late by ${Math.round(lateMs)} ms`)
      t.match(
        (await events(run.id)).map(({ type }) => type),
        ['run.created', 'run.started', 'step.started', 'step.succeeded', 'step.waiting', 'run.waiting', 'run.woken'],
      )
    })
  })
