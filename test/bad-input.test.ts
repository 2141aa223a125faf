// What goes wrong at the hands of users, sent through the gateway of a real mesh: each ends with a clear problem, the
// run in a final state, and all services still there to do good work.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { ArtefactRef, RunView } from '@meshwork/contracts'
import t from 'tap'
import { request } from 'undici'
import { flightsParquet } from '../launcher/src/demo/flights-file.ts'
import { repository, startMesh } from '../launcher/src/mesh.ts'
import { seedMesh } from '../launcher/src/seed.ts'

const ingest = 'ingest: { stage: ingest@1, with: { source: "${params.source}" } }'
const on = (step: string) => `name: bad\nparams: { source: { type: artefact } }\nsteps:\n  ${ingest}\n  a: ${step}\n`
const onlyIngest = (more = '') =>
  `name: bad\nparams: { source: { type: artefact } }\nsteps:\n  ingest: { stage: ingest@1, with: { source: "\${params.source}"${more} } }\n`
const data = 'dataset: "${steps.ingest.dataset}"'
const good = 'name,n,x\nann,1,0.5\nbob,2,1.5\ncid,3,2.5\n'
const expression = (text: string) =>
  on(`{ stage: features@2, with: { ${data}, columns: { y: ${JSON.stringify(text)} } } }`)
const givenExpression = on(`{ stage: features@2, with: { ${data}, columns: { y: "\${params.text}" } } }`).replace(
  'source: {',
  'text: { type: string }, source: {',
)
const growing = Array.from({ length: 8 }).reduce<string>(
  inner => `replace(${inner}, 'a', '${'a'.repeat(64)}')`,
  "'aaaaaaaaaaaaaaaa' || name",
)

const cases: readonly (readonly [
  title: string,
  file: string | Buffer,
  workflow: string,
  code: string,
  detail: RegExp,
  /** The parameter `text` of the run. */
  text?: string,
])[] = [
  [
    'ragged rows',
    'a,b\n1,2\n3\n4,5,6\n7,8\n',
    onlyIngest(', format: csv, maxRejects: 1'),
    'MESHWORK_INGEST_REJECTS',
    /2 .*1/,
  ],
  [
    'bytes of another encoding',
    Buffer.from('name,n\nM\xfcller,1\n', 'latin1'),
    onlyIngest(),
    'MESHWORK_INGEST_ENCODING',
    /latin-1|windows-1252/,
  ],
  [
    'a truncated Parquet',
    readFileSync(flightsParquet()).subarray(0, 200_000),
    onlyIngest(),
    'MESHWORK_INGEST_UNREADABLE',
    /./,
  ],
  [
    'a truncated gzip',
    gzipSync(`a,b\n${'1,2\n'.repeat(100_000)}`).subarray(0, 200),
    onlyIngest(),
    'MESHWORK_INGEST_COMPRESSION',
    /gzip/,
  ],
  [
    '10,000 columns',
    `${Array.from({ length: 10_000 }, (_, i) => `c${i}`).join()}\n${Array.from({ length: 10_000 }, () => '1').join()}\n`,
    onlyIngest(),
    'MESHWORK_DATASET_COLUMNS',
    /10000.*1024/,
  ],
  ['a field of 50 MB', `a,b\n"${'x'.repeat(50_000_000)}",1\n`, onlyIngest(), 'MESHWORK_INGEST_RECORD_SIZE', /./],
  [
    'a column that is not there',
    good,
    on(`{ stage: clean@1, with: { ${data}, rules: [{ rule: drop, columns: [nmae] }] } }`),
    'MESHWORK_COLUMN_MISSING',
    /"nmae".*did you mean "name"/,
  ],
  [
    'texts where numbers are needed',
    good,
    on(`{ stage: inference@1, with: { ${data}, model: seed, inputs: { input: [name, n, x, x] } } }`),
    'MESHWORK_COLUMN_TYPE',
    /"name"/,
  ],
  [
    'a value that cannot be cast',
    good,
    on(`{ stage: clean@1, with: { ${data}, rules: [{ rule: cast, columns: { name: int64 } }] } }`),
    'MESHWORK_CLEAN_CAST_FAILED',
    /ann/,
  ],
  [
    'an expression that reads a file',
    good,
    givenExpression,
    'MESHWORK_EXPRESSION_INVALID',
    /read_text/,
    "read_text('/etc/passwd')",
  ],
  [
    'an expression that calls the network',
    good,
    givenExpression,
    'MESHWORK_EXPRESSION_INVALID',
    /read_csv/,
    "read_csv('http://127.0.0.1/x.csv')",
  ],
  [
    'an expression with a query inside',
    good,
    givenExpression,
    'MESHWORK_EXPRESSION_INVALID',
    /sub-query/,
    '(select count(*) from range(3))',
  ],
  [
    'an expression that asks for settings',
    good,
    givenExpression,
    'MESHWORK_EXPRESSION_INVALID',
    /current_setting/,
    "current_setting('allowed_directories')",
  ],
  ['an expression that eats memory', good, expression(growing), 'MESHWORK_STAGE_MEMORY', /memory/],
  [
    'a gate that is broken',
    'y,p\ntrue,0.1\nfalse,0.9\n',
    on(
      `{ stage: evaluate@1, with: { ${data}, task: classification, target: y, score: p, gates: [{ metric: accuracy, min: 0.9 }] } }`,
    ),
    'MESHWORK_EVALUATE_GATE',
    /accuracy.*0\.9/,
  ],
]

