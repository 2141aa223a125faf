import { StageInfo, compile, Problem } from '@meshwork/contracts'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { logCapture, stageApp, startStage, temporaryStore } from '../../src/testing/index.ts'
import { counts, inline, stage } from '../fixture/probe.ts'

const module = new URL('../fixture/probe.ts', import.meta.url)
const post = (body: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST' as const,
  url: '/v1/probe',
  headers: { 'content-type': 'application/json', ...headers },
  payload: typeof body === 'string' ? body : JSON.stringify(body),
})
const isProblem = (t: Test, answer: { body: string; headers: Record<string, unknown> }, code: string) => {
  t.match(answer.headers['content-type'], /^application\/problem\+json/)
  const body = JSON.parse(answer.body) as Problem
  t.same(compile(Problem).check(body), [])
  t.equal(body.code, code)
  return body
}

t.test('the protocol, without a socket', async t => {
  const { app, readiness } = await stageApp(t, inline, module)

  await t.test('work is answered with the output, its version and hashes', async t => {
    const answer = await app.inject(post({ act: 'echo', value: 5 }))
    t.equal(answer.statusCode, 200)
    t.match(answer.json(), { value: 5, rows: 7 })
    t.equal(answer.headers['meshwork-stage-version'], '1.2.3')
    t.match(answer.headers['meshwork-input-hash'], /^[0-9a-f]{64}$/)
    t.match(answer.headers['meshwork-output-hash'], /^[0-9a-f]{64}$/)
    const again = await app.inject(post('{"value":5,"act":"echo"}'))
    t.equal(
      again.headers['meshwork-input-hash'],
      answer.headers['meshwork-input-hash'],
      'the order of keys does not matter',
    )
  })

  await t.test('what does not fit the contract is refused with its place', async t => {
    const answer = await app.inject(post({ act: 'ecko', vlaue: 1 }))
    t.equal(answer.statusCode, 400)
    const { errors } = isProblem(t, answer, 'MESHWORK_REQUEST_INVALID')
    t.same(
      errors?.map(({ pointer }) => pointer),
      ['/act', '/vlaue'],
    )
    t.match(answer.body, /did you mean \\"echo\\"/)
  })

  for (const [title, options, status, code] of [
    ['a body that is not JSON', post('{"act":'), 400, 'MESHWORK_REQUEST_NOT_JSON'],
    ['an empty body', post(''), 400, 'MESHWORK_REQUEST_NOT_JSON'],
    ['a poisoned prototype', post('{"act":"echo","__proto__":{"x":1}}'), 400, 'MESHWORK_REQUEST_NOT_JSON'],
    ['another media type', post('a,b', { 'content-type': 'text/csv' }), 415, 'MESHWORK_REQUEST_MEDIA_TYPE'],
    ['a body over the limit', post(JSON.stringify({ act: 'x'.repeat(1_100_000) })), 413, 'MESHWORK_REQUEST_TOO_LARGE'],
    ['an unknown route', { method: 'GET', url: '/v1/nothing' }, 404, 'MESHWORK_ROUTE_UNKNOWN'],
    [
      'a timeout that is not a number',
      post({ act: 'echo' }, { 'meshwork-timeout': '10s' }),
      400,
      'MESHWORK_STAGE_TIMEOUT_INVALID',
    ],
    [
      'planning, where the stage has none',
      { ...post({}), url: '/v1/probe/plan' },
      501,
      'MESHWORK_STAGE_PLAN_UNSUPPORTED',
    ],
    ['a failure the stage foresaw', post({ act: 'fail' }), 422, 'PROBE_FAILED'],
    ['a failure it did not', post({ act: 'throw' }), 500, 'MESHWORK_INTERNAL'],
    ['an output that breaks the contract', post({ act: 'wrong' }), 500, 'MESHWORK_STAGE_OUTPUT_INVALID'],
  ] as const)
    await t.test(`${title} is answered with ${code}`, async t => {
      const answer = await app.inject(options)
      t.equal(answer.statusCode, status)
      isProblem(t, answer, code)
      t.notMatch(answer.body, /secret detail/)
    })

  await t.test('time that is spent stops the work', async t => {
    const answer = await app.inject(post({ act: 'wait' }, { 'meshwork-timeout': '50' }))
    t.equal(answer.statusCode, 504)
    t.equal(isProblem(t, answer, 'MESHWORK_STAGE_DEADLINE').retryable, true)
  })

  await t.test('it says what it is, how it is and what it counts', async t => {
    const info = (await app.inject('/v1/stage')).json<StageInfo>()
    t.same(compile(StageInfo).check(info), [])
    t.match(info, { name: 'probe', version: '1.2.3', contracts: [{ major: 1, path: '/v1/probe' }] })
    t.equal((await app.inject('/healthz')).statusCode, 200)
    t.equal((await app.inject('/readyz')).statusCode, 200)
    const metrics = (await app.inject('/metrics')).body
    t.match(metrics, /meshwork_stage_runs_total\{stage="probe",version="1.2.3",result="succeeded",code="ok"\} 2/)
    t.match(metrics, /meshwork_stage_runs_total\{.*code="PROBE_FAILED"\} 1/)
    t.match(metrics, /meshwork_http_request_duration_seconds_bucket/)
    t.match((await app.inject('/openapi.json')).json(), {
      openapi: /^3\.1/,
      paths: { '/v1/probe': { post: { operationId: 'probe' } } },
      components: { schemas: { ProbeInput: { type: 'object' }, Problem: { type: 'object' } } },
    })
    t.equal((await app.inject('/docs/')).statusCode, 200)
  })

  await t.test('while it drains it takes no work and says so', async t => {
    readiness.phase = 'draining'
    t.equal((await app.inject('/readyz')).statusCode, 503)
    const answer = await app.inject(post({ act: 'echo' }))
    t.equal(answer.statusCode, 503)
    t.equal(answer.headers['retry-after'], '1')
    isProblem(t, answer, 'MESHWORK_NOT_READY')
  })
})

