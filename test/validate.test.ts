// meshwork validate and meshwork plan, as a user runs them, against a real mesh: a fault in each step of the flight
// workflow is found before a run, at its line.

import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ArtefactRef, Validation, WorkflowPlan } from '@meshwork/contracts'
import t from 'tap'
import { request } from 'undici'
import { flightsParquet } from '../launcher/src/demo/flights-file.ts'
import { repository, startMesh } from '../launcher/src/mesh.ts'
import { seedMesh } from '../launcher/src/seed.ts'

const folder = t.testdir()
const flights = readFileSync(join(repository, 'workflows', 'flight-delays.yaml'), 'utf8')

/** Step, what is replaced by what, and the code that must be told on that line. */
const planted: readonly (readonly [step: string, from: string, to: string, code: string])[] = [
  ['ingest', '{ name: delay, type: int64 }', '{ name: delay, type: int46 }', 'invalid-value'],
  ['ingest', 'maxRejects: 1000', 'maxRejects: -1', 'invalid-value'],
  ['clean', 'where: distance > 0', 'where: distanc > 0', 'MESHWORK_COLUMN_MISSING'],
  ['clean', '{ rule: dropNulls }', '{ rule: dropNulls, columns: [orign] }', 'MESHWORK_COLUMN_MISSING'],
  ['features', 'dataset: "${steps.clean.dataset}"', 'dataset: "${steps.clean.datset}"', 'unknown-property'],
  ['features', 'fit: { artefact: "${params.encoders}" }', 'columns: { h: hour(dat) }', 'MESHWORK_COLUMN_MISSING'],
  ['predict', 'model: "${params.model}"', 'model: flight-dealy', 'MESHWORK_INFERENCE_MODEL_UNKNOWN'],
  ['predict', 'version: "${params.modelVersion}"', 'version: 9', 'MESHWORK_INFERENCE_VERSION_UNKNOWN'],
  ['predict', 'version: "${params.modelVersion}"', 'version: "${params.model}"', 'edge-mismatch'],
  [
    'predict',
    'version: "${params.modelVersion}"',
    'inputs: { X: [hour, minute_of_day, weekday, distance_miles, origin, destination_rate, origin_frequency] }',
    'MESHWORK_COLUMN_TYPE',
  ],
  ['postprocess', 'column: probability', 'column: probabilty', 'MESHWORK_COLUMN_MISSING'],
  ['postprocess', 'column: probability', 'column: origin', 'MESHWORK_COLUMN_TYPE'],
  ['evaluate', 'target: delayed', 'target: delaied', 'MESHWORK_COLUMN_MISSING'],
  ['evaluate', '{ metric: rocAuc, min: 0.6 }', '{ metric: mae, max: 1 }', 'MESHWORK_EVALUATE_REQUEST'],
  ['by_origin', 'groupBy: [origin]', 'groupBy: [orign]', 'MESHWORK_COLUMN_MISSING'],
  [
    'by_origin',
    'late: { measure: share, of: delay > 15 }',
    'late: { measure: share, of: delay }',
    'MESHWORK_AGGREGATE_MEASURE',
  ],
  [
    'by_hour',
    'groupBy: [{ expression: hour(date), as: hour }]',
    'groupBy: [{ expression: hour(dat), as: hour }]',
    'MESHWORK_COLUMN_MISSING',
  ],
  ['report', 'columns: [date, origin', 'columns: [dat, origin', 'MESHWORK_COLUMN_MISSING'],
  [
    'report',
    'charts: [{ type: bar, x: origin, y: [late, predicted]',
    'charts: [{ type: bar, x: origin, y: [origin, predicted]',
    'MESHWORK_REPORT_SECTION',
  ],
  ['report', 'evaluation: "${steps.evaluate.evaluation}"', 'evaluation: "${steps.evaluate.metrics}"', 'edge-mismatch'],
]

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

const meshwork = async (url: string, ...args: string[]): Promise<Ended> =>
  await new Promise(resolve => {
    const file = join(repository, 'orchestrator', 'src', 'cli', 'main.ts')
    execFile(process.execPath, [file, ...args], { env: { ...process.env, MESHWORK_URL: url } }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    )
  })