/** What is wrong whatever the file holds: no run begins. */
const refused: readonly (readonly [title: string, workflow: string, code: string, detail: RegExp])[] = [
  [
    'a model that is not ONNX',
    on(`{ stage: inference@1, with: { ${data}, model: broken, inputs: { input: [n] } } }`),
    'MESHWORK_INFERENCE_MODEL_UNREADABLE',
    /broken/,
  ],
  [
    'a model that is not there',
    on(`{ stage: inference@1, with: { ${data}, model: seeed } }`),
    'MESHWORK_INFERENCE_MODEL_UNKNOWN',
    /seed/,
  ],
  [
    'a version that is not there',
    on(`{ stage: inference@1, with: { ${data}, model: seed, version: 7 } }`),
    'MESHWORK_INFERENCE_VERSION_UNKNOWN',
    /1/,
  ],
  [
    'a parameter of a stage that is misspelt',
    on(`{ stage: aggregate@1, with: { ${data}, mesures: {} } }`),
    'unknown-input',
    /did you mean "measures"/,
  ],
  [
    'a reference to a field that is not there',
    on(`{ stage: clean@1, with: { dataset: "\${steps.ingest.datasett}", rules: [{ rule: dropNulls }] } }`),
    'unknown-property',
    /datasett/,
  ],
  [
    'an expression that reads a file',
    expression("read_text('/etc/passwd')"),
    'MESHWORK_EXPRESSION_INVALID',
    /read_text/,
  ],
]

