// Conditions, steps that may fail and last steps, on both homes.

import type { RunEvent, RunExplanation, WorkflowPlan } from '@meshwork/contracts'
import t from 'tap'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

const choice = `name: choice
params: { full: { type: boolean }, id: { type: string } }
steps:
  a: { stage: echo@1, with: { value: "\${params.id}" } }
  b: { stage: echo@1, when: "\${params.full && steps.a.rows > 0}", with: { value: "\${params.id}-b", after: "\${steps.a.value}" } }
  c: { stage: echo@1, with: { value: "\${params.id}-c", after: "\${steps.b.value}" } }
  join: { stage: echo@1, with: { value: "\${has(steps.c) ? steps.c.value : steps.a.value}" } }
outputs: { join: "\${steps.join.value}", c: "\${has(steps.c) ? steps.c.value : ''}" }
`
const tolerant = (act: string) => `name: tolerant-${act}
params: { id: { type: string } }
steps:
  a: { stage: echo@1, onError: continue, retry: { attempts: 1 }, with: { value: "\${params.id}", act: ${act} } }
  b: { stage: echo@1, with: { value: "\${params.id}-b", after: "\${steps.a.value}" } }
  instead: { stage: echo@1, when: "\${!has(steps.a)}", with: { value: "\${params.id}-instead" } }
outputs: { from: "\${has(steps.a) ? 'a' : 'instead'}" }
`
const tidy = `name: tidy
params: { id: { type: string }, act: { type: string } }
steps:
  tidy: { stage: echo@1, finally: true, with: { value: "\${params.id}-\${has(steps.a) ? 'well' : 'ill'}" } }
  a: { stage: echo@1, retry: { attempts: 1 }, with: { value: "\${params.id}", act: "\${params.act}" } }
  b: { stage: echo@1, needs: [a], with: { value: "\${params.id}-b" } }
`
const standing = `name: standing
params: { id: { type: string }, act: { type: string } }
steps:
  first: { stage: echo@1, with: { value: "\${params.id}-0" } }
  a:
    stage: echo@1
    retry: { attempts: 1 }
    with: { value: "\${params.id}", act: "\${params.act}" }
    onError: fallback
    fallback: { value: "\${steps.first.value} instead", rows: 0 }
  b: { stage: echo@1, with: { value: "\${params.id}-b", after: "\${steps.a.value}" } }
outputs: { value: "\${steps.a.value}" }
`
const kept = `name: kept
params: { id: { type: string } }
steps:
  a: { stage: echo@1, with: { value: "\${params.id}-a" } }
  never: { stage: echo@1, cache: false, with: { value: "\${params.id}-never" } }
  young: { stage: echo@1, cache: { maxAge: 1h }, with: { value: "\${params.id}-young" } }
  old: { stage: echo@1, cache: { maxAge: 1ms }, with: { value: "\${params.id}-old" } }
  each: { stage: echo@1, cache: false, forEach: [x, y], with: { value: "\${params.id}-\${item}" } }
`
const timely = `name: timely
timeout: 3s
steps:
  a: { stage: echo@1, with: { value: timely-a } }
  held: { stage: echo@1, needs: [a], with: { value: held, act: hold } }
  b: { stage: echo@1, needs: [held], with: { value: timely-b } }
  tidy: { stage: echo@1, finally: true, with: { value: timely-tidy } }
`
const waiting = { prefer: 'wait=30' }

