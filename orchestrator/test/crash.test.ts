// Orchestrators as real processes that are killed in the middle of their work. The stage, which lives on, is the witness:
// it counts how often each step of each run was called.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FireView, RunEvent, RunView } from '@meshwork/contracts'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { type Counted, startEcho } from './fixture/stages.ts'
import { startPostgres } from './postgres.ts'

const runs = 20
const workflow = `name: four
params: { n: { type: string } }
steps:
  a: { stage: echo@1, with: { value: "a\${params.n}" } }
  b: { stage: echo@1, with: { value: "b\${params.n}", after: "\${steps.a.value}" } }
  held: { stage: echo@1, with: { value: "held\${params.n}", act: hold, after: "\${steps.b.value}" } }
  d: { stage: echo@1, with: { value: "d\${params.n}", after: "\${steps.held.value}" } }
outputs: { last: "\${steps.d.value}" }
`

interface Process {
  readonly url: string
  readonly child: ChildProcess
  kill(signal: NodeJS.Signals): Promise<number | null>
}

async function start(t: Test, echo: string, home: Record<string, string>): Promise<Process> {
  const child = fork(fileURLToPath(new URL('../src/main.ts', import.meta.url)), [], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      MESHWORK_PORT: '0',
      MESHWORK_LOG_LEVEL: 'silent',
      MESHWORK_STAGES: `echo=${echo}`,
      MESHWORK_STAGE_CALLS_MAX: '256',
      ...home,
    },
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return (await exited)[0]
  }
  t.teardown(async () => await kill('SIGKILL'))
  const [message] = (await Promise.race([once(child, 'message'), exited.then(() => [{ url: '' }])])) as [
    { url: string },
  ]
  if (!message.url) throw new Error('the orchestrator did not start')
  return { url: message.url, child, kill }
}

const post = async <T>(url: string, body: string, type = 'application/json'): Promise<T> => {
  const answer = await request(url, { method: 'POST', headers: { 'content-type': type }, body })
  return (await answer.body.json()) as T
}
const get = async <T>(url: string): Promise<T> => (await (await request(url)).body.json()) as T

async function startRuns(url: string): Promise<string[]> {
  await post(`${url}/v1/workflows`, workflow, 'application/yaml')
  const started = Array.from(
    { length: runs },
    async (_, n) =>
      (await post<RunView>(`${url}/v1/runs`, JSON.stringify({ workflow: 'four', params: { n: String(n) } }))).id,
  )
  return await Promise.all(started)
}

/** Follows a run to its end, and answers its events. */
async function untilEnded(url: string, id: string): Promise<RunEvent[]> {
  const { body } = await request(`${url}/v1/runs/${id}/events`, { headers: { accept: 'text/event-stream' } })
  return [...(await body.text()).matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string) as RunEvent)
}

async function checkAll(t: Test, url: string, ids: readonly string[], echo: Counted): Promise<void> {
  for (const [n, id] of ids.entries()) {
    const events = await untilEnded(url, id)
    t.equal(events.at(-1)?.type, 'run.succeeded')
    t.same(
      events.map(event => event.id),
      events.map((_, i) => i + 1),
      'events have no gaps',
    )
    t.match(await get(`${url}/v1/runs/${id}/outputs`), { last: `d${n}` })
    t.same(
      [echo.calls.get(`a${n}`), echo.calls.get(`b${n}`), echo.calls.get(`d${n}`)],
      [1, 1, 1],
      'no finished step was called again',
    )
  }
}

const allHeld = async (echo: Counted) =>
  await Promise.all(Array.from({ length: runs }, (_, n) => echo.asked(`held${n}`)))

for (const home of ['PGlite', 'PostgreSQL'] as const)
  t.test(`on ${home}: an orchestrator that is killed resumes its runs when it comes back`, async t => {
    const echo = await startEcho(t)
    const where =
      home === 'PGlite'
        ? { MESHWORK_STATE_DIR: `${t.testdir()}/state` }
        : { MESHWORK_DATABASE_URL: (await startPostgres(t)).url }
    const first = await start(t, echo.url, where)
    const ids = await startRuns(first.url)
    await allHeld(echo)
    await first.kill('SIGKILL')
    echo.release()
    const second = await start(t, echo.url, where)
    await checkAll(t, second.url, ids, echo)
  })

