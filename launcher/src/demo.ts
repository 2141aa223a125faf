// npm run demo: the mesh on free ports, the flight workflow over three million real flights, the result, and an end.

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { ArtefactRef, RunView, StepView } from '@meshwork/contracts'
import { Api } from './demo/api.ts'
import { fewerRows } from './demo/fewer-rows.ts'
import { flightsParquet } from './demo/flights-file.ts'
import { ProgressView } from './demo/progress.ts'
import { metricTable, stepTable } from './demo/tables.ts'
import { Victim } from './demo/victim.ts'
import { type Mesh, repository, stageNames, startMesh } from './mesh.ts'
import { readOptions, wrongCall } from './options.ts'
import { seedMesh } from './seed.ts'

const usage = `npm run demo -- [--json] [--cache] [--rows N] [--dir DIR] [--out FILE] [--kill SERVICE] [--verbose]
                [--url http://127.0.0.1:8080]

  --json     one JSON object last on standard output; everything else goes to standard error
  --cache    keep state in .meshwork/demo and reuse the outputs of earlier runs
  --rows     only N of the flights, evenly over the half year
  --dir      keep state in this folder instead of a temporary one
  --out      where the report goes (default .meshwork/report.html)
  --kill     kill -9 this service once in the middle of the run: orchestrator, or a stage
  --verbose  show the log lines of the services
  --url      use the mesh that runs at this address instead of starting one
`

const command = 'npm run demo'
const values = readOptions(command, {
  json: { type: 'boolean', default: false },
  cache: { type: 'boolean', default: false },
  rows: { type: 'string' },
  dir: { type: 'string' },
  out: { type: 'string', default: join(repository, '.meshwork', 'report.html') },
  kill: { type: 'string' },
  url: { type: 'string' },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const rows = values.rows === undefined ? undefined : Number(values.rows)
if (rows !== undefined && !(Number.isInteger(rows) && rows > 0))
  wrongCall(command, `--rows ${values.rows} is not a number of rows; give a whole number above 0`)
const killable = ['orchestrator', ...stageNames]
if (values.kill !== undefined && !killable.includes(values.kill))
  wrongCall(command, `--kill ${values.kill} is none of: ${killable.join(', ')}`)
if (values.url !== undefined && values.kill !== undefined)
  wrongCall(command, '--kill needs a mesh of its own, so not --url')
if (values.url !== undefined && !/^https?:\/\//.test(values.url))
  wrongCall(command, `--url ${values.url} is not an address; it begins with http:// or https://`)

const say = (text = '') => process.stderr.write(`${text}\n`)
const kept = values.dir ?? (values.cache ? join(repository, '.meshwork', 'demo') : undefined)
const folder = kept ?? (await mkdtemp(join(tmpdir(), 'meshwork-demo-')))
const stopping = new AbortController()
const restarts: { readonly service: string; readonly how: string }[] = []
const victim = values.kill === undefined ? undefined : new Victim(values.kill)
let mesh: Mesh | undefined
let ended: Promise<void> | undefined
const end = async () => {
  ended ??= (async () => {
    await mesh?.end()
    if (kept === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  })()
  await ended
}
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.on(signal, () => {
    process.exitCode = exitCode
    stopping.abort(new Error(`${signal} was received`))
    // While it starts, the mesh ends by itself what it has started, and the demo goes on to its end below.
    if (mesh) void end().then(() => process.exit())
  })

try {
  const exitCode = await demo()
  process.exitCode ??= exitCode
} catch (error) {
  if (!stopping.signal.aborted) say(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode ??= 1
}
await end()

async function demo(): Promise<number> {
  const begun = performance.now()
  const since = () => `${((performance.now() - begun) / 1000).toFixed(1)} s`
  const url = values.url?.replace(/\/+$/, '') ?? (await start())
  await seedMesh(url)
  say(`  ready at ${url} after ${since()}`)

  const api = new Api(url)
  const flights = flightsParquet()
  const source = await api.upload(rows === undefined ? flights : await fewerRows(flights, rows, folder))
  say(`  uploaded ${(source.bytes / 1e6).toFixed(1)} MB of flights\n`)

  let run = await api.startRun('flight-delays', { source }, values.cache)
  say(`Run ${run.id} of flight-delays`)
  const view = new ProgressView(
    (await api.steps(run.id)).map(({ name }) => name),
    process.stderr,
  )
  for await (const event of api.events(run.id)) {
    view.show(event)
    if (victim?.isDue(event)) mesh?.children.get(victim.service)?.kill()
  }
  run = await api.run(run.id)
  const steps = await api.steps(run.id)
  return await tell(api, run, steps, since)
}

async function start(): Promise<string> {
  say('Starting the mesh: eight stages, an orchestrator and a gateway …')
  mesh = await startMesh({
    folder,
    logLevel: values.verbose ? 'info' : 'warn',
    onLine: (name, line) => say(`  [${name}] ${line}`),
    onRestart: (name, how) => {
      restarts.push({ service: name, how })
      say(`  [${name}] died (${how}) and is started again`)
    },
    signal: stopping.signal,
  })
  return mesh.url
}

async function tell(api: Api, run: RunView, steps: readonly StepView[], since: () => string): Promise<number> {
  const seconds =
    run.endedAt === null || run.startedAt === null ? null : (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000
  say(`\nThe run ${run.status}${seconds === null ? '' : ` after ${seconds.toFixed(2)} s`}.\n\n${stepTable(steps)}\n`)
  const outputs = run.outputs as { metrics?: Record<string, number | null>; report?: ArtefactRef } | null
  let report: string | null = null
  if (outputs?.metrics) say(`On the month the model never saw:\n\n${metricTable(outputs.metrics)}\n`)
  if (outputs?.report) {
    report = resolve(values.out)
    await mkdir(dirname(report), { recursive: true })
    await api.save(outputs.report, report)
    say(`Report: ${report}`)
  }
  if (run.problem) say(`Problem: ${run.problem.code}: ${run.problem.detail}`)
  say(`Done in ${since()}.`)
  if (values.json) {
    const shown = steps.map(
      ({ name, stage, version, status, attempts, rows: count, seconds: took, inputHash, outputHash }) => ({
        name,
        stage,
        version,
        status,
        attempts,
        rows: count,
        seconds: took,
        inputHash,
        outputHash,
      }),
    )
    const summary = {
      run: { id: run.id, workflow: run.workflow, version: run.version, status: run.status, seconds },
      steps: shown,
      metrics: outputs?.metrics ?? null,
      report,
      problem: run.problem,
      ...(victim && { killed: { service: victim.service, finishedSteps: victim.finishedSteps, restarts } }),
    }
    process.stdout.write(`${JSON.stringify(summary)}\n`)
  }
  return run.status === 'succeeded' ? 0 : 1
}
