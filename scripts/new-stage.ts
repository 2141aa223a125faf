// npm run new-stage -- NAME [--dir FOLDER] [--no-link]
// A stage that works, to be changed: its folder under services/, and its place in the launcher, in docker-compose.yml,
// on Kubernetes and in CI. Nothing is written unless everything can be.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { edits, stagesOf } from './new-stage/edits.ts'
import { filesOf } from './new-stage/files.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const { values, positionals } = readArguments()
const root = values.dir
const [name = ''] = positionals
const stages = stagesOf(readFileSync(join(root, 'launcher/src/mesh.ts'), 'utf8'))
const last = stages.at(-1) ?? ''
if (!/^[a-z][a-z0-9-]{0,40}$/.test(name) || positionals.length !== 1)
  fail(`a stage has a name of lower-case letters, digits and hyphens, like geocode; "${positionals.join(' ')}" is none`)
if (
  stages.includes(name) ||
  ['gateway', 'orchestrator', 'kit'].includes(name) ||
  existsSync(join(root, 'services', name))
)
  fail(`there is a "${name}" already; take another name`)

const written = new Map<string, string>()
for (const [file, text] of Object.entries(filesOf(name))) written.set(join('services', name, file), text)
const kustomization = readFileSync(join(root, 'k8s/base', last, 'kustomization.yaml'), 'utf8')
written.set(join('k8s/base', name, 'kustomization.yaml'), kustomization.replaceAll(last, name))
for (const { file, change } of edits)
  try {
    written.set(file, change(readFileSync(join(root, file), 'utf8'), { name, last }))
  } catch (error) {
    fail(`${file}: ${(error as Error).message}`)
  }
for (const [file, text] of written) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}
// The packages of the repository are locked, this one too.
const linked =
  values.link &&
  spawnSync('pnpm', ['install', '--no-frozen-lockfile', '--silent'], { cwd: root, stdio: 'inherit' }).status === 0
console.log(`${[...written.keys()].map(file => `  ${file}`).join('\n')}

The stage "${name}" is there, and works. Next:
${linked ? '' : '  pnpm install                             puts it into pnpm-lock.yaml; nothing runs before\n'}  npm test -- services/${name}/test/${name}.test.ts
  npm run generate                         its OpenAPI document
  npm start                                serves it with the others; use it as ${name}@1 in a workflow
Change services/${name}/src/stage.ts; docs/write-a-stage.md tells how.`)

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { dir: { type: 'string', default: repository }, link: { type: 'boolean', default: true } },
      allowNegative: true,
    })
  } catch (error) {
    return fail((error as Error).message)
  }
}

function fail(message: string): never {
  console.error(`new-stage: ${message}\n\nnpm run new-stage -- NAME`)
  process.exit(2)
}