t.test('calls with one key', async t => {
  const store = await temporaryStore(t)
  const first = await stageApp(t, inline, module, { store })
  const second = await stageApp(t, inline, module, { store })
  const call = (app: typeof first.app, value: number, key: string) =>
    app.inject(post({ act: 'echo', value }, { 'idempotency-key': key }))

  await t.test('the work is done once, whichever replica is asked, also after a restart', async t => {
    counts.started = 0
    const answers = [await call(first.app, 1, 'a'), await call(first.app, 1, 'a'), await call(second.app, 1, 'a')]
    for (const answer of answers) t.match(answer.json(), { value: 1 })
    t.equal(counts.started, 1)
  })

  await t.test('calls at the same time join one piece of work, in one process and across replicas', async t => {
    counts.started = 0
    await Promise.all(Array.from({ length: 10 }, (_, i) => call(i % 2 ? first.app : second.app, 2, 'b')))
    t.equal(counts.started, 1)
  })

  await t.test('the same key with another body is refused', async t => {
    isProblem(t, await call(second.app, 99, 'a'), 'MESHWORK_STAGE_KEY_REUSED')
  })

  await t.test('a failure is not kept: the next call tries anew', async t => {
    counts.started = 0
    const failing = () => first.app.inject(post({ act: 'fail' }, { 'idempotency-key': 'c' }))
    t.equal((await failing()).statusCode, 422)
    t.equal((await failing()).statusCode, 422)
    t.equal(counts.started, 2)
  })
})

