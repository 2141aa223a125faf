// What the rooms of the repository promise each other.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { stageNames } from '../launcher/src/mesh.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: repository,
  encoding: 'utf8',
})
  .split('\n')
  .filter(file => file && existsSync(join(repository, file)))
const read = (file: string) => readFileSync(join(repository, file), 'utf8')
const sources = files.filter(file => file.endsWith('.ts'))
const importsOf = (file: string) =>
  [
    ...read(file).matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+'([^']+)'|\bimport\('([^']+)'\)|(?:^|\n)import\s+'([^']+)'/g,
    ),
  ].map(([, a, b, c]) => (a ?? b ?? c) as string)

const rooms = [
  'contracts',
  'services/kit',
  ...stageNames.map(name => `services/${name}`),
  'orchestrator',
  'gateway',
  'launcher',
  'bench',
  'chaos',
]
const packageOf = (file: string) => rooms.find(room => file.startsWith(`${room}/`))
const nameOf = (room: string) => `@meshwork/${room.replace('services/', '')}`
const declared = (room: string) =>
  (JSON.parse(read(`${room}/package.json`)) as { dependencies?: Record<string, string> }).dependencies ?? {}

t.test(
  'imports run one way: contracts, kit, then stages, orchestrator and gateway, which do not know each other',
  async t => {
    const allowed: Record<string, readonly string[]> = { contracts: [], 'services/kit': ['@meshwork/contracts'] }
    for (const file of sources.filter(name => name.includes('/src/'))) {
      const room = packageOf(file)
      if (room === undefined || room === 'launcher' || room === 'bench' || room === 'chaos') continue
      const may = allowed[room] ?? ['@meshwork/contracts', '@meshwork/kit'] // its testing part is for test/
      for (const name of importsOf(file).filter(name => name.startsWith('@meshwork/')))
        if (!may.includes(name)) t.fail(`${file} imports ${name}`)
      for (const name of importsOf(file).filter(name => name.startsWith('.')))
        if (packageOf(join(dirname(file), name)) !== room) t.fail(`${file} reaches out of its room: ${name}`)
    }
    t.pass('no import runs the other way')
  },
)

