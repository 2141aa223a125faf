import type { RunView, StepView } from '@meshwork/contracts'
import { logCapture } from '@meshwork/kit/testing'
import t from 'tap'
import { createOrchestrator } from '../../src/app.ts'
import { startEcho } from '../fixture/stages.ts'

t.test('many runs at once, over two deployments that take one call each', async t => {
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

  await t.test('pages leave out no run, even of those that were accepted in the same millisecond', async t => {
    const started = await Promise.all(Array.from({ length: 30 }, () => post('/v1/runs', { workflow: 'one' })))
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: RunView[]; next: string | null } = (
        await app.inject(`/v1/runs?limit=4&workflow=one${cursor ? `&cursor=${cursor}` : ''}`)
      ).json()
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.next
    }
    t.equal(seen.length, 31)
    t.ok(started.every(({ id }) => seen.includes(id)))
  })
})
