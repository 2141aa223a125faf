// The orchestrator as a service: real database in a folder, a real stage, REST.

import { createServer, type ServerResponse } from 'node:http'
import type { RunEvent, RunView, StepView } from '@meshwork/contracts'
import { logCapture } from '@meshwork/kit/testing'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { createOrchestrator, type Orchestrator } from '../src/app.ts'
import { type Counted, startEcho } from './fixture/stages.ts'

interface Mesh {
  readonly orchestrator: Orchestrator
  readonly echo: Counted & { url: string }
  readonly start: (workflow: string, params?: object, headers?: Record<string, string>) => Promise<RunView>
  readonly register: (yaml: string) => Promise<number>
  readonly steps: (id: string) => Promise<Map<string, StepView>>
}

async function open(t: Test, folder: string, stages: { stage: string; url: string }[]): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({
    stateFolder: folder,
    stages,
    runsMax: 64,
    callsMax: 32,
    eventStreamsMax: 4,
    log: logCapture('orchestrator', 'silent').log,
  })
  let ended: Promise<void> | undefined
  const end = async () => {
    ended ??= orchestrator.app.close().then(() => orchestrator.stop())
    await ended
  }
  t.teardown(end)
  await orchestrator.start()
  return { ...orchestrator, stop: end }
}

async function mesh(t: Test, more: { stage: string; url: string }[] = []): Promise<Mesh> {
  const echo = await startEcho(t)
  const orchestrator = await open(t, `${t.testdir()}/state`, [{ stage: 'echo', url: echo.url }, ...more])
  return { orchestrator, echo, ...verbs(orchestrator) }
}

function verbs({ app }: Orchestrator) {
  return {
    start: async (workflow: string, params: object = {}, headers: Record<string, string> = {}) =>
      (
        await app.inject({
          method: 'POST',
          url: '/v1/runs',
          headers: { prefer: 'wait=30', ...headers },
          payload: { workflow, params },
        })
      ).json<RunView>(),
    register: async (yaml: string) =>
      (
        await app.inject({
          method: 'POST',
          url: '/v1/workflows',
          headers: { 'content-type': 'application/yaml' },
          payload: yaml,
        })
      ).statusCode,
    steps: async (id: string) => {
      const { items } = (await app.inject(`/v1/runs/${id}/steps`)).json<{ items: StepView[] }>()
      return new Map(items.map(step => [step.name, step]))
    },
  }
}

const retry = 'retry: { attempts: 3, backoff: 1ms }'