t.test('every package that is imported is declared, and every one that is declared is imported', async t => {
  for (const room of rooms) {
    const own = sources.filter(file => packageOf(file) === room)
    const used = new Set(
      own
        .flatMap(importsOf)
        .filter(name => !name.startsWith('.') && !name.startsWith('node:'))
        .map(name =>
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
    )
    const dependencies = Object.keys(declared(room))
    for (const name of used) {
      const forTests = own
        .filter(file => importsOf(file).some(other => other.startsWith(name)))
        .every(file => !file.includes('/src/'))
      if (
        name === nameOf(room) ||
        builtinModules.includes(name) ||
        (forTests &&
          [
            'tap',
            'undici',
            'yaml',
            'typebox',
            'pg',
            'ajv',
            'fast-check',
            '@meshwork/contracts',
            '@meshwork/kit',
          ].includes(name))
      )
        continue
      if (!dependencies.includes(name)) t.fail(`${room} imports ${name} and does not declare it`)
    }
    const text = own.map(read).join('\n')
    for (const name of dependencies)
      if (!used.has(name) && !text.includes(`'${name}`)) t.fail(`${room} declares ${name} and does not import it`)
    for (const [name, version] of Object.entries(declared(room)))
      if (version !== 'catalog:' && version !== 'workspace:*')
        t.fail(`${room}: ${name} ${version} does not come from the catalog`)
  }
  t.pass('declared is what is used')
})

/** Files that read the environment, end the process or listen to it, each with its reason. */
const edges: Readonly<Record<string, string>> = {
  'orchestrator/src/main.ts': 'starts the service',
  'orchestrator/src/migrate.ts': 'the step before an orchestrator',
  'orchestrator/src/cli/main.ts': 'a command',
  'gateway/src/main.ts': 'starts the service',
  'services/kit/src/server/serve-stage.ts': 'starts a stage',
  'services/kit/src/server/run.ts': 'ends a service on a signal',
  'services/kit/src/execute/worker.ts': 'hands its environment to the worker it starts',
  'services/kit/src/execute/worker-main.ts': 'is a process of its own',
  'services/kit/src/cli/main.ts': 'a command',
  'services/kit/src/cli/run-once.ts': 'hands its environment to a stage without a server',
  'services/kit/src/cli/wrap.ts': 'hands its environment to the script',
  'services/inference/src/session/port.ts': 'is one end of the channel to the process it runs in',
  'services/inference/src/session/pool.ts': 'the native library reads its switch from the environment',
  'services/ingest/src/stage.ts': 'its settings in a worker process come by the environment',
  'launcher/src/options.ts': 'ends a command that was called wrongly',
  'launcher/src/demo.ts': 'a command',
  'launcher/src/start.ts': 'a command',
  'launcher/src/child.ts': 'hands its environment to the service it starts',
  'bench/run.ts': 'a command',
  'chaos/main.ts': 'a command',
  'chaos/mesh/service.ts': 'hands its environment to the service it starts',
  'chaos/plant/clock.ts': 'hears from its parent how far its clock is moved',
  'chaos/plant/preload.ts': 'is loaded into a process that is told by its environment what to break',
  'bench/pipeline/pipeline.ts': 'hands its environment to what it measures',
  'bench/inference/inference.ts': 'hands its environment to what it measures',
  'bench/inference/ceiling.ts': 'is a process of its own',
  'bench/engine/floor.ts': 'is a process of its own',
  'bench/engine/prefect.ts': 'hands its environment to what it measures',
  'bench/service.ts': 'hands its environment to what it measures',
  'scripts/fuzz-subtype.ts': 'a command',
  'scripts/new-stage.ts': 'a command',
  'scripts/test.ts': 'hands its environment to the test runner',
}
/** Files that import a module whose path is known only when they run, each with its reason. */
const computedImports: Readonly<Record<string, string>> = {
  'services/kit/src/execute/worker-main.ts': 'the worker loads the stage it is told',
  'services/kit/src/cli/load-stage.ts': 'the command loads the stage of its argument',
  'bench/run.ts': 'the command loads the bench of its argument',
  'scripts/generate/openapi.ts': 'the document of each stage',
}

t.test('what is done at the edge of a process is done in files that are listed, with a reason', async t => {
  const own = sources.filter(name => !/(^|\/)test\//.test(name))
  for (const [what, pattern, listed] of [
    ['uses process.env, process.exit or process.on', /\bprocess\.(env|exit|on)\b/, edges],
    ['imports a computed path', /\bimport\((?!')/, computedImports],
  ] as const) {
    const found = own.filter(file => pattern.test(read(file)))
    for (const file of found) if (!(file in listed)) t.fail(`${file} ${what}`)
    for (const file of Object.keys(listed))
      if (!found.includes(file)) t.fail(`${file} is listed, but no longer ${what}`)
  }
  t.pass('both lists are complete, and nothing on them is out of date')
})

t.test('source files stay small enough to own one thing', async t => {
  const lines = sources
    .filter(file => file.includes('/src/'))
    .map(file => [file, read(file).split('\n').length] as const)
  for (const [file, count] of lines) if (count > 400) t.fail(`${file} has ${count} lines`)
  const median = lines.map(([, count]) => count).sort((a, b) => a - b)[lines.length >> 1] ?? 0
  t.ok(median < 100, `half of them have fewer than ${median} lines`)
})

t.test('every stage has the shape of a stage, and the launcher knows it', async t => {
  const folders = readdirSync(join(repository, 'services')).filter(name => name !== 'kit')
  t.same(folders.sort(), [...stageNames].sort())
  for (const name of folders)
    for (const file of ['src/stage.ts', 'src/main.ts', 'README.md', 'package.json'])
      t.ok(existsSync(join(repository, 'services', name, file)), `services/${name}/${file}`)
})

t.test('the tree names no machine and no registry', async t => {
  // Written in pieces, so that this file does not hold what it looks for.
  const wrong = [
    ['regi', 'stry.npmjs'],
    ['/wo', 'rk/'],
    ['/tmp/', 'look'],
    ['pypi', '.org/simple'],
  ].map(parts => parts.join(''))
  for (const file of files.filter(name => !/\.(onnx|png|parquet)$/.test(name)))
    for (const text of wrong) if (read(file).includes(text)) t.fail(`${file} holds ${text}`)
  t.pass('it stands alone')
})

t.test('commands that documents name are there', async t => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const file of files.filter(name => name.endsWith('.md')))
    for (const [, name = ''] of read(file).matchAll(/npm run (?:-s )?([a-z][a-z0-9:-]*[a-z0-9])/g))
      if (!(name in scripts)) t.fail(`${file} names npm run ${name}`)
  t.pass('each is a script of package.json')
})

t.test('links between documents lead somewhere', async t => {
  for (const file of files.filter(name => name.endsWith('.md')))
    for (const [, link = ''] of read(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g))
      if (!/^[a-z]+:/.test(link) && !existsSync(join(repository, dirname(file), link)))
        t.fail(`${file} links to ${link}`)
  t.pass('no link is broken')
})
