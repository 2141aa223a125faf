import type { RunView, StepView } from '@meshwork/contracts'
import { logCapture } from '@meshwork/kit/testing'
import t from 'tap'
import { createOrchestrator } from '../../src/app.ts'
import { readCursor, writeCursor } from '../../src/routes/cursor.ts'
import { openFolder } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrations.ts'
import { type RunFilter, Runs } from '../../src/store/runs.ts'
import { startEcho } from '../fixture/stages.ts'

t.test('two deployments that take one call each', async t => {
  const echoes = [await startEcho(t), await startEcho(t)] as const
  const orchestrator = await createOrchestrator({
    stateFolder: `${t.testdir()}/state`,
    stages: echoes.map(({ url }) => ({ stage: 'echo', url })),
    runsMax: 64,
    callsMax: 1,
    eventStreamsMax: 4,
    log: logCapture('orchestrator', 'silent').log,
  })
  t.teardown(async () => {
    await orchestrator.app.close()
    await orchestrator.stop()
  })
  await orchestrator.start()
  const { app } = orchestrator
  const post = async (url: string, payload: object, headers = {}) =>
    (await app.inject({ method: 'POST', url, payload, headers })).json<RunView>()
  await post('/v1/workflows', {
    name: 'pair',
    steps: {
      a: { stage: 'echo@1', with: { value: 'a', act: 'hold' } },
      b: { stage: 'echo@1', with: { value: 'b', act: 'hold' } },
    },
  })
  await post('/v1/workflows', { name: 'one', steps: { a: { stage: 'echo@1', with: { value: 'one' } } } })

  await t.test('parallel steps go to different deployments', async t => {
    const run = await post('/v1/runs', { workflow: 'pair' })
    await Promise.all(['a', 'b'].map(async value => await Promise.race(echoes.map(echo => echo.asked(value)))))
    t.same(
      echoes.map(({ calls }) => calls.size),
      [1, 1],
    )
    for (const echo of echoes) echo.release()
    await post('/v1/runs', { workflow: 'one' }, { prefer: 'wait=30' })
    const { items } = (await app.inject(`/v1/runs/${run.id}/steps`)).json<{ items: StepView[] }>()
    t.equal(items.length, 2)
  })
})

t.test('pages leave out no run, even of those that were accepted in the same millisecond', async t => {
  const database = await openFolder(`${t.testdir()}/state`)
  t.teardown(() => database.close())
  await migrate(database)
  await database.query(
    `INSERT INTO run (id, workflow, version, status, params, cache, plan, traceparent, job_id, request_hash, created_at)
     SELECT gen_random_uuid(), 'w', 1, 'queued', '{}', false, '{}', '', gen_random_uuid(), '', '2026-01-01T00:00:00Z'::timestamptz + i * interval '7 microseconds'
     FROM generate_series(1, 30) AS i`,
  )
  const runs = new Runs(database, undefined as never, undefined as never) // lists need no queue
  const seen: string[] = []
  let before: RunFilter['before']
  do {
    const rows = await runs.list({ limit: 4, ...(before ? { before } : {}) })
    seen.push(...rows.map(({ id }) => id))
    const last = rows.at(-1)
    before = last && readCursor(writeCursor({ at: last.cursor_at, id: last.id }))
  } while (before)
  t.equal(seen.length, 30)
  t.equal(new Set(seen).size, 30)
})