t.test('killed in the middle of a list, it goes on with the items that have no output', async t => {
  const echo = await startEcho(t)
  const where = { MESHWORK_DATABASE_URL: (await startPostgres(t)).url }
  const first = await start(t, echo.url, where)
  await post(
    `${first.url}/v1/workflows`,
    `name: list
params: { n: { type: array } }
steps:
  each:
    forEach: "\${params.n}"
    concurrency: 5
    stage: echo@1
    with: { value: "item\${item}", act: "\${index >= 10 ? 'hold' : 'progress'}" }
outputs: { count: "\${size(steps.each.items)}" }
`,
    'application/yaml',
  )
  const n = Array.from({ length: 20 }, (_, i) => i)
  const { id } = await post<RunView>(`${first.url}/v1/runs`, JSON.stringify({ workflow: 'list', params: { n } }))
  await Promise.all([10, 11, 12, 13, 14].map(async i => await echo.asked(`item${i}`)))
  await first.kill('SIGKILL')
  echo.release()
  const second = await start(t, echo.url, where)
  const events = await untilEnded(second.url, id)
  t.equal(events.at(-1)?.type, 'run.succeeded')
  t.match(await get(`${second.url}/v1/runs/${id}/outputs`), { count: 20 })
  t.same(
    n.filter(i => i < 10).map(i => echo.calls.get(`item${i}`)),
    Array.from({ length: 10 }, () => 1),
    'no finished item was called again',
  )
  t.equal(
    events.filter(({ type, step, data }) => type === 'step.started' && step === 'each' && !('item' in data)).length,
    1,
  )
})

for (const dies of ['takes', 'gives'])
  t.test(`an orchestrator that ${dies} calls of a list is killed, and the list is called to its end`, async t => {
    const echo = await startEcho(t)
    const where = { MESHWORK_DATABASE_URL: (await startPostgres(t)).url, MESHWORK_STAGE_CALLS_MAX: '4' }
    const [first, second] = [await start(t, echo.url, where), await start(t, echo.url, where)]
    await post(
      `${first.url}/v1/workflows`,
      `name: list
params: { n: { type: array } }
steps:
  each:
    forEach: "\${params.n}"
    concurrency: 40
    stage: echo@1
    with: { value: "item\${index}", act: hold }
outputs: { count: "\${size(steps.each.items)}" }
`,
      'application/yaml',
    )
    const n = Array.from({ length: 40 }, (_, i) => i)
    const { id } = await post<RunView>(`${first.url}/v1/runs`, JSON.stringify({ workflow: 'list', params: { n } }))
    while (echo.calls.size < 8) await new Promise(resolve => setTimeout(resolve, 5))
    const [dead, alive] = dies === 'takes' ? [second, first] : [first, second]
    await dead.kill('SIGKILL')
    echo.release()
    const events = await untilEnded(alive.url, id)
    t.equal(events.at(-1)?.type, 'run.succeeded')
    t.match(await get(`${alive.url}/v1/runs/${id}/outputs`), { count: 40 })
    const answered = events.filter(({ type, data }) => type === 'step.succeeded' && 'item' in data)
    t.equal(new Set(answered.map(({ data }) => data['item'])).size, 40)
    t.equal(answered.length, 40, 'each item has one output')
    t.notOk(events.some(({ type }) => type === 'step.retrying'))
  })

t.test('places of a stage that a killed orchestrator held are free at once', async t => {
  const echo = await startEcho(t)
  const where = { MESHWORK_DATABASE_URL: (await startPostgres(t)).url }
  const [first, second] = [await start(t, echo.url, where), await start(t, echo.url, where)]
  await request(`${first.url}/v1/stages/echo/limit`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{ "concurrency": 2 }',
  })
  await post(
    `${first.url}/v1/workflows`,
    `name: list
params: { n: { type: array } }
steps:
  each: { forEach: "\${params.n}", concurrency: 6, stage: echo@1, with: { value: "item\${index}", act: hold } }
`,
    'application/yaml',
  )
  const { id } = await post<RunView>(
    `${first.url}/v1/runs`,
    JSON.stringify({ workflow: 'list', params: { n: [1, 2, 3, 4, 5, 6] } }),
  )
  while (echo.times.length < 2) await new Promise(resolve => setTimeout(resolve, 5))
  const killed = performance.now()
  await first.kill('SIGKILL')
  while (echo.times.length < 3) await new Promise(resolve => setTimeout(resolve, 5))
  t.ok(performance.now() - killed < 5000, 'before it would have been silent for too long')
  echo.release()
  t.equal((await untilEnded(second.url, id)).at(-1)?.type, 'run.succeeded')
})

t.test('of two orchestrators on one database the one that lives takes over at once', async t => {
  const echo = await startEcho(t)
  const where = { MESHWORK_DATABASE_URL: (await startPostgres(t)).url }
  const [first, second] = [await start(t, echo.url, where), await start(t, echo.url, where)]
  const ids = await startRuns(first.url)
  await allHeld(echo)
  const killed = performance.now()
  await first.kill('SIGKILL')
  echo.release()
  await checkAll(t, second.url, ids, echo)
  t.ok(performance.now() - killed < 9000, 'before any lease had ended')
})