t.test('against a mesh', async t => {
  const mesh = await startMesh({ folder: join(folder, 'mesh'), logLevel: 'warn', onLine: () => {} })
  t.teardown(async () => await mesh.end())
  await seedMesh(mesh.url)
  const validate = async (source: string): Promise<Validation> => {
    const answer = await request(`${mesh.url}/v1/workflows:validate`, {
      method: 'POST',
      headers: { 'content-type': 'application/yaml' },
      body: source,
    })
    return (await answer.body.json()) as Validation
  }

  for (const [step, from, to, code] of planted)
    await t.test(`${step}: ${to.slice(0, 60)} is told as ${code} at its line`, async t => {
      t.ok(flights.includes(`  ${step}:`) && flights.includes(from), 'the workflow has what is replaced')
      const at = flights.indexOf(from, flights.indexOf(`\n  ${step}:`))
      const source = flights.slice(0, at) + to + flights.slice(at + from.length)
      const { valid, diagnostics } = await validate(source)
      const [first, ...more] = diagnostics.filter(({ severity }) => severity === 'error')
      t.notOk(valid)
      t.match(first, { code, step, line: source.slice(0, at).split('\n').length })
      t.ok(
        more.every(({ step: other }) => other === step),
        `only that step: ${more.map(({ message }) => message).join()}`,
      )
    })

  await t.test('the columns of each item of a list are checked as well', async t => {
    const source = `name: files
params: { files: { type: array } }
steps:
  ingest:
    stage: ingest@1
    forEach: "\${params.files}"
    with: { source: "\${item}", schema: [{ name: date, type: timestamp }] }
  features:
    stage: features@2
    forEach: "\${steps.ingest.items}"
    with:
      dataset: "\${item.dataset}"
      columns: { hour: hour(dat) }
`
    const { diagnostics } = await validate(source)
    t.match(
      diagnostics.filter(({ severity }) => severity === 'error'),
      [{ code: 'MESHWORK_COLUMN_MISSING', step: 'features', line: 13, suggestion: 'date' }],
    )
    t.match(await validate(source.replace('hour(dat)', 'hour(date)')), { valid: true, columns: 'checked' })
  })

  await t.test('the workflows of the repository are right, and their columns are checked', async t => {
    const { code, out } = await meshwork(mesh.url, 'validate', join(repository, 'workflows', 'flight-delays.yaml'))
    t.equal(code, 0)
    t.match(out, /flight-delays\.yaml is right: 0 errors, 0 warnings, columns checked/)
  })

  const bad = join(folder, 'bad.yaml')
  writeFileSync(
    bad,
    flights.replace('target: delayed', 'target: delaied').replace('groupBy: [origin]', 'groupBy: [orign]'),
  )

  await t.test('all faults are shown at once, with the line, the place and the other end', async t => {
    const { code, out } = await meshwork(mesh.url, 'validate', bad)
    t.equal(code, 1)
    t.match(out, /bad\.yaml:\d+:\d+ error MESHWORK_COLUMN_MISSING\n {2}step "evaluate": .*did you mean "delayed"/)
    t.match(out, /target: delaied\n {2}\s+\| \s+\^\n.*step "postprocess" of postprocess@1 gives it/)
    t.match(out, /would fail: 2 errors, 0 warnings, columns checked/)
  })

  await t.test('as annotations, JSON and SARIF', async t => {
    const annotations = await meshwork(mesh.url, 'validate', bad, '--format', 'github')
    t.match(
      annotations.out,
      /^::error file=.*bad\.yaml,line=\d+,col=\d+,title=MESHWORK_COLUMN_MISSING::step "evaluate"/,
    )
    t.equal(annotations.out.trim().split('\n').length, 2)
    const [{ valid, diagnostics }] = JSON.parse(
      (await meshwork(mesh.url, 'validate', bad, '--format', 'json')).out,
    ) as [Validation]
    t.notOk(valid)
    t.equal(diagnostics.length, 2)
    const sarif = JSON.parse((await meshwork(mesh.url, 'validate', bad, '--format', 'sarif')).out) as object
    t.match(sarif, {
      version: '2.1.0',
      runs: [{ results: [{ ruleId: 'MESHWORK_COLUMN_MISSING', level: 'error' }, {}] }],
    })
  })

  await t.test('a workflow that would fail is not registered, for the same reasons', async t => {
    const answer = await request(`${mesh.url}/v1/workflows`, {
      method: 'POST',
      headers: { 'content-type': 'application/yaml' },
      body: readFileSync(bad, 'utf8'),
    })
    t.equal(answer.statusCode, 422)
    t.match(await answer.body.json(), {
      code: 'MESHWORK_WORKFLOW_INVALID',
      errors: [{ code: 'MESHWORK_COLUMN_MISSING' }, {}],
    })
  })

  await t.test('a plan shows order, versions, columns and the diagram', async t => {
    const file = join(repository, 'workflows', 'flight-delays.yaml')
    const { code, out } = await meshwork(mesh.url, 'plan', file)
    t.equal(code, 0)
    t.match(out, /flight-delays: 9 steps, at most 3 side by side/)
    t.match(
      out,
      /predict +inference@1 \(1\.1\.0\) +features +dataset: 14 columns +runs: step "features" before it would run/,
    )
    t.match(out, /ingest .* not known: parameter "source" is not given/)
    t.match(
      (await meshwork(mesh.url, 'plan', file, '--format', 'mermaid')).out,
      /^flowchart LR\n.*s_ingest -->\|"dataset: 5 columns"\| s_clean/s,
    )
    const refused = await meshwork(mesh.url, 'plan', bad)
    t.equal(refused.code, 1)
    t.match(refused.err, /did you mean "delayed"/)
  })

  await t.test(
    'with the parameters of a run the file itself is looked at, and what the cache would reuse is told',
    async t => {
      const put = await request(`${mesh.url}/v1/datasets?name=seed.csv`, {
        method: 'PUT',
        headers: { 'content-type': 'text/csv' },
        body: readFileSync(join(repository, 'models', 'seed', 'input.csv')),
      })
      const { upload } = (await put.body.json()) as { upload: ArtefactRef }
      const post = async (path: string, body: object) => {
        const answer = await request(`${mesh.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', prefer: 'wait=60' },
          body: JSON.stringify(body),
        })
        return await answer.body.json()
      }
      const params = { source: upload }
      const before = (await post('/v1/workflows/seed/plan', { params })) as WorkflowPlan
      t.ok(before.steps.every(({ cache }) => cache.reuse === 'no'))
      t.same(
        before.steps[0]?.datasets['/dataset']?.columns.map(({ name }) => name),
        ['f1', 'f2', 'f3'],
      )
      const run = (await post('/v1/runs', { workflow: 'seed', params })) as { status: string; id: string }
      t.equal(run.status, 'succeeded')
      const after = (await post('/v1/workflows/seed/plan', { params })) as WorkflowPlan
      t.same(
        after.steps.map(({ cache }) => [cache.reuse, cache.run]),
        after.steps.map(() => ['yes', run.id]),
      )
      t.match(await post('/v1/workflows/seed/plan', { params: { source: 5 } }), { code: 'MESHWORK_RUN_PARAMS' })
      const flightsFile = await request(`${mesh.url}/v1/datasets`, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        body: readFileSync(flightsParquet()),
      })
      const wrong = ((await flightsFile.body.json()) as { upload: ArtefactRef }).upload
      t.match(await post('/v1/workflows/seed/plan', { params: { source: wrong } }), {
        code: 'MESHWORK_WORKFLOW_INVALID',
        errors: [{ code: 'MESHWORK_COLUMN_MISSING', detail: /"f[123]"/ }],
      })
    },
  )

  await t.test('a parameter that a stage would refuse is refused when the run starts', async t => {
    const start = await request(`${mesh.url}/v1/runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        workflow: 'flight-delays',
        params: {
          source: { kind: 'artefact', hash: 'a'.repeat(64), bytes: 1, mediaType: 'text/csv' },
          modelVersion: 0,
        },
      }),
    })
    t.equal(start.statusCode, 422)
    t.match(await start.body.json(), {
      code: 'MESHWORK_RUN_PARAMS',
      errors: [{ code: 'param-value', detail: /version.*at least 1/ }],
    })
  })
})

