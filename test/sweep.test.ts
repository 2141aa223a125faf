// What is removed from the artefact store and what stays, with a real orchestrator, stage and gateway.

import { utimes } from 'node:fs/promises'
import type { ArtefactRef, DatasetRef, RunView, SweepView } from '@meshwork/contracts'
import { readManifest } from '@meshwork/kit'
import { logCapture, startStage, temporaryStore } from '@meshwork/kit/testing'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { createGateway } from '../gateway/src/app.ts'
import { keepSecondsOf } from '../gateway/src/config.ts'
import { createOrchestrator } from '../orchestrator/src/app.ts'
import { stage as ingest } from '../services/ingest/src/stage.ts'

const keepSeconds = 3600
const workflow = (extra = '') => `name: load
params: { source: { type: artefact } }
steps:
  ingest: { stage: ingest@1, with: { source: "\${params.source}", partRows: 2048 } }
${extra}outputs: { dataset: "\${steps.ingest.dataset}" }
`

async function start(t: Test, keeps = keepSeconds) {
  const { log } = logCapture('test', 'silent')
  const store = await temporaryStore(t)
  const module = new URL('../services/ingest/src/stage.ts', import.meta.url)
  const stage = await startStage(t, ingest, module, { store })
  const orchestrator = await createOrchestrator({
    stateFolder: `${t.testdir()}/state`,
    stages: [{ stage: 'ingest', url: stage.url }],
    runsMax: 8,
    callsMax: 8,
    eventStreamsMax: 4,
    log,
  })
  t.teardown(async () => {
    await orchestrator.app.close()
    await orchestrator.stop()
  })
  await orchestrator.start()
  const gateway = await createGateway({
    upstreams: {
      orchestrator: await orchestrator.app.listen({ host: '127.0.0.1', port: 0 }),
      stages: new Map([['ingest', stage.url]]),
    },
    store,
    artefactsKeepSeconds: keeps,
    log,
  })
  gateway.readiness.phase = 'ready'
  t.teardown(() => gateway.app.close())
  const url = await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  const ask = async <T>(method: 'GET' | 'POST' | 'PUT', path: string, body?: string, headers = {}) => {
    const answer = await request(`${url}${path}`, { method, ...(body !== undefined && { body }), headers })
    return (await answer.body.json()) as T
  }
  const put = async (text: string) => await ask<ArtefactRef>('PUT', '/v1/artefacts', text)
  const run = async (source: ArtefactRef) =>
    await ask<RunView>(
      'POST',
      '/v1/runs',
      JSON.stringify({ workflow: 'load', params: { source: { ...source, mediaType: 'text/csv' } } }),
      { 'content-type': 'application/json', prefer: 'wait=30' },
    )
  const register = async (text: string) =>
    t.match(await ask('POST', '/v1/workflows', text, { 'content-type': 'application/yaml' }), {
      name: 'load',
      detail: undefined,
    })
  /** As if all of it had been put ten days ago. */
  const age = async () => {
    const then = new Date(Date.now() - 10 * 86_400_000)
    for await (const { hash } of store.list()) await utimes(await store.localPath(hash), then, then)
  }
  const left = async () => {
    const hashes: string[] = []
    for await (const { hash } of store.list()) hashes.push(hash)
    return hashes.sort()
  }
  const sweep = async (dryRun = false) => await ask<SweepView>('POST', `/v1/artefacts:sweep?dryRun=${dryRun}`)
  return { store, orchestrator, put, run, register, age, left, sweep, ask }
}

const csv = (from: number) =>
  `n,name\n${Array.from({ length: 5000 }, (_, i) => `${from + i},name ${from + i}`).join('\n')}\n`

t.test('what a run names stays, with all that its dataset is made of; the rest goes', { timeout: 60_000 }, async t => {
  const mesh = await start(t)
  await mesh.register(workflow())
  const source = await mesh.put(csv(0))
  const ended = await mesh.run(source)
  t.equal(ended.status, 'succeeded')
  const dataset = ended.outputs?.['dataset'] as DatasetRef
  const { parts } = await readManifest(mesh.store, dataset.hash)
  t.ok(parts.length >= 3)
  const named = [source.hash, dataset.hash, ...parts.flatMap(({ groups }) => groups.map(({ hash }) => hash))].sort()
  const forgotten = await mesh.put('nobody names it')
  await mesh.age()
  const recent = await mesh.put('put a moment ago')

  const preview = await mesh.sweep(true)
  t.match(preview, { dryRun: true, keepSeconds, bytes: 15, artefacts: 1 })
  t.ok((await mesh.left()).includes(forgotten.hash), 'a dry run removes nothing')
  t.match(await mesh.sweep(), { dryRun: false, artefacts: 1, bytes: 15 })
  t.same(await mesh.left(), [...named, recent.hash].sort())
  t.equal((await mesh.store.read(source.hash)).toString(), csv(0))
  t.equal((await mesh.run(source)).status, 'succeeded', 'what is kept can be used')

  // With the run goes what only it names.
  await mesh.orchestrator.database.query('DELETE FROM run')
  await mesh.age()
  await mesh.sweep()
  t.same(await mesh.left(), [])
})