for (const home of homes)
  t.test(home, { timeout: 120_000 }, async t => {
    const echo = await startEcho(t)
    const mesh = await openOrchestrator(t, { ...(await placeOf(t, home)), stages: [{ stage: 'echo', url: echo.url }] })
    const { post, get, steps, events, until } = mesh
    for (const source of [choice, tolerant('fail'), tolerant('progress'), tidy, kept])
      t.match(await post('/v1/workflows', source), { statusCode: 201 })
    const start = async (workflow: string, params: object) => await post('/v1/runs', { workflow, params }, waiting)
    const statuses = async (id: string) =>
      Object.fromEntries([...(await steps(id))].map(([name, { status }]) => [name, status]))
    const reason = async (id: string, step: string) =>
      (await events(id)).find((event: RunEvent) => event.step === step && event.type === 'step.skipped')?.data

    await t.test('a condition that holds changes nothing', async t => {
      const run = await start('choice', { full: true, id: 'full' })
      t.match(run, { status: 'succeeded', outputs: { join: 'full-c', c: 'full-c' } })
    })

    await t.test('one that does not skips the step and what needs it; what can do without goes on', async t => {
      const run = await start('choice', { full: false, id: 'less' })
      t.match(run, { status: 'succeeded', problem: null, outputs: { join: 'less', c: '' } })
      t.same(await statuses(run.id), { a: 'succeeded', b: 'skipped', c: 'skipped', join: 'succeeded' })
      t.match(await reason(run.id, 'b'), { reason: /condition is false: \$\{params\.full/ })
      t.match(await reason(run.id, 'c'), { reason: 'it needs step "b", which was skipped' })
      t.equal(echo.calls.get('less-b'), undefined)
      t.match((await get<RunExplanation>(`/v1/runs/${run.id}/explain`)).steps, [
        { name: 'a', reason: 'done' },
        { name: 'b', reason: 'skipped', detail: /condition was false/ },
        { name: 'c', reason: 'skipped', detail: /"b".*skipped/ },
        { name: 'join', reason: 'done' },
      ])
    })

    await t.test('a rerun looks at conditions anew', async t => {
      const run = await start('choice', { full: false, id: 'again' })
      const fork = await post(`/v1/runs/${run.id}/fork`, { params: { full: true } })
      t.match(await until(fork.id, 'succeeded'), { outputs: { join: 'again-c' } })
      t.same(await statuses(fork.id), { a: 'reused', b: 'succeeded', c: 'succeeded', join: 'succeeded' })
      const back = await post(`/v1/runs/${fork.id}/fork`, { params: { full: false } })
      t.match(await until(back.id, 'succeeded'), { outputs: { join: 'again' } })
      t.same(await statuses(back.id), { a: 'reused', b: 'skipped', c: 'skipped', join: 'succeeded' })
    })

    await t.test('a step that may fail is missing, and another stands in for it', async t => {
      const ill = await start('tolerant-fail', { id: 'ill' })
      t.match(ill, { status: 'succeeded', problem: null, outputs: { from: 'instead' } })
      t.same(await statuses(ill.id), { a: 'failed', b: 'skipped', instead: 'succeeded' })
      t.match(await reason(ill.id, 'b'), { reason: 'it needs step "a", which failed' })
      const well = await start('tolerant-progress', { id: 'well' })
      t.match(well, { status: 'succeeded', outputs: { from: 'a' } })
      t.same(await statuses(well.id), { a: 'succeeded', b: 'succeeded', instead: 'skipped' })
    })

    await t.test('last steps run when all is done, however it ended', async t => {
      const well = await start('tidy', { id: 'clean', act: 'progress' })
      t.match(well, { status: 'succeeded' })
      t.equal(echo.calls.get('clean-well'), 1)
      const order = (await events(well.id)).filter(({ type }) => type === 'step.started').map(({ step }) => step)
      t.same(order, ['a', 'b', 'tidy'])
      const ill = await start('tidy', { id: 'dirty', act: 'fail' })
      t.match(ill, { status: 'failed', problem: { code: 'ECHO_FAIL' } })
      t.same(await statuses(ill.id), { a: 'failed', b: 'skipped', tidy: 'succeeded' })
      t.equal(echo.calls.get('dirty-ill'), 1)
      await post(`/v1/runs/${ill.id}/retry`)
      await until(ill.id, 'failed')
      t.equal((await steps(ill.id)).get('tidy')?.generation, 2, 'and again after a retry')
    })

    await t.test('what stands for the output of a step that fails, stands for it', async t => {
      t.match(await post('/v1/workflows', standing), { statusCode: 201 })
      const ill = await start('standing', { id: 'stand', act: 'fail' })
      t.match(ill, { status: 'succeeded', problem: null, outputs: { value: 'stand-0 instead' } })
      const step = (await steps(ill.id)).get('a')
      t.match(step, {
        status: 'fallback',
        problem: { code: 'ECHO_FAILED' },
        output: { value: 'stand-0 instead', rows: 0 },
      })
      t.equal(echo.calls.get('stand-b'), 1)
      const told = (await events(ill.id)).filter(({ step }) => step === 'a').map(({ type }) => type)
      t.same(told, ['step.started', 'step.fallback'])
      t.match((await get<RunExplanation>(`/v1/runs/${ill.id}/explain`)).steps[1], {
        name: 'a',
        detail: /fallback stands for/,
      })
      const cached = await post(
        '/v1/runs',
        { workflow: 'standing', cache: true, params: { id: 'stand', act: 'fail' } },
        waiting,
      )
      t.equal((await steps(cached.id)).get('a')?.status, 'fallback', 'a fallback is not reused')
      const well = await start('standing', { id: 'well', act: 'progress' })
      t.match(well, { outputs: { value: 'well' } })
    })

    await t.test('a step says whether it is reused, and up to which age', async t => {
      const payload = { workflow: 'kept', params: { id: `kept ${home}` }, cache: true }
      await post('/v1/runs', payload, waiting)
      await new Promise(resolve => setTimeout(resolve, 20)) // longer than maxAge of one of them
      const again = await post('/v1/runs', payload, waiting)
      const statuses = [...(await steps(again.id)).values()].map(({ name, status }) => [name, status])
      t.same(Object.fromEntries(statuses), {
        a: 'reused',
        never: 'succeeded',
        young: 'reused',
        old: 'succeeded',
        each: 'succeeded',
      })
      t.same(
        ['a', 'never', 'young', 'old', 'x', 'y'].map(name => echo.calls.get(`kept ${home}-${name}`)),
        [1, 2, 1, 2, 2, 2],
      )
      const plan = await post<{ steps: { name: string; cache: { reuse: string; reason: string } }[] }>(
        '/v1/workflows/kept/plan',
        { params: { id: `kept ${home}` } },
      )
      const cacheOf = (name: string) => plan.steps.find(step => step.name === name)?.cache
      t.match(cacheOf('a'), { reuse: 'yes' })
      t.match(cacheOf('young'), { reuse: 'yes' })
      t.match(cacheOf('never'), { reuse: 'no', reason: 'it says cache: false' })
      t.match(cacheOf('old'), { reuse: 'no', reason: /within maxAge/ })
    })

    await t.test('a run that is not done in its time fails, and goes on when it is retried', async t => {
      await post('/v1/workflows', timely)
      const run = await start('timely', {})
      t.match(run, {
        status: 'failed',
        problem: { code: 'MESHWORK_RUN_TIMEOUT', status: 504, detail: /within 3 s/ },
      })
      t.same(await statuses(run.id), { a: 'succeeded', held: 'cancelled', b: 'cancelled', tidy: 'succeeded' })
      await post(`/v1/runs/${run.id}/retry`)
      await echo.asked('held')
      echo.release()
      await until(run.id, 'succeeded')
      t.equal(echo.calls.get('timely-a'), 1)
    })

    await t.test('a plan shows them', async t => {
      const plan = await post<WorkflowPlan>('/v1/workflows/tidy/plan', { params: { id: 'x', act: 'fail' } })
      t.match(plan.steps, [
        { name: 'a', level: 0 },
        { name: 'b', level: 1 },
        { name: 'tidy', level: 2, finally: true },
      ])
      const choices = await post<WorkflowPlan>('/v1/workflows/choice/plan', { params: { id: 'x', full: false } })
      t.match(choices.steps[1], { when: /params\.full/ })
    })

    await t.test('a condition that cannot be told fails the step', async t => {
      await post(
        '/v1/workflows',
        'name: untold\nparams: { n: { type: integer } }\nsteps:\n  a: { stage: echo@1, when: "${1 / params.n > 0}", with: { value: x } }\n',
      )
      t.match(await start('untold', { n: 0 }), {
        status: 'failed',
        problem: { code: 'MESHWORK_STEP_INPUT', detail: /n > 0/ },
      })
    })
  })
