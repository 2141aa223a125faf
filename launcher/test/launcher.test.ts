// The mesh as people start it: real processes, killed and ended.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { Api } from '../src/demo/api.ts'
import { formatLine } from '../src/lines.ts'
import { type Mesh, repository, startMesh } from '../src/mesh.ts'
import { seedMesh } from '../src/seed.ts'

const execute = promisify(execFile)
const quiet = { logLevel: 'silent', onLine: () => {} }

/** Processes below these, workers of the stages included. */
function processesBelow(roots: readonly number[]): number[] {
  const parents = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        return [[Number(name), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1])] as const]
      } catch {
        return []
      }
    })
  const found = new Set(roots)
  for (let grown = true; grown; ) {
    grown = false
    for (const [pid, parent] of parents) if (found.has(parent) && !found.has(pid)) grown = Boolean(found.add(pid))
  }
  return [...found]
}

const alive = (pids: readonly number[]): number[] =>
  pids.filter(pid => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))

async function untilGone(pids: readonly number[], withinMs: number): Promise<number[]> {
  const until = performance.now() + withinMs
  while (alive(pids).length > 0 && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 50))
  return alive(pids)
}

const pidsOf = (mesh: Mesh): number[] =>
  processesBelow([...mesh.children.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid])))

async function runSeed(t: Test, api: Api): Promise<void> {
  const source = await api.upload(join(repository, 'models/seed/input.csv'))
  const { id } = await api.startRun('seed', { source }, false)
  const events = []
  for await (const event of api.events(id)) events.push(event.type)
  t.equal(events.at(-1), 'run.succeeded')
  for (const step of await api.steps(id)) t.equal(step.status, 'succeeded', step.name)
}

t.test('a mesh', { timeout: 120_000 }, async t => {
  const restarts: string[] = []
  const mesh = await startMesh({ folder: t.testdir(), ...quiet, onRestart: name => restarts.push(name) })
  t.teardown(() => mesh.end())
  t.same((await seedMesh(mesh.url)).workflows, ['flight-delays', 'seed'])
  const api = new Api(mesh.url)

  await t.test('runs the smallest example through the gateway', async t => await runSeed(t, api))

  await t.test('starts what dies again, at the same address, and goes on', async t => {
    const ready = mesh.children.get('features')?.pid
    mesh.children.get('features')?.kill()
    await runSeed(t, api)
    t.same(restarts, ['features'])
    t.not(mesh.children.get('features')?.pid, ready)
  })

  await t.test('leaves no process behind when it is ended', async t => {
    const pids = pidsOf(mesh)
    t.ok(pids.length > 15, `${pids.length} processes, workers included`)
    await mesh.end()
    t.same(await untilGone(pids, 2000), [])
  })
})

t.test('what cannot start is told with its last lines, and the rest is ended', { timeout: 90_000 }, async t => {
  const taken = createServer()
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as { port: number }
  await t.rejects(
    startMesh({ folder: t.testdir(), port, ...quiet, logLevel: 'error' }),
    /gateway did not come up in 3 tries[\s\S]*EADDRINUSE/,
  )
  t.same(
    await untilGone(
      processesBelow([process.pid]).filter(pid => pid !== process.pid && /main\.ts|worker-main/.test(commandOf(pid))),
      5000,
    ),
    [],
  )
})

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

t.test('npm start, killed hard, takes everything with it', { timeout: 90_000 }, async t => {
  const child = spawn(
    process.execPath,
    [join(repository, 'launcher/src/start.ts'), '--dir', t.testdir(), '--port', '0'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  for await (const chunk of child.stdout) if (String(chunk).includes('Meshwork is ready')) break
  const pids = processesBelow([child.pid as number])
  t.ok(pids.length > 15)
  child.kill('SIGKILL')
  t.same(await untilGone(pids, 10_000), [])
})

t.test('the demo', { timeout: 170_000 }, async t => {
  const folder = t.testdir()
  const demo = async (...args: string[]) => {
    const { stdout } = await execute(
      process.execPath,
      [
        join(repository, 'launcher/src/demo.ts'),
        '--json',
        '--rows',
        '60000',
        '--dir',
        join(folder, 'mesh'),
        '--out',
        join(folder, 'report.html'),
        ...args,
      ],
      { maxBuffer: 1e7 },
    )
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as {
      run: { status: string }
      steps: { name: string; status: string; attempts: number }[]
      metrics: Record<string, number>
      report: string
    }
  }
  const statuses = ({ steps }: Awaited<ReturnType<typeof demo>>) =>
    Object.fromEntries(steps.map(({ name, status }) => [name, status]))

  await t.test('ends with one JSON object and a report; a stage that is killed on the way is no matter', async t => {
    const summary = await demo('--kill', 'clean')
    t.match(summary, { run: { status: 'succeeded' }, metrics: { rocAuc: Number } })
    t.ok((summary.metrics['rocAuc'] as number) > 0.6)
    t.match(summary.steps[0], {
      name: 'ingest',
      stage: 'ingest',
      version: '1.0.0',
      status: 'succeeded',
      rows: 60_000,
      seconds: Number,
      inputHash: /^[0-9a-f]{64}$/,
      outputHash: /^[0-9a-f]{64}$/,
    })
    t.ok((summary.steps.find(({ name }) => name === 'clean')?.attempts ?? 0) > 1)
    t.match(readFileSync(summary.report, 'utf8'), /^<!doctype html>/i)
  })

  await t.test(
    'reuses what it can when asked to, and only then; an orchestrator that is killed repeats no finished step',
    async t => {
      const again = await demo('--kill', 'orchestrator')
      t.same([...new Set(Object.values(statuses(again)))], ['succeeded'])
      for (const { name, attempts } of again.steps) if (name !== 'predict') t.equal(attempts, 1, name)
      const cached = statuses(await demo('--cache'))
      t.same(
        Object.entries(cached)
          .filter(([, status]) => status !== 'reused')
          .map(([name]) => name),
        ['report'],
        'a report tells of its own run',
      )
    },
  )

  await t.test('says what is wrong with its options', async t => {
    await t.rejects(execute(process.execPath, [join(repository, 'launcher/src/demo.ts'), '--rows', 'many']), {
      code: 2,
    })
  })
})

t.test('log lines are readable, and raw when asked for', async t => {
  const line = JSON.stringify({
    level: 'warn',
    time: '2026-11-23T05:19:44.502Z',
    module: 'clean',
    runId: '99e4fb97-301e',
    step: 'clean',
    seconds: 0.5,
    msg: 'failed',
    code: 'X',
  })
  t.equal(
    formatLine('clean', line, 0, { colour: false, raw: false }),
    'clean        05:19:44.502  WARN failed  runId=99e4fb97  step=clean  seconds=0.500  code=X',
  )
  t.equal(formatLine('clean', line, 0, { colour: false, raw: true }), line)
  t.equal(formatLine('clean', 'plain text', 0, { colour: false, raw: false }), 'clean        plain text')
})
