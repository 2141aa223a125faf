// docs/install/one-machine.md: the folder of a mesh that is stopped is its backup. A copy of it elsewhere goes on.

import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { Api } from '../launcher/src/demo/api.ts'
import { type Mesh, repository, startMesh } from '../launcher/src/mesh.ts'
import { seedMesh } from '../launcher/src/seed.ts'

const waits = `name: waits
params: { source: { type: artefact } }
steps:
  asked: { wait: { signal: {} } }
  ingest: { stage: ingest@1, needs: [asked], with: { source: "\${params.source}" } }
`

type Post = (path: string, body: string, type?: string) => Promise<void>

async function started(t: Test, folder: string): Promise<{ mesh: Mesh; api: Api; post: Post }> {
  const mesh = await startMesh({ folder, logLevel: 'silent', onLine: () => {} })
  t.teardown(async () => await mesh.end())
  const post: Post = async (path, body, type = 'application/json') => {
    const answer = await request(`${mesh.url}${path}`, { method: 'POST', headers: { 'content-type': type }, body })
    const told = await answer.body.text()
    t.ok(answer.statusCode < 300, `${path} ${told.slice(0, 200)}`)
  }
  return { mesh, api: new Api(mesh.url), post }
}

async function ended(api: Api, id: string): Promise<string> {
  for await (const { type } of api.events(id)) if (/^run\.(succeeded|failed|cancelled)$/.test(type)) return type
  return 'never'
}

t.test('a copy of the folder has what was done, and goes on with what waited', { timeout: 120_000 }, async t => {
  const folder = join(t.testdir({ mesh: {} }), 'mesh')
  const first = await started(t, folder)
  await seedMesh(first.mesh.url)
  await first.post('/v1/workflows', waits, 'application/yaml')
  const source = await first.api.upload(join(repository, 'models/seed/input.csv'))
  const waiting = await first.api.startRun('waits', { source }, false)
  const { id } = await first.api.startRun('seed', { source }, false)
  t.equal(await ended(first.api, id), 'run.succeeded')
  const before = await first.api.run(id)
  await first.mesh.end()

  const copy = join(folder, '../elsewhere/copy')
  await mkdir(join(copy, '..'))
  await cp(folder, copy, { recursive: true })
  await rm(folder, { recursive: true })
  const second = await started(t, copy)
  t.same(await second.api.run(id), before)
  const { result } = before.outputs as { result: { hash: string } }
  const { statusCode, body } = await request(`${second.mesh.url}/v1/artefacts/${result.hash}`)
  t.equal(statusCode, 200, 'its output is there')
  await body.dump()
  await second.post(`/v1/runs/${waiting.id}/steps/asked/signal`, '{}')
  t.equal(await ended(second.api, waiting.id), 'run.succeeded')
})