t.test('bad input', { timeout: 170_000 }, async t => {
  const models = join(t.testdir({ mesh: {}, models: {} }), 'models')
  for (const name of ['seed', 'flight-delay'])
    cpSync(join(repository, 'models', name), join(models, name), { recursive: true })
  mkdirSync(join(models, 'broken/1'), { recursive: true })
  const text = 'this is no model'
  const manifest = {
    schema: 'meshwork.model/1',
    name: 'broken',
    version: 1,
    file: 'model.onnx',
    sha256: createHash('sha256').update(text).digest('hex'),
    bytes: text.length,
    inputs: [{ name: 'input', type: 'float32', shape: [-1, 1] }],
    outputs: [{ name: 'y', type: 'float32', shape: [-1, 1] }],
  }
  writeFileSync(join(models, 'broken/1/model.onnx'), text)
  writeFileSync(join(models, 'broken/1/manifest.json'), JSON.stringify(manifest))

  const folder = join(t.testdirName, 'mesh')
  const restarts: string[] = []
  const stageEnv = { MESHWORK_MODELS_DIR: models, MESHWORK_WORKER_MEMORY_BYTES: '500000000' }
  const mesh = await startMesh({
    folder,
    logLevel: 'silent',
    stageEnv,
    onLine: () => {},
    onRestart: name => restarts.push(name),
  })
  t.teardown(() => mesh.end())
  await seedMesh(mesh.url)

  const send = async <T>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: T }> => {
    const answer = await request(`${mesh.url}${path}`, { method, body: method === 'GET' ? null : body, headers })
    return { status: answer.statusCode, body: (await answer.body.json()) as T }
  }
  const json = { 'content-type': 'application/json' }
  const upload = async (file: string | Buffer) =>
    (await send<{ upload: ArtefactRef }>('PUT', '/v1/datasets', file)).body.upload
  const register = async (workflow: string) =>
    await send<{ code: string; detail: string; errors: { code: string }[] }>('POST', '/v1/workflows', workflow, {
      'content-type': 'application/yaml',
    })
  const run = async (workflow: string, params: object) =>
    (await send<RunView>('POST', '/v1/runs', JSON.stringify({ workflow, params }), { ...json, prefer: 'wait=60' })).body

  for (const [title, file, workflow, code, detail, text] of cases)
    await t.test(`${title}: ${code}`, async t => {
      const registered = await register(workflow)
      t.ok(registered.status < 300, registered.body.detail)
      const ended = await run('bad', { source: await upload(file), ...(text !== undefined && { text }) })
      t.match(ended, { status: 'failed', problem: { code, detail, retryable: false } }, JSON.stringify(ended.problem))
      t.ok((ended.problem?.detail.length ?? 0) < 2500, 'a detail that can be read')
    })

  for (const [title, workflow, code, detail] of refused)
    await t.test(`${title}: ${code}, before a run`, async t => {
      const { status, body } = await register(workflow)
      t.equal(status, 422)
      t.equal(body.code, 'MESHWORK_WORKFLOW_INVALID')
      t.match(
        body.errors.find(error => error.code === code),
        { detail, line: 5 },
        JSON.stringify(body),
      )
    })

  await t.test('an empty file is refused when it is uploaded', async t => {
    t.match(await send('PUT', '/v1/datasets', ''), {
      status: 422,
      body: { code: 'MESHWORK_INGEST_EMPTY', detail: /no content/ },
    })
  })

  await t.test('a header without rows is a table without rows', async t => {
    await register(onlyIngest(', format: csv, csv: { header: true }'))
    t.match(await run('bad', { source: await upload('name,n\n') }), { status: 'succeeded' })
  })

  await t.test('stages that are down or garbage are told by their address', async t => {
    const server = createServer((_, res) => res.end('hello'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    const garbage = await send('POST', '/v1/stages', JSON.stringify({ url }), json)
    t.match(garbage, { status: 422, body: { code: 'MESHWORK_STAGE_NOT_ONE' } })
    server.close()
    const down = await send('POST', '/v1/stages', JSON.stringify({ url }), json)
    t.match(down, { status: 422, body: { code: 'MESHWORK_STAGE_NOT_ONE', detail: /ECONNREFUSED/ } })
  })

  for (const [title, workflow, code, detail] of [
    [
      'a circle',
      'name: c\nsteps:\n  a: { stage: clean@1, needs: [b] }\n  b: { stage: clean@1, needs: [a] }\n',
      'MESHWORK_WORKFLOW_INVALID',
      /a → b → a/,
    ],
    [
      'a stage that nobody serves',
      'name: c\nsteps:\n  a: { stage: claen@1 }\n',
      'MESHWORK_WORKFLOW_INVALID',
      /line 3.*did you mean "clean"/,
    ],
    ['a document that is not YAML', 'name: [', 'MESHWORK_WORKFLOW_UNREADABLE', /line 1/],
    ['a document over the limit', `name: c # ${'x'.repeat(300_000)}`, 'MESHWORK_REQUEST_TOO_LARGE', /./],
  ] as const)
    await t.test(`${title}: ${code}`, async t => {
      const { status, body } = await register(workflow)
      t.ok(status >= 400 && status < 500)
      t.match(body, { code, detail })
    })

  await t.test('a body over the limit says what to do instead', async t => {
    const { status, body } = await send(
      'POST',
      '/v1/runs',
      JSON.stringify({ workflow: 'seed', params: { source: 'x'.repeat(2_000_000) } }),
      json,
    )
    t.match(
      { status, body },
      { status: 413, body: { code: 'MESHWORK_REQUEST_TOO_LARGE', detail: /PUT \/v1\/datasets/ } },
    )
  })

  await t.test('after all of it the services are the same, nothing lies about, and good work is done', async t => {
    const source = await upload(readFileSync(join(repository, 'models/seed/input.csv')))
    t.match(await run('seed', { source }), { status: 'succeeded' })
    t.same(restarts, [], 'no service has died')
    t.same(readdirSync(join(folder, 'store', 'tmp')), [], 'nothing is left of what was stopped')
  })
})
