// The stage in Python, started as its README says, checked against the protocol and used in a workflow of a real mesh.

import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { pythonWith } from '@meshwork/kit/testing'
import t from 'tap'
import { request } from 'undici'
import { Api } from '../../launcher/src/demo/api.ts'
import { freePorts } from '../../launcher/src/free-port.ts'
import { repository, startMesh } from '../../launcher/src/mesh.ts'
import { checkConformance } from '../../services/kit/src/cli/conformance.ts'

const folder = join(repository, 'examples', 'python-stage')

t.test('a stage in Python, written from the protocol alone', { timeout: 170_000 }, async t => {
  const found = await pythonWith(join(folder, 'requirements.txt'), join(repository, 'node_modules', '.cache'))
  if ('why' in found) {
    t.pass('the example was not run', { skip: found.why })
    return
  }
  const state = t.testdir()
  const mesh = await startMesh({
    folder: state,
    logLevel: 'warn',
    onLine: (name, line) => t.comment(`${name} ${line}`),
  })
  t.teardown(() => mesh.end())
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const child = spawn(
    found.interpreter,
    ['-m', 'uvicorn', 'stage:app', '--port', String(port), '--log-level', 'warning'],
    {
      cwd: folder,
      env: {
        ...process.env,
        MESHWORK_STORE_URL: pathToFileURL(join(state, 'store')).href,
        PYTHONDONTWRITEBYTECODE: '1',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  t.teardown(async () => {
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  })
  const until = performance.now() + 30_000
  while (
    !(await request(`${url}/readyz`).then(
      ({ statusCode }) => statusCode === 200,
      () => false,
    )) &&
    performance.now() < until
  )
    await new Promise(resolve => setTimeout(resolve, 100))

  const post = async <T>(path: string, body: string, type = 'application/json', headers = {}): Promise<T> => {
    const answer = await request(`${mesh.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': type, ...headers },
      body,
    })
    return (await answer.body.json()) as T
  }
  t.match(await post('/v1/stages', JSON.stringify({ url })), { stage: 'weekend', status: 'ready', majors: [1] })
  t.match(
    await post(
      '/v1/workflows',
      `name: weekends
params: { source: { type: artefact }, column: { type: string, default: date } }
steps:
  ingest: { stage: ingest@1, with: { source: "\${params.source}", partRows: 2048 } }
  weekend: { stage: weekend@1, with: { dataset: "\${steps.ingest.dataset}", column: "\${params.column}", as: weekend } }
  check: { stage: aggregate@1, with: { dataset: "\${steps.weekend.dataset}", groupBy: [weekend], measures: { days: { measure: count }, wrong: { measure: count, where: "weekend <> (dayofweek(date) IN (0, 6))" } } } }
outputs: { dataset: "\${steps.weekend.dataset}", check: "\${steps.check.dataset}" }
`,
      'application/yaml',
    ),
    { name: 'weekends', version: 1 },
  )
  const days = Array.from({ length: 5000 }, (_, i) => new Date(Date.UTC(2001, 0, 1 + i)).toISOString().slice(0, 10))
  const file = join(state, 'days.csv')
  writeFileSync(file, `date,n\n${days.map((day, i) => `${day},${i}`).join('\n')}\n`)
  const source = await new Api(mesh.url).upload(file)
  const start = async (params: object) =>
    await post<{
      status: string
      outputs: { dataset: { columns: object[] }; check: { hash: string } }
      problem: object
    }>('/v1/runs', JSON.stringify({ workflow: 'weekends', params }), 'application/json', { prefer: 'wait=60' })
  const run = await start({ source })
  t.equal(run.status, 'succeeded', JSON.stringify(run.problem))
  t.match(run.outputs.dataset.columns.at(-1), { name: 'weekend', type: 'boolean' })

  const failed = await start({ source, column: 'dat' })
  t.match(failed, {
    status: 'failed',
    problem: { code: 'MESHWORK_COLUMN_MISSING', detail: /"dat" is not in the dataset/ },
  })

  const checks = await checkConformance(url, {
    dataset: { ...(run.outputs.dataset as object) },
    column: 'date',
    as: 'again',
  })
  for (const { what, fault } of checks) t.equal(fault, undefined, what)
})
