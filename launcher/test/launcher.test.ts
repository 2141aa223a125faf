// The mesh as people start it: real processes, killed and ended.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { Api } from '../src/demo/api.ts'
import { formatLine } from '../src/lines.ts'
import { type Mesh, repository, startMesh } from '../src/mesh.ts'
import { seedMesh } from '../src/seed.ts'
import { commandOf, processesBelow, untilGone } from './processes.ts'

const quiet = { logLevel: 'silent', onLine: () => {} }

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

t.test('a mesh, with another one beside it', { timeout: 150_000 }, async t => {
  const restarts: string[] = []
  const folder = t.testdir({ one: {}, two: {} })
  const started = await Promise.allSettled(
    ['one', 'two'].map(async name => {
      const onRestart = (service: string) => restarts.push(`${service} of ${name}`)
      return await startMesh({ folder: join(folder, name), ...quiet, onRestart })
    }),
  )
  const meshes = started.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  t.teardown(() => Promise.all(meshes.map(each => each.end())))
  const [mesh, beside] = meshes
  const reasons = started.flatMap(result => (result.status === 'rejected' ? [String(result.reason)] : []))
  if (!mesh || !beside) throw new Error(reasons.join('\n'))
  const addresses = meshes.flatMap(({ children }) => [...children.values()].map(({ address }) => address))
  t.equal(new Set(addresses).size, 20, addresses.join(' '))
  t.same((await seedMesh(mesh.url)).workflows, ['flight-delays', 'seed'])
  const api = new Api(mesh.url)

  await t.test('runs the smallest example through the gateway, as the other does', async t => {
    await runSeed(t, api)
    await seedMesh(beside.url)
    await runSeed(t, new Api(beside.url))
    await beside.end()
  })

  await t.test('starts what dies again, at the same address, and goes on', async t => {
    const features = mesh.children.get('features')
    const first = features?.pid as number
    const address = await features?.listening(0)
    const before = processesBelow([first])
    t.ok(before.length > 1, 'it has workers')
    features?.kill()
    await runSeed(t, api)
    t.same(restarts, ['features of one'])
    t.not(features?.pid, first)
    t.equal(features?.address, address)
    const stage = await request(`${address}/v1/stage`)
    t.match(await stage.body.json(), { name: 'features' })
    t.same(await untilGone(before, 5000), [], 'its workers went with it')
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
    /gateway did not come up in 3 tries[\s\S]*MESHWORK_PORT: port \d+ of 127\.0\.0\.1 is taken/,
  )
  t.same(
    await untilGone(
      processesBelow([process.pid]).filter(pid => pid !== process.pid && /main\.ts|worker-main/.test(commandOf(pid))),
      5000,
    ),
    [],
  )
})

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
  t.same(await untilGone(pids, 40_000), [])
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
