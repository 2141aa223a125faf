// The pipelines are bound to what they say they run, may do no more than they need, and know every service.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { stageNames } from '../launcher/src/mesh.ts'

interface Job {
  readonly permissions?: Readonly<Record<string, string>>
  readonly 'timeout-minutes'?: number
  readonly uses?: string
  readonly steps?: readonly {
    readonly uses?: string
    readonly run?: string
    readonly with?: Readonly<Record<string, unknown>>
  }[]
  readonly strategy?: { readonly matrix?: { readonly service?: readonly string[] } }
}
interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}
type GitlabJob = {
  readonly timeout?: string
  readonly parallel?: { readonly matrix: readonly { readonly SERVICE: readonly string[] }[] }
}

const repository = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(join(repository, file), 'utf8')
const folder = '.github/workflows'
const files = readdirSync(join(repository, folder)).map(name => `${folder}/${name}`)
const services = [...stageNames, 'orchestrator', 'gateway'].sort()

t.test('actions are pinned by commit, with the release beside it, the same everywhere', async t => {
  const pins = new Map<string, string>()
  for (const file of files)
    for (const [line, action = '', commit = ''] of read(file).matchAll(/uses: ([^@\s]+)(?:@(.*))?$/gm)) {
      if (action.startsWith('./')) {
        t.ok(existsSync(join(repository, action)), `${file}: ${action}`)
        continue
      }
      t.match(commit, /^[0-9a-f]{40} # v\d+\.\d+\.\d+$/, `${file}: ${line}`)
      t.equal(pins.get(action) ?? commit, commit, `${action} is the same everywhere`)
      pins.set(action, commit)
    }
  t.ok(pins.size > 5)
})

t.test('a workflow may read; a job that may write says so, and does not run what a pull request says', async t => {
  for (const file of files) {
    const { permissions, jobs } = parse(read(file)) as Workflow
    t.same(permissions, { contents: 'read' }, file)
    t.notMatch(read(file), /pull_request_target/, file)
    for (const [name, job] of Object.entries(jobs)) {
      if (job.uses === undefined) t.ok((job['timeout-minutes'] ?? 0) > 0, `${file} ${name} ends`)
      const writes = Object.values(job.permissions ?? {}).includes('write')
      if (writes) t.match(file, /release/, `${name} writes`)
      for (const { uses, run, with: given } of job.steps ?? []) {
        if (uses?.startsWith('actions/checkout@'))
          t.equal(given?.['persist-credentials'], false, `${file} ${name} leaves no credentials behind`)
        t.notMatch(run ?? '', /\$\{\{/, `${file} ${name}: what others choose reaches a shell as a variable`)
      }
    }
  }
})

t.test('every service is built, scanned and released', async t => {
  const matrices = files
    .flatMap(file => Object.values((parse(read(file)) as Workflow).jobs))
    .flatMap(job => job.strategy?.matrix?.service ?? [])
  t.same([...new Set(matrices)].sort(), services)
  t.equal(matrices.length, services.length * 2)
  const gitlab = parse(read('.gitlab-ci.yml'), { merge: true }) as Record<string, GitlabJob>
  for (const name of ['images', 'scan', 'sign'])
    t.same(gitlab[name]?.parallel?.matrix.flatMap(({ SERVICE }) => SERVICE).sort(), services, name)
})

t.test('what the pipelines run is there', async t => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const file of [...files, '.gitlab-ci.yml']) {
    for (const [, script = ''] of read(file).matchAll(/npm run -s ([\w:]+)/g))
      t.ok(script in scripts, `${file}: ${script}`)
    for (const [path] of read(file).matchAll(/k8s\/overlays\/\w+/g))
      t.ok(existsSync(join(repository, path)), `${file}: ${path}`)
  }
})
