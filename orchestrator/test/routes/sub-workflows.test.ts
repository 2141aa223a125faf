// Steps that run another workflow, on both homes.

import type { RunExplanation, Validation, WorkflowPlan } from '@meshwork/contracts'
import t from 'tap'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

/** `flaky` with two attempts fails, and succeeds when it is retried. */
const inner = `name: inner
params: { id: { type: string }, act: { type: string, default: progress } }
steps:
  first: { stage: echo@1, with: { value: "\${params.id}-first" } }
  second:
    stage: echo@1
    retry: { attempts: 2, backoff: 1ms }
    with: { value: "\${params.id}-second", act: "\${params.act}", after: "\${steps.first.value}" }
outputs: { value: "\${steps.second.value}", rows: "\${steps.second.rows}" }
`
const outer = (name: string, extra = '', act = 'progress') => `name: ${name}
params: { id: { type: string }, act: { type: string, default: ${act} } }
steps:
  before: { stage: echo@1, with: { value: "\${params.id}-before" } }
  run:
    workflow: inner@1
    ${extra}
    with: { id: "\${steps.before.value}", act: "\${params.act}" }
  after: { stage: echo@1, with: { value: "\${steps.run.value}-after", after: "\${steps.run.rows + 1}" } }
outputs: { value: "\${steps.after.value}" }
`
const nested = `name: nested
params: { id: { type: string } }
steps:
  a: { workflow: outer@1, with: { id: "\${params.id}-a" } }
  b: { workflow: outer@1, with: { id: "\${params.id}-b" } }
outputs: { values: ["\${steps.a.value}", "\${steps.b.value}"] }
`
const tolerant = outer('tolerant', 'onError: fallback\n    fallback: { value: none, rows: 0 }', 'fail')