t.test('an orchestrator that is asked to end hands its runs over and ends well', async t => {
  const echo = await startEcho(t)
  const where = { MESHWORK_DATABASE_URL: (await startPostgres(t)).url }
  const [first, second] = [await start(t, echo.url, where), await start(t, echo.url, where)]
  const ids = await startRuns(first.url)
  await allHeld(echo)
  t.equal(await first.kill('SIGTERM'), 0)
  echo.release()
  await checkAll(t, second.url, ids, echo)
})

t.test('verbs that were acknowledged survive the death of the orchestrator at that moment', async t => {
  const echo = await startEcho(t)
  const where = { MESHWORK_DATABASE_URL: (await startPostgres(t)).url }
  const first = await start(t, echo.url, where)
  const ids = await startRuns(first.url)
  await allHeld(echo)
  const ask = async (url: string, id: string, verb: string, body = '{}') =>
    await post<RunView>(`${url}/v1/runs/${id}/${verb}`, body)
  const [cancelled, paused, ...rest] = ids as [string, string, ...string[]]
  await Promise.all([ask(first.url, cancelled, 'cancel'), ask(first.url, paused, 'pause')])
  await first.kill('SIGKILL')
  echo.release()
  const second = await start(t, echo.url, where)
  for (const id of rest) t.equal((await untilEnded(second.url, id)).at(-1)?.type, 'run.succeeded')
  t.equal((await untilEnded(second.url, cancelled)).at(-1)?.type, 'run.cancelled')
  t.equal(echo.calls.get('d0'), undefined, 'nothing started after the cancel')
  t.equal(echo.calls.get('d1'), undefined, 'nor after the pause')
  t.match(await get(`${second.url}/v1/runs/${paused}`), { status: 'paused' })

  const [rerun, forked] = rest as [string, string]
  await Promise.all([
    ask(second.url, paused, 'resume'),
    ask(second.url, rerun, 'rerun', '{"from":["b"]}'),
    ask(second.url, cancelled, 'retry'),
  ])
  const fork = await ask(second.url, forked, 'fork', '{"params":{"n":"fork"}}')
  await second.kill('SIGKILL')
  const third = await start(t, echo.url, where)
  for (const id of [paused, rerun, cancelled, fork.id]) {
    const events = await untilEnded(third.url, id)
    t.equal(events.at(-1)?.type, 'run.succeeded')
    t.same(
      events.map(event => event.id),
      events.map((_, i) => i + 1),
    )
  }
  t.same([echo.calls.get('a2'), echo.calls.get('b2'), echo.calls.get('d2')], [1, 2, 2], 'the rerun was done once')
})

t.test(
  'of two orchestrators that fire one schedule, one of which is killed, each second has one fire and one run',
  async t => {
    const echo = await startEcho(t)
    const where = { MESHWORK_DATABASE_URL: (await startPostgres(t)).url }
    const [first, second] = [await start(t, echo.url, where), await start(t, echo.url, where)]
    const tick =
      'name: tick\nparams: { at: { type: string } }\nsteps:\n  a: { stage: echo@1, with: { value: "${params.at}" } }\n'
    await post(`${first.url}/v1/workflows`, tick, 'application/yaml')
    const definition = { workflow: 'tick', cron: '* * * * * *', timeParam: 'at', overlap: 'allow', catchUp: 'all' }
    await request(`${first.url}/v1/schedules/seconds`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(definition),
    })
    const fires = async () =>
      (await get<{ items: FireView[] }>(`${second.url}/v1/schedules/seconds/fires?limit=1000`)).items
    const until = async (count: number) => {
      while ((await fires()).length < count) await new Promise(resolve => setImmediate(resolve))
    }
    await until(3)
    await first.kill('SIGKILL')
    await until(7)
    await post(`${second.url}/v1/schedules/seconds/pause`, '{}')
    const found = (await fires()).reverse()
    t.same(
      found.map(({ at }) => Date.parse(at)),
      found.map((_, i) => Date.parse(found[0]?.at ?? '') + 1000 * i),
      'no second is missing, none is there twice',
    )
    for (const { run, outcome } of found) {
      t.equal(outcome, 'started')
      t.equal((await untilEnded(second.url, run ?? '')).at(-1)?.type, 'run.succeeded')
    }
    const { items } = await get<{ items: RunView[] }>(`${second.url}/v1/runs?workflow=tick&limit=1000`)
    t.equal(items.length, found.length, 'one run for each')
    t.same(
      [...echo.calls.values()].filter(calls => calls !== 1).length <= 1,
      true,
      'only a call in flight at the kill may have come twice',
    )
  },
)
