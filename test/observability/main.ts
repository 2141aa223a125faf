// npm run test:observability: a real Prometheus watches a real mesh under load. Every query of every dashboard and every rule
// is carried out and must have data; then faults are made, and their alerts must reach a real Alertmanager, and clear.
// With --previews FOLDER it also draws the dashboards as it has seen them. --rules tries the rules with promtool and no more, --live
// the mesh and no more. Prometheus and Alertmanager come from Debian's packages where they are not installed.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { repository, startMesh } from '../../launcher/src/mesh.ts'
import { seedMesh } from '../../launcher/src/seed.ts'
import { boards } from '../../observability/dashboards/all.ts'
import { catalogue } from '../../observability/metrics/catalogue.ts'
import { withoutVariables } from '../../observability/promql/selectors.ts'
import { testFiles } from '../../observability/rules/render.ts'
import { longRecordings, objectives, recordings } from '../../observability/rules/slo.ts'
import { Findings, seconds } from '../containers/findings.ts'
import { driftOf, type Fault, faultsOf } from './faults.ts'
import { lapse } from './lapse.ts'
import { Load } from './load.ts'
import { copyModels } from './models.ts'
import { bring } from './programs.ts'
import { writePreviews } from './previews.ts'
import { type Sample, Watch } from './watch.ts'

const warmSeconds = 90
/** Until everything was scraped once. */
const startSeconds = 20
/** Two scrapes, and a moment. */
const scrapedSeconds = 5
const fireSeconds = 180
const clearSeconds = 240
/** Queries that nothing done here gives data, and why. */
const withoutData: Readonly<Record<string, string>> = {
  'meshwork-orchestrator: Statements that fail': 'the database is embedded and does not fail',
  'meshwork-orchestrator: Connections': 'the database is embedded and has no pools',
  'meshwork-orchestrator: Wait for a connection (p95)': 'the database is embedded and has no pools',
  'meshwork-run: Removed as kept long enough': 'runs are kept for an hour at the least',
}

const { values } = parseArgs({
  options: {
    live: { type: 'boolean', default: false },
    rules: { type: 'boolean', default: false },
    previews: { type: 'string' },
  },
})
const execute = promisify(execFile)
const say = (text: string) => process.stderr.write(`${text}\n`)
const findings = new Findings()
const begun = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'meshwork-observability-'))
const ending: (() => Promise<unknown>)[] = [
  async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }),
]
let ended: Promise<void> | undefined
const end = async () => {
  ended ??= (async () => {
    for (const one of ending.toReversed()) await one().catch(error => say(String(error)))
  })()
  await ended
}
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => void end().then(() => process.exit(130)))

try {
  if (!values.live) await checkFiles()
  if (!values.rules) await watchMesh()
} catch (error) {
  findings.add(
    'the test came to its end',
    error instanceof Error ? (error.stack ?? error.message) : String(error),
    false,
  )
}
await end()
console.log(`\n${seconds(performance.now() - begun)}\n\n${findings.table()}\n`)
process.exitCode = findings.ok ? 0 : 1

async function checkFiles(): Promise<void> {
  const tools = { promtool: await bring('promtool'), amtool: await bring('amtool') }
  const prometheus = join(repository, 'observability/prometheus')
  const check = async (what: string, tool: keyof typeof tools, args: string[]) => {
    const told = await execute(tools[tool], args, { cwd: prometheus }).catch(
      ({ stdout, stderr }) => `${stdout}${stderr}`,
    )
    findings.add(what, typeof told === 'string' ? told.slice(0, 2000) : 'no findings', typeof told !== 'string')
  }
  await check('rules are well formed', 'promtool', ['check', 'rules', 'rules/meshwork.yaml'])
  await check('the Alertmanager of the compose file takes its settings', 'amtool', [
    'check-config',
    join(repository, 'docker/alertmanager/alertmanager.yml'),
  ])
  const config = join(repository, 'docker/prometheus/prometheus.yml')
  await check('so does its Prometheus', 'promtool', ['check', 'config', '--syntax-only', config])
  for (const name of Object.keys(testFiles()))
    await check(`alerts fire and stay silent (${name})`, 'promtool', ['test', 'rules', `${name}.test.yaml`])
}

async function watchMesh(): Promise<void> {
  const state = join(folder, 'mesh')
  const models = join(folder, 'models')
  await copyModels(models)
  const stageEnv = {
    MESHWORK_MODELS_DIR: models,
    MESHWORK_INFERENCE_DRIFT_SECONDS: '15',
    MESHWORK_INFERENCE_QUALITY_SECONDS: '15',
  }
  const mesh = await startMesh({ folder: state, logLevel: 'error', stageEnv, onLine: () => {} })
  ending.push(async () => await mesh.end())
  await seedMesh(mesh.url)
  const targets = new Map([...mesh.children].map(([name, child]) => [name, child.address as string]))
  const rules = lapse(await readFile(join(repository, 'observability/prometheus/rules/meshwork.yaml'), 'utf8'))
  const watch = await Watch.start(folder, targets, rules)
  ending.push(async () => await watch.end())
  const load = new Load(mesh.url)
  const from = performance.now()
  await load.start()
  ending.push(async () => await load.end())
  say(`load for ${warmSeconds} s …`)
  await pause(startSeconds)
  const calmFrom = watch.told.length
  await pause(warmSeconds - startSeconds)
  await load.callTwice()

  await checkMetrics(watch)
  await checkPanels(watch, false)
  await checkRules(watch)
  await checkCalm(watch, calmFrom, state)
  await checkScalers(watch)
  const drift = checkFault(watch, driftOf(load))
  drift.catch(() => {}) // told below
  for (const fault of faultsOf(mesh, state)) await checkFault(watch, fault)
  await drift
  await load.hurry()
  await pause(scrapedSeconds)
  await checkPanels(watch, true)
  if (values.previews !== undefined)
    findings.add(
      'previews drawn',
      String(await writePreviews(watch, values.previews, (performance.now() - from) / 1000)),
      true,
    )
  findings.add('runs that were accepted meanwhile', String(load.accepted), load.accepted > 100)
}