t.test('workflows', async t => {
  const { orchestrator, register } = await mesh(t)
  const post = async (payload: string, type = 'application/yaml') =>
    await orchestrator.app.inject({ method: 'POST', url: '/v1/workflows', headers: { 'content-type': type }, payload })
  const yaml = 'name: one\nsteps:\n  a: { stage: echo@1, with: { value: x } }\n'

  await t.test('a document is registered once; a changed one is the next version', async t => {
    t.equal(await register(yaml), 201)
    t.equal(await register(`# only a remark\n${yaml}`), 200)
    const changed = await post(yaml.replace('value: x', 'value: y'))
    t.equal(changed.statusCode, 201)
    t.match(changed.json(), { name: 'one', version: 2 })
    t.match((await orchestrator.app.inject('/v1/workflows/one/versions/1')).json(), { version: 1, source: /value: x/ })
    t.match(
      (
        await post(
          JSON.stringify({ name: 'two', steps: { a: { stage: 'echo@1', with: { value: 'x' } } } }),
          'application/json',
        )
      ).json(),
      { name: 'two', version: 1 },
    )
    t.match((await orchestrator.app.inject('/v1/workflows')).json(), {
      items: [{ name: 'one', version: 2 }, { name: 'two' }],
      next: null,
    })
  })

  await t.test('everything that is wrong is told at once, with its place', async t => {
    const answer = await post(`name: wrong
params: { p: { type: integer, default: x } }
steps:
  a: { stage: ecko@1, with: { value: "\${steps.b.value}" } }
  b: { stage: echo@2, with: { value: "\${steps.a.value}", after: "\${params.q}" } }
  c: { stage: echo@1, needs: [bb], with: { value: "\${ 1 + }" } }
`)
    t.equal(answer.statusCode, 422)
    const { code, errors } = answer.json<{
      code: string
      errors: { code: string; line: number; column: number; detail: string }[]
    }>()
    t.equal(code, 'MESHWORK_WORKFLOW_INVALID')
    t.same(
      errors.map(error => [error.code, error.line]),
      [
        ['param-default', 2],
        ['cycle', 4],
        ['unknown-stage', 4],
        ['unknown-major', 5],
        ['unknown-param', 5],
        ['unknown-step', 6],
        ['expression', 6],
      ],
    )
    t.match(errors[1]?.detail, /a → b → a/)
    t.match(errors[2]?.detail, /did you mean "echo"/)
  })

  for (const [title, payload, code] of [
    ['syntax', 'name: [', 'MESHWORK_WORKFLOW_UNREADABLE'],
    ['a key that stands twice', 'name: a\nname: b\n', 'MESHWORK_WORKFLOW_UNREADABLE'],
    ['an alias', 'name: &x a\nsteps: *x\n', 'MESHWORK_WORKFLOW_UNREADABLE'],
    [
      'a number that cannot be held',
      'name: a\nsteps: { a: { stage: echo@1, with: { value: 9007199254740993 } } }\n',
      'MESHWORK_WORKFLOW_UNREADABLE',
    ],
    ['a misspelt key', 'name: a\nstep: {}\n', 'MESHWORK_WORKFLOW_INVALID'],
    ['300 KB', `name: a # ${'x'.repeat(300_000)}`, 'MESHWORK_REQUEST_TOO_LARGE'],
  ] as const)
    await t.test(`${title} is refused`, async t => {
      t.equal((await post(payload)).json<{ code: string }>().code, code)
    })
})

