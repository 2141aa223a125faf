// A new stage, in a copy of the files that name stages: everything that is checked of the others holds for it.

import { execFile, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Stage } from '@meshwork/kit'
import { startStage } from '@meshwork/kit/testing'
import { promisify } from 'node:util'
import t from 'tap'
import { parse } from 'yaml'
import { edits, stagesOf } from '../scripts/new-stage/edits.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const command = join(repository, 'scripts/new-stage.ts')
const run = (root: string, ...names: string[]) =>
  spawnSync(process.execPath, [command, ...names, '--dir', root, '--no-link'], { encoding: 'utf8' })

function copy(root: string): void {
  for (const { file } of edits) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    cpSync(join(repository, file), join(root, file))
  }
  cpSync(join(repository, 'k8s/base'), join(root, 'k8s/base'), { recursive: true })
}
const read = (root: string, file: string) => readFileSync(join(root, file), 'utf8')

t.test('two new stages, one after the other', async t => {
  const root = t.testdir()
  copy(root)
  const before = stagesOf(read(root, 'launcher/src/mesh.ts'))
  for (const name of ['example-one', 'example-two']) {
    const { status, stdout, stderr } = run(root, name)
    t.equal(status, 0, stderr)
    t.match(stdout, new RegExp(`services/${name}/src/stage.ts`))
  }
  const stages = stagesOf(read(root, 'launcher/src/mesh.ts'))
  t.same(stages, [...before, 'example-one', 'example-two'])
  const cores = (page: string) => Number(/asks for ([\d.]+) cores/.exec(page)?.[1])
  const page = read(root, 'docs/install/kubernetes.md')
  t.equal(cores(page), cores(read(repository, 'docs/install/kubernetes.md')) + 4)

  const compose = parse(read(root, 'docker-compose.yml'), { merge: true }) as {
    services: Record<
      string,
      { networks: string[]; image: string; depends_on: object; environment: Record<string, string> }
    >
    networks: object
  }
  for (const name of ['example-one', 'example-two']) {
    const report = JSON.stringify(compose.services['report'])
    t.same(compose.services[name], JSON.parse(report.replaceAll('report', name)))
    t.has(compose.networks, { [`to-${name}`]: { internal: true } })
    t.has(compose.services['orchestrator']?.depends_on, { [name]: { condition: 'service_healthy' } })
    for (const caller of ['gateway', 'orchestrator']) {
      t.ok(compose.services[caller]?.networks.includes(`to-${name}`))
      const addresses = compose.services[caller]?.environment['MESHWORK_STAGES']?.split(',').map(part => part.trim())
      t.same(addresses?.length, stages.length)
      t.ok(addresses?.includes(`${name}=http://${name}:8080`))
    }
    const base = parse(read(root, 'k8s/base/kustomization.yaml')) as { resources: string[] }
    t.ok(base.resources.includes(name))
    for (const overlay of ['ci', 'dev', 'staging', 'production']) {
      const { images } = parse(read(root, `k8s/overlays/${overlay}/kustomization.yaml`)) as {
        images: { name: string }[]
      }
      t.equal(images.filter(image => image.name === `meshwork/${name}`).length, 1)
    }
    t.equal(
      read(root, `k8s/base/${name}/kustomization.yaml`),
      read(root, 'k8s/base/report/kustomization.yaml').replaceAll('report', name),
    )
    for (const scaler of ['hpa', 'keda'])
      t.match(read(root, `k8s/components/${scaler}-stages/autoscalers.yaml`), new RegExp(`\\n {2}name: ${name}\\n`))
    for (const file of ['.github/workflows/ci.yml', '.gitlab-ci.yml', 'docker/prometheus/prometheus.yml'])
      t.match(read(root, file), new RegExp(`\\[gateway, .*, ${name}[,\\]]`))
  }
})

t.test('what cannot be done is told, and nothing is written', async t => {
  const root = t.testdir()
  copy(root)
  const untouched = read(root, 'docker-compose.yml')
  for (const [names, told] of [
    [[], /"" is none/],
    [['Geo code'], /lower-case letters, digits and hyphens/],
    [['a', 'b'], /"a b" is none/],
    [['clean'], /there is a "clean" already/],
    [['gateway'], /there is a "gateway" already/],
    [['example-one', '--what'], /--what/],
  ] as const) {
    const { status, stderr } = run(root, ...names)
    t.equal(status, 2, names.join(' '))
    t.match(stderr, told)
  }
  writeFileSync(join(root, '.gitlab-ci.yml'), 'nothing: here\n')
  const { status, stderr } = run(root, 'example-one')
  t.equal(status, 2)
  t.match(stderr, /\.gitlab-ci\.yml: ", [a-z-]+" is not there any more/)
  t.equal(read(root, 'docker-compose.yml'), untouched)
  t.notOk(existsSync(join(root, 'services')))
})

t.test('its own tests pass, and it keeps the protocol', { timeout: 60_000 }, async t => {
  // Inside the repository, whose packages it finds there.
  const root = t.testdir()
  copy(root)
  t.equal(run(root, 'example-one').status, 0)
  const made = join(root, 'services/example-one')
  t.same(readdirSync(made).sort(), ['README.md', 'package.json', 'src', 'test'])
  const test = spawnSync(process.execPath, [join(made, 'test/example-one.test.ts')], { encoding: 'utf8', cwd: made })
  t.equal(test.status, 0, test.stdout.slice(-2000) + test.stderr.slice(-2000))
  const { stage } = (await import(pathToFileURL(join(made, 'src/stage.ts')).href)) as { stage: Stage }
  const { url } = await startStage(t, stage, pathToFileURL(join(made, 'src/stage.ts')).href)
  // Not in step with this process, which serves it.
  const cli = join(repository, 'services/kit/src/cli/main.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [cli, 'conformance', url])
  t.match(stdout, /, 0 do not/)
})