t.test('on the wire', async t => {
  const { log, lines } = logCapture('probe')
  const { url } = await startStage(t, inline, module, { log, concurrency: 1, queue: 1 })
  const send = (body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    request(`${url}/v1/probe`, { ...post(body, headers), body: JSON.stringify(body), signal: signal ?? null })

  await t.test('progress comes as events, the last of them and then the result', async t => {
    const { body, headers } = await send({ act: 'rows' }, { accept: 'text/event-stream' })
    t.match(headers['content-type'], /^text\/event-stream/)
    const text = await body.text()
    const events = [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, event, data]) => ({
      event,
      data: JSON.parse(data as string) as object,
    }))
    t.match(events.at(-1), {
      event: 'result',
      data: { output: { rows: 7 }, version: '1.2.3', inputHash: /^[0-9a-f]{64}$/ },
    })
    t.match(events.at(-2), { event: 'progress', data: { fraction: 1, rows: 50 } })
    t.ok(events.length < 10, 'fifty reports were thinned')
  })

  await t.test('where JSON is accepted, too, a result that comes before any event is plain JSON', async t => {
    const both = { accept: 'text/event-stream, application/json' }
    const plain = await send({ act: 'echo', value: 3 }, both)
    t.match(plain.headers, { 'content-type': /^application\/json/, 'meshwork-stage-version': '1.2.3' })
    t.match(plain.headers['meshwork-output-hash'], /^[0-9a-f]{64}$/)
    await plain.body.dump()
    const told = await send({ act: 'rows' }, both)
    t.match(told.headers['content-type'], /^text\/event-stream/, 'what has something to tell streams it')
    t.match(await told.body.text(), /event: progress\n[^]*event: result\n/)
  })

  await t.test('a failure comes as a problem event', async t => {
    const { body } = await send({ act: 'fail' }, { accept: 'text/event-stream' })
    t.match(await body.text(), /event: problem\ndata: \{.*"code":"PROBE_FAILED"/)
  })

  await t.test('work that nobody waits for any more is stopped, and its place is free again', async t => {
    const stop = new AbortController()
    const startedBefore = lines.filter(line => line['msg'] === 'started').length
    const gone = send({ act: 'wait' }, {}, stop.signal)
    while (lines.filter(line => line['msg'] === 'started').length === startedBefore)
      await new Promise(resolve => setImmediate(resolve))
    stop.abort()
    await t.rejects(gone)
    t.equal((await send({ act: 'echo' })).statusCode, 200, 'it got the only place')
    t.match(lines.filter(line => line['msg'] === 'failed').at(-1), { code: 'MESHWORK_STAGE_CANCELLED' })
  })

  await t.test('past the queue a call is refused at once with the time to come back', async t => {
    const stop = new AbortController()
    const held = [send({ act: 'wait', value: 1 }, {}, stop.signal), send({ act: 'wait', value: 2 }, {}, stop.signal)]
    for (const call of held) call.catch(() => {})
    for (;;) {
      const { body } = await request(`${url}/metrics`)
      if (/meshwork_stage_in_flight\{stage="probe"\} 1/.test(await body.text())) break
    }
    let refused = await send({ act: 'echo' })
    while (refused.statusCode === 200) refused = await send({ act: 'echo' })
    t.equal(refused.statusCode, 503)
    t.equal(refused.headers['retry-after'], '1')
    await refused.body.dump()
    stop.abort()
    await Promise.allSettled(held)
  })

  await t.test('a log line says which run, step, attempt and data it is about', async t => {
    const call = () =>
      send(
        { act: 'echo', value: 3 },
        {
          'meshwork-run': 'r1',
          'meshwork-step': 'clean',
          'meshwork-attempt': '2',
          traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
        },
      )
    let answer = await call()
    while (answer.statusCode === 503) {
      await answer.body.dump() // the places that the test before held come free when its callers are seen to be gone
      answer = await call()
    }
    await answer.body.dump()
    t.match(
      lines.find(line => line['runId'] === 'r1' && line['msg'] === 'succeeded'),
      {
        level: 'info',
        module: 'probe',
        runId: 'r1',
        step: 'clean',
        attempt: 2,
        traceId: 'a'.repeat(32),
        inputHash: /^[0-9a-f]{64}$/,
        outputHash: /^[0-9a-f]{64}$/,
        rows: 7,
        msg: 'succeeded',
        time: /^\d{4}-\d\d-\d\dT/,
      },
    )
  })
})

t.test('in worker processes', async t => {
  const { app } = await stageApp(t, stage, module, { workerMemoryBytes: 400e6, concurrency: 2 })
  const run = async (body: unknown, headers: Record<string, string> = {}) => await app.inject(post(body, headers))

  await t.test('the work is done in another process, which is kept', async t => {
    const [a, b] = [await run({ act: 'echo', value: 1 }), await run({ act: 'echo', value: 2 })]
    t.not(a.json<{ pid: number }>().pid, process.pid)
    t.equal(a.json<{ pid: number }>().pid, b.json<{ pid: number }>().pid)
  })

  await t.test(
    'a failure comes back as it was',
    async t => isProblem(t, await run({ act: 'fail' }), 'PROBE_FAILED') && undefined,
  )

  await t.test('a worker that dies is one failed call, and may be tried again', async t => {
    t.equal(isProblem(t, await run({ act: 'exit' }), 'MESHWORK_STAGE_CRASHED').retryable, true)
    t.equal((await run({ act: 'echo' })).statusCode, 200)
  })

  await t.test('a worker that eats memory is stopped, and the service goes on', async t => {
    isProblem(t, await run({ act: 'eat' }), 'MESHWORK_STAGE_MEMORY')
    t.equal((await run({ act: 'echo' })).statusCode, 200)
  })

  await t.test('code that never looks up is killed when its time is spent', async t => {
    isProblem(t, await run({ act: 'spin' }, { 'meshwork-timeout': '100' }), 'MESHWORK_STAGE_DEADLINE')
    t.equal((await run({ act: 'echo' })).statusCode, 200)
  })
})