/** No alert but those for what is so: a webhook that nobody receives, and a disk that may be nearly full here too. */
async function checkCalm(watch: Watch, from: number, state: string): Promise<void> {
  const { bavail, blocks } = await statfs(state)
  const expected = ['MeshworkWebhooksFail', ...(bavail / blocks < 0.1 ? ['MeshworkStoreFills'] : [])]
  const now = (await watch.query('ALERTS{alertstate="firing"}')).map(({ metric }) => metric['alertname'] ?? '')
  const since = watch.told
    .slice(from)
    .flatMap(told => (told.status === 'firing' ? [told.labels['alertname'] ?? ''] : []))
  const fired = [...new Set([...now, ...since])]
  findings.none(
    'no alert fires while all is well',
    1,
    fired.filter(name => !expected.includes(name)),
  )
  const silent = expected.filter(name => !fired.includes(name))
  findings.none(`and those for what is so: ${expected.join(', ')}`, expected.length, silent)
}

/** What is scraped is what the catalogue says, name by name. */
async function checkMetrics(watch: Watch): Promise<void> {
  const scraped = await watch.ask<Record<string, unknown>>('/api/v1/metadata')
  const documented = [...catalogue().values()].flat().map(({ name }) => name)
  const unknown = Object.keys(scraped).filter(name => !documented.includes(name))
  const missing = documented.filter(name => scraped[name] === undefined)
  findings.none('every metric is in the catalogue, and every one of it is scraped', documented.length, [
    ...unknown.map(name => `${name} is not in the catalogue`),
    ...missing.map(name => `${name} is not scraped`),
  ])
}

async function checkPanels(watch: Watch, afterFaults: boolean): Promise<void> {
  const faults: string[] = []
  let count = 0
  const overSeconds = (performance.now() - begun) / 1000
  for (const { uid, rows } of boards)
    for (const { panels } of rows)
      for (const { title, queries } of panels)
        for (const { expr, quiet } of queries) {
          const where = `${uid}: ${title}`
          if (afterFaults === (quiet === undefined) || (afterFaults && where in withoutData)) continue
          count += 1
          const found = await watch.query(withoutVariables(expr, '20s'), overSeconds)
          if (!found.some(hasNumbers)) faults.push(`${where}: nothing for ${expr}`)
        }
  const what = afterFaults ? 'after the faults queries of errors have data' : 'every query of every dashboard has data'
  findings.none(what, count, faults)
}

function hasNumbers({ values = [] }: Sample): boolean {
  return values.some(([, value]) => Number.isFinite(Number(value)))
}

async function checkRules(watch: Watch): Promise<void> {
  const { groups } = await watch.ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>(
    '/api/v1/rules',
  )
  const rules = groups.flatMap(group => group.rules)
  const ill = rules.filter(({ health }) => health !== 'ok')
  findings.none(
    'every rule is carried out',
    rules.length,
    ill.map(({ name, lastError }) => `${name}: ${lastError}`),
  )
  const names = [...new Set([...recordings, ...longRecordings].map(({ record }) => record))]
  const faults: string[] = []
  for (const name of names)
    for (const { slo } of objectives)
      if ((await watch.query(`${name}{slo="${slo}"}`)).length === 0) faults.push(`${name} of ${slo}`)
  findings.none('every recording has data for every objective', names.length * objectives.length, faults)
}

/** What KEDA asks Prometheus has one number, for every stage. Without Kubernetes there is no namespace to ask for. */
async function checkScalers(watch: Watch): Promise<void> {
  const text = await readFile(join(repository, 'k8s/components/keda-stages/autoscalers.yaml'), 'utf8')
  const queries = parseAllDocuments(text).map(document =>
    String(document.getIn(['spec', 'triggers', 0, 'metadata', 'query'])),
  )
  const faults: string[] = []
  for (const query of queries) {
    const found = await watch.query(query.replace('namespace="meshwork",', ''))
    if (found.length !== 1 || !Number.isFinite(Number(found[0]?.value?.[1])))
      faults.push(`${found.length} for ${query}`)
  }
  findings.none('queries of the autoscalers of KEDA have a number each', queries.length, faults)
}

async function checkFault(watch: Watch, { what, alerts, begin, end: over }: Fault): Promise<void> {
  say(`${what} …`)
  const from = watch.told.length
  const missing = () => alerts.filter(alert => !watch.fired(alert, from))
  let started = performance.now()
  await begin()
  await until(() => missing().length === 0, fireSeconds)
  findings.add(`${what}: ${alerts.join(', ')}`, toldIn(started, missing(), 'fired'), missing().length === 0)
  await over()
  const still = () => alerts.filter(alert => watch.burns(alert))
  started = performance.now()
  await until(() => still().length === 0, clearSeconds)
  findings.add('and cleared when it was over', toldIn(started, still(), 'cleared'), still().length === 0)
}

function toldIn(started: number, missing: readonly string[], how: string): string {
  return missing.length === 0
    ? `${how} within ${seconds(performance.now() - started)}`
    : `not ${how}: ${missing.join(', ')}`
}

async function until(holds: () => boolean, withinSeconds: number): Promise<void> {
  const deadline = performance.now() + withinSeconds * 1000
  while (!holds() && performance.now() < deadline) await pause(0.5)
}

async function pause(duration: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, duration * 1000))
}