for (const home of homes)
  t.test(home, { timeout: 120_000 }, async t => {
    const echo = await startEcho(t)
    const place = await placeOf(t, home)
    const mesh = await openOrchestrator(t, { ...place, stages: [{ stage: 'echo', url: echo.url }] })
    const { post, get, steps, events, until } = mesh
    for (const source of [inner, outer('outer'), nested, tolerant])
      t.match(await post('/v1/workflows', source), { statusCode: 201 })
    const start = async (workflow: string, params: object) => (await post('/v1/runs', { workflow, params })).id
    const end = async (workflow: string, params: object) =>
      await post('/v1/runs', { workflow, params }, { prefer: 'wait=30' })
    /** The run that a step started. */
    const childOf = async (id: string, step = 'run', which = -1) => {
      const told = (await events(id)).filter(event => event.type === 'step.waiting' && event.step === step)
      return told.at(which)?.data['run'] as string
    }
    const untilWaiting = async (id: string) => {
      await until(id, 'waiting')
      return await childOf(id)
    }

    await t.test('the outputs of the run are those of the step', async t => {
      const run = await end('outer', { id: 'o' })
      t.match(run, { status: 'succeeded', parent: null, outputs: { value: 'o-before-second-after' } })
      const child = await childOf(run.id)
      t.match(await get(`/v1/runs/${child}`), {
        workflow: 'inner',
        status: 'succeeded',
        parent: { run: run.id, step: 'run' },
        params: { id: 'o-before', act: 'progress' },
      })
      t.match((await steps(run.id)).get('run'), {
        stage: 'workflow',
        status: 'succeeded',
        output: { value: 'o-before-second', rows: 1 },
      })
    })

    await t.test('workflows within workflows, many at one time', async t => {
      const runs = await Promise.all(Array.from({ length: 20 }, async (_, i) => await end('nested', { id: `n${i}` })))
      for (const [i, run] of runs.entries())
        t.match(run, {
          status: 'succeeded',
          outputs: { values: [`n${i}-a-before-second-after`, `n${i}-b-before-second-after`] },
        })
    })

    await t.test('a run that fails fails its step, and a retry goes on where it failed', async t => {
      const run = await end('outer', { id: 'f', act: 'flaky' })
      const child = await childOf(run.id)
      t.match(run, {
        status: 'failed',
        problem: { code: 'ECHO_FLAKY', detail: `Run ${child} of workflow "inner@1": Try again.` },
      })
      t.match(await post(`/v1/runs/${run.id}/retry`), { statusCode: 202 })
      t.match(await until(run.id, 'succeeded'), { outputs: { value: 'f-before-second-after' } })
      t.equal(await childOf(run.id), child, 'it is the same run')
      t.equal(echo.calls.get('f-before-first'), 1, 'whose finished steps are not called again')
      t.equal(echo.calls.get('f-before-second'), 3)
      t.match(await end('tolerant', { id: 'g' }), { status: 'succeeded', outputs: { value: 'none-after' } })
    })

    await t.test('a rerun of the step is a new run', async t => {
      const run = await end('outer', { id: 'r' })
      const child = await childOf(run.id)
      await post(`/v1/runs/${run.id}/rerun`, { from: ['run'] })
      await until(run.id, 'succeeded')
      const other = await childOf(run.id)
      t.not(other, child)
      t.match(await get(`/v1/runs/${other}`), { status: 'succeeded', parent: { run: run.id } })
      t.equal(echo.calls.get('r-before-first'), 2)
    })

    await t.test('a cancel goes down, and what is cancelled below is told above', async t => {
      const id = await start('outer', { id: 'c', act: 'hold' })
      const child = await untilWaiting(id)
      await echo.asked('c-before-second')
      const explained = await get<RunExplanation>(`/v1/runs/${id}/explain`)
      t.match(
        explained.steps.find(({ name }) => name === 'run'),
        { status: 'waiting', reason: 'running', detail: `It waits for run ${child} of workflow "inner@1".` },
      )
      await post(`/v1/runs/${id}/cancel`)
      await until(id, 'cancelled')
      await until(child, 'cancelled')
      const above = await start('outer', { id: 'd', act: 'hold' })
      const below = await untilWaiting(above)
      await echo.asked('d-before-second')
      await post(`/v1/runs/${below}/cancel`)
      t.match(await until(above, 'failed'), { problem: { code: 'MESHWORK_SUBRUN_CANCELLED' } })
    })

    await t.test('what does not fit is told before', async t => {
      const check = async (step: string) => {
        const source = `name: x\nsteps:\n  a: ${step}\n  b: { stage: echo@1, with: { value: "\${steps.a.rows}" } }\n`
        const { diagnostics } = await post<Validation>('/v1/workflows:validate', source)
        return diagnostics
          .filter(({ severity }) => severity === 'error')
          .map(({ code, message }) => `${code}: ${message}`)
      }
      t.match(await check('{ workflow: iner@1 }'), [/unknown-workflow: .* no workflow "iner"/])
      t.match(await check('{ workflow: inner@2, with: { id: x } }'), [/no version 2; it has @1/])
      t.match(await check('{ workflow: inner@1, forEach: [1], with: { id: x } }'), [/workflow-has-its-own: /, /./])
      const typed = await check('{ workflow: inner@1, with: { id: 5, what: x } }')
      t.equal(typed.length, 3, typed.join('\n'))
      t.ok(typed.some(text => /id: .*must be a text|string/.test(text)))
      t.ok(typed.some(text => text.includes('what')))
      t.ok(
        typed.some(text => text.startsWith('edge-mismatch: step "b"')),
        'its outputs are typed',
      )
      t.match(await check('{ workflow: inner@1 }'), [/id/, /./], 'a parameter that is missing')
      const plan = await post<WorkflowPlan>('/v1/workflows/outer/plan', { params: { id: 'p' } })
      t.match(plan.steps[1], { name: 'run', stage: 'workflow inner@1', version: null })
    })
  })