t.test('without a mesh: the published contracts, and a clear word where those are not enough', async t => {
  const file = join(repository, 'workflows', 'flight-delays.yaml')
  const none = 'http://127.0.0.1:1'
  const offline = await meshwork(none, 'validate', file, '--offline')
  t.equal(offline.code, 0)
  t.match(offline.out, /is right: 0 errors, 0 warnings, columns not checked/)
  const bad = join(folder, 'offline.yaml')
  writeFileSync(
    bad,
    flights.replace('maxRejects: 1000', 'maxReject: 1000').replace('steps.clean.dataset', 'steps.clean.rows'),
  )
  const wrong = await meshwork(none, 'validate', bad, '--offline')
  t.equal(wrong.code, 1)
  t.match(wrong.out, /error unknown-input.*did you mean "maxRejects".*error edge-mismatch/s)
  const silent = await meshwork(none, 'validate', file)
  t.equal(silent.code, 2)
  t.match(
    silent.err,
    /^meshwork: no mesh answers at http:\/\/127\.0\.0\.1:1 \(.*\); start one with npm start, .*--offline\n$/,
  )
  for (const [args, message] of [
    [['validate'], /needs a file/],
    [['validat', file], /no command "validat"/],
    [['validate', join(folder, 'none.yaml'), '--offline'], /none\.yaml cannot be read: ENOENT/],
    [['validate', file, '--format', 'xml'], /--format xml is none of: text, github, json, sarif/],
    [['validate', file, '--strct'], /--strct/],
  ] as const) {
    const ended = await meshwork(none, ...args)
    t.equal(ended.code, 2, args.join(' '))
    t.match(ended.err, message)
    t.notMatch(ended.err, /\n {4}at /)
  }
})