t.test('runs', async t => {
  const { orchestrator, echo, start, register, steps } = await mesh(t)
  const { app } = orchestrator

  await t.test('outputs flow along references, and the run answers with its own', async t => {
    await register(`name: flow
params: { who: { type: string, default: world } }
steps:
  a: { stage: echo@1, with: { value: "hello \${params.who}" } }
  b: { stage: echo@1, with: { value: "\${steps.a.value}!", after: "\${[steps.a.rows, 2.5]}" } }
outputs: { text: "\${steps.b.value}", both: "\${steps.a.rows + steps.b.rows}", names: "\${run.steps.map(s, s.name)}" }
`)
    const run = await start('flow', { who: 'mesh' })
    t.match(run, { status: 'succeeded', outputs: { text: 'hello mesh!', both: 2, names: ['a', 'b'] }, problem: null })
    t.match((await steps(run.id)).get('b'), {
      status: 'succeeded',
      attempts: 1,
      rows: 1,
      version: '1.0.0',
      inputHash: /^[0-9a-f]{64}$/,
    })
    t.match((await app.inject(`/v1/runs/${run.id}/outputs`)).json(), { text: 'hello mesh!' })
  })

  await t.test('a key starts one run, however often and at once it is sent', async t => {
    const send = async (who: string) =>
      await app.inject({
        method: 'POST',
        url: '/v1/runs',
        headers: { 'idempotency-key': 'k1' },
        payload: { workflow: 'flow', params: { who } },
      })
    const answers = await Promise.all(Array.from({ length: 50 }, () => send('k')))
    const started = answers.filter(({ statusCode, headers }) => statusCode < 300 && !headers['idempotency-replayed'])
    t.equal(started.length, 1)
    for (const early of answers.filter(({ statusCode }) => statusCode >= 300))
      t.match(
        [early.json(), early.headers],
        [{ code: 'MESHWORK_RUN_KEY_IN_FLIGHT', status: 409 }, { 'retry-after': '1' }],
      )
    const again = await send('k')
    t.equal(again.headers['idempotency-replayed'], 'true')
    t.equal(again.json<RunView>().id, started[0]?.json<RunView>().id)
    const other = await send('other')
    t.equal(other.statusCode, 422)
    t.match(other.json(), { code: 'MESHWORK_RUN_KEY_REUSED' })
  })

  await t.test(
    'a step that fails for good ends the run with its problem; what needs it is skipped, what runs beside it is stopped',
    async t => {
      await register(`name: fails
steps:
  beside: { stage: echo@1, with: { value: beside, act: hold } }
  bad: { stage: echo@1, with: { value: bad, act: fail } }
  next: { stage: echo@1, with: { value: next }, needs: [bad] }
`)
      const run = await start('fails')
      t.match(run, { status: 'failed', outputs: null, problem: { code: 'ECHO_FAILED' } })
      t.match((await app.inject(`/v1/runs/${run.id}/outputs`)).json(), {
        code: 'MESHWORK_RUN_WITHOUT_OUTPUTS',
        status: 409,
      })
      const states = await steps(run.id)
      t.same(
        [...states].map(([name, { status }]) => [name, status]),
        [
          ['beside', 'cancelled'],
          ['bad', 'failed'],
          ['next', 'skipped'],
        ],
      )
      t.equal(echo.calls.get('next'), undefined)
    },
  )

  await t.test('a failure that may pass is tried again', async t => {
    await register(`name: flaky\nsteps:\n  a: { stage: echo@1, with: { value: flaky, act: flaky }, ${retry} }\n`)
    const run = await start('flaky')
    t.equal(run.status, 'succeeded')
    t.match((await steps(run.id)).get('a'), { attempts: 3, rows: 3 })
    t.equal((await start('flaky')).status, 'succeeded', 'and another run has its own attempts')
  })

  await t.test('after a cancel is acknowledged nothing is started', async t => {
    await register(
      `name: held\nsteps:\n  a: { stage: echo@1, with: { value: held, act: hold } }\n  b: { stage: echo@1, with: { value: after-held }, needs: [a] }\n`,
    )
    const { id } = (
      await app.inject({ method: 'POST', url: '/v1/runs', payload: { workflow: 'held' } })
    ).json<RunView>()
    await echo.asked('held')
    const cancel = await app.inject({ method: 'POST', url: `/v1/runs/${id}/cancel` })
    t.equal(cancel.statusCode, 202)
    echo.release()
    const events = await eventsOf(orchestrator, id)
    t.equal(events.at(-1)?.type, 'run.cancelled')
    t.equal(echo.calls.get('after-held'), undefined)
    t.equal(
      (await app.inject({ method: 'POST', url: `/v1/runs/${id}/cancel` })).statusCode,
      200,
      'once more changes nothing',
    )
  })

  await t.test('events are numbered without gaps, and a reader goes on where it stopped', async t => {
    const run = await start('flow')
    const all = await eventsOf(orchestrator, run.id)
    t.same(
      all.map(({ id }) => id),
      all.map((_, i) => i + 1),
    )
    t.same(
      all.map(({ type }) => type),
      [
        'run.created',
        'run.started',
        'step.started',
        'step.succeeded',
        'step.started',
        'step.succeeded',
        'run.succeeded',
      ],
    )
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const { body } = await request(`${url}/v1/runs/${run.id}/events`, {
      headers: { accept: 'text/event-stream', 'last-event-id': '5' },
    })
    t.same(
      [...(await body.text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
      [6, 7],
    )
  })

  await t.test('equal work of an earlier run is reused when asked for', async t => {
    const payload = { workflow: 'flow', params: { who: 'cached' }, cache: true }
    const send = async () =>
      (await app.inject({ method: 'POST', url: '/v1/runs', headers: { prefer: 'wait=30' }, payload })).json<RunView>()
    const [first, second] = [await send(), await send()]
    t.same(second.outputs, first.outputs)
    t.same(
      [...(await steps(second.id)).values()].map(({ status }) => status),
      ['reused', 'reused'],
    )
    t.equal(echo.calls.get('hello cached'), 1)
  })

  await t.test('runs are listed newest first, page by page', async t => {
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: { items: RunView[]; next: string | null } = (
        await app.inject(`/v1/runs?limit=3&workflow=flow${cursor ? `&cursor=${cursor}` : ''}`)
      ).json()
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.next
    }
    t.equal(new Set(seen).size, seen.length)
    t.equal(seen.length, 5)
    t.same(
      (await app.inject('/v1/runs?status=failed')).json<{ items: RunView[] }>().items.map(({ workflow }) => workflow),
      ['fails'],
    )
  })

  for (const [title, payload, status, code] of [
    ['an unknown workflow', { workflow: 'flaw' }, 404, 'MESHWORK_WORKFLOW_UNKNOWN'],
    ['an unknown version', { workflow: 'flow', version: 9 }, 404, 'MESHWORK_WORKFLOW_VERSION_UNKNOWN'],
    ['a parameter of the wrong type', { workflow: 'flow', params: { who: 1 } }, 422, 'MESHWORK_RUN_PARAMS'],
    ['an unknown parameter', { workflow: 'flow', params: { whom: 'x' } }, 422, 'MESHWORK_RUN_PARAMS'],
    ['a value of 70 KB', { workflow: 'flow', params: { who: 'x'.repeat(70_000) } }, 413, 'MESHWORK_VALUE_TOO_LARGE'],
    ['an unknown key', { workflow: 'flow', parms: {} }, 400, 'MESHWORK_REQUEST_INVALID'],
    ['a text that is not stored', { workflow: 'flow', params: { who: 'x\0' } }, 422, 'MESHWORK_RUN_PARAMS'],
    ['half a surrogate pair', { workflow: 'flow', params: { who: '\ud800' } }, 422, 'MESHWORK_RUN_PARAMS'],
  ] as const)
    await t.test(`${title} is refused before a run is made`, async t => {
      const answer = await app.inject({ method: 'POST', url: '/v1/runs', payload })
      t.equal(answer.statusCode, status)
      t.match(answer.json(), { code })
    })

  await t.test('what is not there is not found', async t => {
    const id = '00000000-0000-4000-8000-000000000000'
    for (const url of [`/v1/runs/${id}`, `/v1/runs/${id}/steps`, `/v1/runs/${id}/events`, `/v1/runs/${id}/outputs`])
      t.match((await app.inject(url)).json(), { code: 'MESHWORK_RUN_UNKNOWN', status: 404 })
    t.equal((await app.inject('/v1/runs/..%2f..%2fetc')).statusCode, 400)
    for (const url of ['/v1/workflows/a%00', '/v1/runs?workflow=%00', '/v1/workflows?cursor=%00'])
      t.match((await app.inject(url)).json(), { code: 'MESHWORK_REQUEST_INVALID', status: 400 })
  })

  await t.test('its OpenAPI document names every route', async t => {
    const { openapi, paths } = (await app.inject('/openapi.json')).json<{ openapi: string; paths: object }>()
    t.match(openapi, /^3\.1/)
    t.ok('/v1/runs/{id}/cancel' in paths && '/v1/workflows' in paths)
  })
})

t.test('stages that misbehave fail the step, not the orchestrator', async t => {
  const info = {
    name: 'odd',
    version: '1.0.0',
    summary: 's',
    contracts: [
      {
        major: 1,
        path: '/v1/odd',
        input: {},
        output: { type: 'object', required: ['ok'], properties: { ok: { type: 'boolean' } } },
      },
    ],
    columns: { requires: [], produces: [] },
    capabilities: { plan: false, progress: false, idempotency: false },
  }
  let behave: (answer: ServerResponse) => void = () => {}
  const server = createServer((req, res) => {
    if (req.url === '/v1/stage') return void res.setHeader('content-type', 'application/json').end(JSON.stringify(info))
    if (req.url === '/readyz') return void res.end('{}')
    req.resume().on('end', () => behave(res))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  t.teardown(() => server.close())
  const { register, start, steps } = await mesh(t, [{ stage: 'odd', url: `http://127.0.0.1:${port}` }])
  await register(`name: odd\nsteps:\n  a: { stage: odd@1, retry: { attempts: 2, backoff: 1ms }, timeout: 1500ms }\n`)

  const json = (res: ServerResponse, body: string, type = 'application/json') =>
    res.setHeader('content-type', type).end(body)
  for (const [title, how, code] of [
    ['text instead of JSON', res => json(res, 'hello', 'text/plain'), 'MESHWORK_STEP_ANSWER_INVALID'],
    ['half of a JSON', res => json(res, '{"ok":'), 'MESHWORK_STEP_ANSWER_INVALID'],
    ['an answer that breaks its contract', res => json(res, '{"ok":1}'), 'MESHWORK_STEP_ANSWER_INVALID'],
    [
      'events without an end',
      res => json(res, 'event: progress\ndata: {"fraction":0.5}\n\n', 'text/event-stream'),
      'MESHWORK_STEP_ANSWER_INVALID',
    ],
    ['a text that is not stored', res => json(res, '{"ok":true,"x":"\\u0000"}'), 'MESHWORK_STEP_ANSWER_INVALID'],
    [
      'a problem in words that are not stored',
      res =>
        json(
          Object.assign(res, { statusCode: 503 }),
          '{"type":"x","title":"x","status":503,"code":"ODD","retryable":true,"detail":"\\"odd\\" \\u0000 \\ud800"}',
          'application/problem+json',
        ),
      'ODD',
    ],
    ['an answer of 10 MB', res => json(res, `{"ok":"${'x'.repeat(10_000_000)}"}`), 'MESHWORK_STEP_ANSWER_INVALID'],
    ['a connection that breaks', res => void res.destroy(), 'MESHWORK_STAGE_UNREACHABLE'],
    ['silence', () => {}, 'MESHWORK_STEP_TIMEOUT'],
    [
      'a status without a problem',
      res => json(Object.assign(res, { statusCode: 502 }), 'bad gateway', 'text/html'),
      'MESHWORK_STEP_ANSWER_INVALID',
    ],
  ] as [string, (res: ServerResponse) => void, string][])
    await t.test(title, async t => {
      behave = how
      const run = await start('odd')
      t.match(run, { status: 'failed', problem: { code, detail: new RegExp(`"a".*|"odd"`) } })
      t.equal((await steps(run.id)).get('a')?.attempts, 2)
    })

  await t.test('and one that answers well is fine', async t => {
    behave = res => json(res, '{"ok":true}')
    t.equal((await start('odd')).status, 'succeeded')
  })
})

t.test('deployments', async t => {
  const folder = `${t.testdir()}/state`
  const echo = await startEcho(t)
  const first = await open(t, folder, [])
  await t.test('an address that is no stage is refused', async t => {
    const answer = await first.app.inject({ method: 'POST', url: '/v1/stages', payload: { url: 'http://127.0.0.1:1' } })
    t.match(answer.json(), { code: 'MESHWORK_STAGE_NOT_ONE', detail: /ECONNREFUSED/ })
  })
  await t.test('one that is registered is known after a restart', async t => {
    t.equal(
      (await first.app.inject({ method: 'POST', url: '/v1/stages', payload: { url: `${echo.url}/` } })).statusCode,
      201,
    )
    t.equal(await verbs(first).register('name: one\nsteps:\n  a: { stage: echo@1, with: { value: x } }\n'), 201)
    await t.rejects(open(t, folder, []), /in use by process/, 'the folder has one holder')
    await first.stop()
    const second = await open(t, folder, [])
    t.equal((await verbs(second).start('one')).status, 'succeeded')
    t.match((await second.app.inject('/v1/stages')).json(), {
      items: [{ stage: 'echo', url: echo.url, status: 'ready' }],
    })
  })
})

async function eventsOf({ app }: Orchestrator, id: string): Promise<RunEvent[]> {
  const events: RunEvent[] = []
  let next: number | null = 0
  while (next !== null) {
    const page: { items: RunEvent[]; next: number | null } = (
      await app.inject(`/v1/runs/${id}/events?after=${next}&limit=4`)
    ).json()
    events.push(...page.items)
    next = page.next
  }
  return events
}
