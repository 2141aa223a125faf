// Contracts against live stages: what a new version would break, what a plan cannot say, and what an answer may hold.

import type { ReplacementCheck, RunView, Validation } from '@meshwork/contracts'
import { defineStage, type StageOptions } from '@meshwork/kit'
import { startStage, type TestScope } from '@meshwork/kit/testing'
import { pino } from 'pino'
import t from 'tap'
import Type, { type TSchema } from 'typebox'
import { createOrchestrator, type Orchestrator } from '../src/app.ts'

type Parts = Partial<StageOptions<TSchema, TSchema>>
const Input = Type.Object(
  { value: Type.Number(), label: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
/** Open on purpose: it may answer more than it says. */
const Output = Type.Object({ half: Type.Number(), inner: Type.Object({ n: Type.Integer() }) })

const halve = async (t: TestScope, parts: Parts = {}): Promise<string> => {
  const stage = defineStage<TSchema, TSchema>({
    name: 'halve',
    version: '1.0.0',
    summary: 'Halves.',
    input: Input,
    output: Output,
    run: async input => {
      const { value } = input as { value: number }
      return { half: value / 2, inner: { n: 1, secret: 'x' }, extra: true }
    },
    ...parts,
  })
  return (await startStage(t, stage, import.meta.url)).url
}

async function open(t: TestScope & { testdir(): string }, url: string): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({
    stateFolder: `${t.testdir()}/state`,
    stages: [{ stage: 'halve', url }],
    runsMax: 10,
    callsMax: 10,
    eventStreamsMax: 10,
    log: pino({ level: 'silent' }),
  })
  await orchestrator.start()
  t.teardown(async () => {
    await orchestrator.app.close()
    await orchestrator.stop()
  })
  return orchestrator
}

const workflow = `name: twice
params: { x: { type: number, default: 4 } }
steps:
  a: { stage: halve@1, with: { value: "\${params.x}" } }
  b: { stage: halve@1, with: { value: "\${steps.a.half * 2.0}", label: "\${steps.a.half}" } }
outputs: { inner: "\${steps.a.inner}", sum: "\${steps.a.half + steps.b.half}" }
`

t.test('against live stages', async t => {
  const orchestrator = await open(t, await halve(t))
  const post = async (url: string, payload: string | object, type = 'application/json') =>
    await orchestrator.app.inject({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': type, prefer: 'wait=20' },
    })
  const yaml = (url: string, source: string) => post(url, source, 'application/yaml')

  await t.test('a text made of one number is a text only where more stands around it', async t => {
    const { valid, diagnostics } = (await yaml('/v1/workflows:validate', workflow)).json<Validation>()
    t.notOk(valid)
    t.match(
      diagnostics.filter(({ severity }) => severity === 'error'),
      [{ code: 'edge-mismatch', step: 'b' }],
    )
  })

  const right = workflow.replace('label: "${steps.a.half}"', 'label: "is ${steps.a.half}"')
  await t.test('a stage without a plan is said, and does not hinder', async t => {
    const { valid, columns, diagnostics } = (await yaml('/v1/workflows:validate', right)).json<Validation>()
    t.ok(valid)
    t.equal(columns, 'partly')
    t.match(diagnostics, [{ severity: 'warning', code: 'columns-not-checked', step: 'a' }, { step: 'b' }])
    t.equal((await yaml('/v1/workflows', right)).statusCode, 201)
  })

  await t.test(
    'a number that happens to be whole is still a fraction, and only what was promised is passed on',
    async t => {
      const run = (await post('/v1/runs', { workflow: 'twice', params: { x: 4 } })).json<RunView>()
      t.equal(run.status, 'succeeded', JSON.stringify(run.problem))
      t.same(run.outputs, { inner: { n: 1 }, sum: 4 })
    },
  )

  const check = async (parts: Parts) =>
    (await post('/v1/stages:check', { url: await halve(t, parts) })).json<ReplacementCheck>()

  await t.test('a new version that keeps its promises is safe', async t => {
    const input = Type.Object(
      { ...Input.properties, more: Type.Optional(Type.Integer()) },
      { additionalProperties: false },
    )
    t.match(await check({ version: '1.1.0', input }), {
      stage: 'halve',
      version: '1.1.0',
      replaces: '1.0.0',
      safe: true,
      contract: [],
      checked: 1,
      breaks: [],
    })
  })

  await t.test('a new version that breaks a workflow is told before it is deployed, with the line', async t => {
    const input = Type.Object({ ...Input.properties, unit: Type.String() }, { additionalProperties: false })
    const output = Type.Object({ quotient: Type.Number(), inner: Type.Object({ n: Type.Integer() }) })
    const answer = await check({ version: '1.2.0', input, output })
    t.notOk(answer.safe)
    t.ok(answer.contract.some(({ where }) => where.startsWith('halve@1 input')))
    t.ok(answer.contract.some(({ where }) => where.startsWith('halve@1 output')))
    t.match(answer.breaks, [{ workflow: 'twice', version: 1 }])
    const codes = new Set(answer.breaks[0]?.diagnostics.map(({ code, line }) => `${code} ${line}`))
    t.ok(codes.has('missing-input 4') && codes.has('unknown-property 5'), [...codes].join())
  })

  await t.test('a new version without the major that workflows use', async t => {
    t.match(await check({ version: '2.0.0' }), {
      safe: false,
      contract: [{ rule: 'major-removed', where: 'halve@1' }],
      breaks: [{ diagnostics: [{ code: 'unknown-major', line: 4 }, { line: 5 }] }],
    })
  })

  await t.test('an address that is no stage is told', async t => {
    t.match((await post('/v1/stages:check', { url: 'http://127.0.0.1:1' })).json(), { code: 'MESHWORK_STAGE_NOT_ONE' })
  })
})

t.test('an answer that does not fit what the stage promised fails the step as its fault, with the path', async t => {
  // The kit would not let it out, so it is spoken by hand.
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => {
    const info = {
      name: 'halve',
      version: '1.0.0',
      summary: 'Lies.',
      contracts: [{ major: 1, path: '/v1/halve', input: Input, output: Output }],
      columns: { requires: [], produces: [] },
      capabilities: { plan: false, progress: false, idempotency: false },
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.method === 'GET' ? info : { half: 'much', inner: { n: 1.5 } }))
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const orchestrator = await open(t, `http://127.0.0.1:${port}`)
  const inject = async (url: string, payload: string, type: string) =>
    await orchestrator.app.inject({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': type, prefer: 'wait=20' },
    })
  const source = 'name: lie\nsteps:\n  a: { stage: halve@1, with: { value: 1 }, retry: { attempts: 1 } }\n'
  t.equal((await inject('/v1/workflows', source, 'application/yaml')).statusCode, 201)
  t.match((await inject('/v1/runs', '{"workflow":"lie"}', 'application/json')).json(), {
    status: 'failed',
    problem: { code: 'MESHWORK_STEP_ANSWER_INVALID', detail: /\/half .*\/inner\/n/ },
  })
})