t.test('what a run that has not ended, a workflow or a schedule names stays', { timeout: 60_000 }, async t => {
  const mesh = await start(t)
  const [literal, planned, given] = [await mesh.put('a'), await mesh.put('b'), await mesh.put('c\n1\n')]
  await mesh.register(
    workflow(
      `  literal: { stage: ingest@1, when: "\${params.source.bytes < 0}", with: { source: { kind: artefact, hash: "${literal.hash}", bytes: 1, mediaType: text/csv } } }\n  held: { wait: { signal: {} } }\n`,
    ),
  )
  const answer = await mesh.ask<{ name?: string }>(
    'PUT',
    '/v1/schedules/nightly',
    JSON.stringify({ workflow: 'load', cron: '0 0 3 * * *', params: { source: planned } }),
    { 'content-type': 'application/json' },
  )
  t.equal(answer.name, 'nightly')
  const started = await mesh.ask<RunView>(
    'POST',
    '/v1/runs',
    JSON.stringify({ workflow: 'load', params: { source: given } }),
    { 'content-type': 'application/json' },
  )
  t.type(started.id, 'string')
  await mesh.age()
  await mesh.sweep()
  const left = await mesh.left()
  for (const { hash } of [literal, planned, given]) t.ok(left.includes(hash))
})

t.test('when the orchestrator cannot be asked, nothing is removed', { timeout: 60_000 }, async t => {
  const mesh = await start(t)
  const { hash } = await mesh.put('kept')
  await mesh.age()
  await mesh.orchestrator.app.close()
  t.match(await mesh.sweep(), { code: /MESHWORK_/ })
  t.same(await mesh.left(), [hash])
})

t.test('nothing is removed unless it is asked for, or within a day', { timeout: 60_000 }, async t => {
  const mesh = await start(t, 0)
  const { hash } = await mesh.put('for ever')
  await mesh.age()
  t.same(await mesh.sweep(), { dryRun: false, keepSeconds: null, artefacts: 0, bytes: 0, records: 0 })
  t.same(await mesh.left(), [hash])
  t.throws(() => keepSecondsOf(24), /set at least 25, or 0/)
  t.same([0, 25].map(keepSecondsOf), [0, 90_000])
})

t.test('references come page by page, each once or more, none is missed', { timeout: 60_000 }, async t => {
  const { orchestrator } = await start(t)
  await orchestrator.database.query(
    `INSERT INTO run (id, workflow, version, status, params, cache, plan, traceparent, job_id, request_hash, ended_at)
     SELECT gen_random_uuid(), 'w', 1, 'succeeded', jsonb_build_object('n', encode(sha256(i::text::bytea), 'hex')), false, '{}', '', gen_random_uuid(), '', now() - interval '1 day'
     FROM generate_series(1, 2300) AS i`,
  )
  await orchestrator.database.query(
    `INSERT INTO step (run_id, name, place, stage, status, attempts, output)
     SELECT id, 'a', 0, 's', 'succeeded', 1, jsonb_build_object('of', jsonb_build_array('see ' || encode(sha256(id::text::bytea), 'hex') || '.')) FROM run`,
  )
  const found = new Set<string>()
  let pages = 0
  const read = async (query: string) => {
    for (let cursor = ''; ; pages++) {
      const answer = await orchestrator.app.inject(`/v1/references?${query}${cursor && `&cursor=${cursor}`}`)
      const { hashes, next } = answer.json<{ hashes: string[]; next: string | null }>()
      for (const hash of hashes) found.add(hash)
      if (next === null) return
      cursor = next
    }
  }
  await read('')
  t.equal(found.size, 4600)
  t.ok(pages >= 6)
  found.clear()
  await read(`since=${new Date().toISOString()}`)
  t.equal(found.size, 0, 'they ended before')
  for (const cursor of ['x', Buffer.from('{"kind":"runs","id":"1"}').toString('base64url')])
    t.match((await orchestrator.app.inject(`/v1/references?cursor=${cursor}`)).json(), {
      code: 'MESHWORK_REQUEST_INVALID',
      status: 400,
    })
})
