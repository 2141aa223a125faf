// The demo as people run it: its options, its end, its result, and a service killed on the way.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { repository } from '../src/mesh.ts'
import { alive, processesBelow, untilGone } from './processes.ts'

const execute = promisify(execFile)
const program = join(repository, 'launcher/src/demo.ts')

interface Summary {
  readonly run: { readonly status: string }
  readonly steps: readonly { readonly name: string; readonly status: string; readonly attempts: number }[]
  readonly metrics: Readonly<Record<string, number>>
  readonly report: string
  readonly killed?: {
    readonly service: string
    readonly finishedSteps: readonly string[]
    readonly restarts: readonly { readonly service: string; readonly how: string }[]
  }
}

t.test('the demo', { timeout: 240_000 }, async t => {
  const folder = t.testdir()
  const demo = async (...args: string[]): Promise<Summary> => {
    const places = ['--dir', join(folder, 'mesh'), '--out', join(folder, 'report.html')]
    const { stdout } = await execute(process.execPath, [program, '--json', '--rows', '60000', ...places, ...args], {
      maxBuffer: 1e7,
    })
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as Summary
  }
  const attemptsOf = ({ steps }: Summary) => Object.fromEntries(steps.map(({ name, attempts }) => [name, attempts]))

  const told = (t: Test, summary: Summary) => {
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
    t.match(readFileSync(summary.report, 'utf8'), /^<!doctype html>/i)
  }

  for (const service of ['orchestrator', 'inference'])
    await t.test(
      `ends with one JSON object and a report; ${service}, killed on the way, comes back, and no finished step is called again`,
      async t => {
        const summary = await demo('--kill', service)
        told(t, summary)
        t.same(summary.killed?.restarts, [{ service, how: 'SIGKILL' }], 'it died by our hand, and was started again')
        t.same([...(summary.killed?.finishedSteps ?? [])].sort(), ['clean', 'features', 'ingest'])
        const attempts = attemptsOf(summary)
        for (const step of summary.killed?.finishedSteps ?? []) t.equal(attempts[step], 1, step)
        t.same([...new Set(summary.steps.map(({ status }) => status))], ['succeeded'])
        if (service === 'inference') t.ok((attempts['predict'] ?? 0) > 1, 'the step that was running is tried again')
      },
    )

  await t.test('reuses what it can when asked to', async t => {
    const { steps } = await demo('--cache')
    t.same(
      steps.filter(({ status }) => status !== 'reused').map(({ name }) => name),
      ['report'],
      'a report tells of its own run',
    )
  })
})

for (const [file, args, told] of [
  ['demo', ['--rwos', '5'], /^npm run demo: Unknown option '--rwos'; its options are: --json, --cache, --rows, .*\n$/],
  ['demo', ['--rows'], /^npm run demo: Option '--rows <value>' argument missing; its options are: .*\n$/],
  ['demo', ['--rows', 'many'], /^npm run demo: --rows many is not a number of rows; .*\n$/],
  ['demo', ['--kill', 'cleen'], /^npm run demo: --kill cleen is none of: orchestrator, .*\n$/],
  ['demo', ['fast'], /^npm run demo: Unexpected argument 'fast'.*; its options are: .*\n$/],
  ['start', ['--prot', '1'], /^npm start: Unknown option '--prot'; its options are: --dir, --port, .*\n$/],
  ['start', ['--port', 'x'], /^npm start: --port x is not a port; .*\n$/],
  ['start', ['--stage', 'x'], /^npm start: --stage x is not name=http:\/\/host:port\n$/],
] as const)
  t.test(`${file} ${args.join(' ')}: what is wrong is told in one line, with exit code 2`, async t => {
    const called = execute(process.execPath, [join(repository, `launcher/src/${file}.ts`), ...args])
    await t.rejects(called, { code: 2, stdout: '', stderr: told })
  })

for (const [file, args, signal, exitCode] of [
  ['demo', [], 'SIGINT', 130],
  ['demo', [], 'SIGTERM', 143],
  ['start', ['--port', '0'], 'SIGINT', 0],
] as const)
  t.test(`${file}, told ${signal} while it starts, ends what it has started before itself`, async t => {
    const folder = t.testdir({ temporary: {}, state: {} })
    const places = file === 'demo' ? [] : ['--dir', join(folder, 'state')]
    const child = spawn(process.execPath, [join(repository, `launcher/src/${file}.ts`), ...args, ...places], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: join(folder, 'temporary') },
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += String(chunk)))
    const ended = once(child, 'exit')
    let pids = processesBelow([child.pid as number])
    while (pids.length < 11 && child.exitCode === null) {
      await new Promise(resolve => setTimeout(resolve, 10))
      pids = processesBelow([child.pid as number])
    }
    child.kill(signal)
    t.same(await ended, [exitCode, null], said)
    // They also end without us once we are gone; in order means that we are the last.
    t.same(alive(pids), [])
    t.notMatch(said, /ready|failed/i)
    t.same(readdirSync(join(folder, 'temporary')), [], 'and no folder is left')
    await untilGone(pids, 5000)
  })
