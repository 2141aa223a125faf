// A mesh whose store stands on a file system of its own, which is really full.

import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { Api } from '../src/demo/api.ts'
import { startMesh } from '../src/mesh.ts'
import { fillDisk, smallDisk } from '../../services/kit/test/small-disk.ts'

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile())

t.test('a full store', { timeout: 80_000 }, async t => {
  const disk = smallDisk(t, 48)
  if ('why' in disk) {
    t.pass('no disk was filled', { skip: disk.why })
    return
  }
  const store = disk.folder
  const filler = join(store, 'filler')
  const folder = t.testdir()
  symlinkSync(store, join(folder, 'store'))
  const mesh = await startMesh({ folder, logLevel: 'silent', onLine: () => {} })
  t.teardown(() => mesh.end())
  const api = new Api(mesh.url)
  const post = async (path: string, body: string, type: string) => {
    const answer = await request(`${mesh.url}${path}`, { method: 'POST', headers: { 'content-type': type }, body })
    return (await answer.body.json()) as { id: string }
  }
  for (const [name, attempts] of [
    ['once', 1],
    ['often', 60],
  ] as const) {
    const registered = await post(
      '/v1/workflows',
      `name: ${name}
params: { source: { type: artefact } }
steps:
  ingest: { stage: ingest@1, with: { source: "\${params.source}" }, retry: { attempts: ${attempts}, backoff: 100ms, maxBackoff: 300ms } }
  clean: { stage: clean@1, with: { dataset: "\${steps.ingest.dataset}", rules: [{ rule: filter, where: "n >= 0" }] } }
outputs: { dataset: "\${steps.clean.dataset}" }
`,
      'application/yaml',
    )
    if (!('name' in registered)) throw new Error(JSON.stringify(registered))
  }
  mkdirSync(join(folder, 'in'))
  const numbers = join(folder, 'in', 'numbers.csv')
  writeFileSync(numbers, `n,x\n${Array.from({ length: 100_000 }, (_, n) => `${n},${Math.sin(n)}`).join('\n')}\n`)
  const source = await api.upload(numbers)

  const nothingHalfWritten = (t: Test) => {
    for (const path of filesBelow(join(store, 'artefacts')))
      t.equal(createHash('sha256').update(readFileSync(path)).digest('hex'), path.split('/').at(-1), path)
    t.same(filesBelow(join(store, 'tmp')), [])
  }
  const stillUp = async (t: Test) => {
    for (const [name, { address }] of mesh.children) {
      const { statusCode, body } = await request(`${address}/healthz`)
      await body.dump()
      t.equal(statusCode, 200, name)
    }
  }

  await t.test('fails the step with the folder and the way out, and leaves nothing half written', async t => {
    fillDisk(filler)
    const { id } = await post('/v1/runs', JSON.stringify({ workflow: 'once', params: { source } }), 'application/json')
    const types = []
    for await (const { type } of api.events(id)) types.push(type)
    t.equal(types.at(-1), 'run.failed')
    const { problem } = await api.run(id)
    t.match(problem, { code: 'MESHWORK_STORE_FULL', status: 507, retryable: true, detail: /free space/ })
    t.ok(problem?.detail.includes(join(folder, 'store')), String(problem?.detail))
    nothingHalfWritten(t)
    await stillUp(t)
  })

  await t.test('refuses an upload, and leaves nothing of it', async t => {
    const larger = join(folder, 'in', 'larger.csv')
    writeFileSync(larger, `n\n${'1\n'.repeat(1_000_000)}`)
    await t.rejects(api.upload(larger), /There is no space left/)
    nothingHalfWritten(t)
    await stillUp(t)
  })

  await t.test('goes on once space is freed: a step that is being retried succeeds', async t => {
    const { id } = await post('/v1/runs', JSON.stringify({ workflow: 'often', params: { source } }), 'application/json')
    const types = []
    for await (const event of api.events(id)) {
      types.push(`${event.step ?? ''} ${event.type}`)
      if (event.type === 'step.retrying') rmSync(filler, { force: true })
    }
    t.ok(types.includes('ingest step.retrying'), types.join(', '))
    t.equal(types.at(-1), ' run.succeeded')
    nothingHalfWritten(t)
  })
})
