// What the orchestrator tells of itself: on PostgreSQL, with a reader who follows.

import { Registry } from 'prom-client'
import t from 'tap'
import { request } from 'undici'
import { EngineMetrics } from '../../src/telemetry/metrics.ts'
import { openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

t.test('latencies, queue, runs by status and the database are measured', { timeout: 100_000 }, async t => {
  const echo = await startEcho(t)
  const { app, post, until } = await openOrchestrator(t, {
    ...(await placeOf(t, 'PostgreSQL')),
    stages: [{ stage: 'echo', url: echo.url }],
    runsMax: 1,
  })
  const metric = async (name: string): Promise<number | undefined> => {
    const { body } = await app.inject('/metrics')
    const line = body.split('\n').find(text => text.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length + 1))
  }
  await post(
    '/v1/workflows',
    `name: two
steps:
  a: { stage: echo@1, with: { value: a, act: hold } }
  b: { stage: echo@1, with: { value: b, after: "\${steps.a.value}" } }
`,
  )
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const first = await post('/v1/runs', { workflow: 'two' })
  await echo.asked('a')
  const following = await request(`${url}/v1/runs/${first.id}/events`, { headers: { accept: 'text/event-stream' } })
  const chunks = following.body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let seen = ''
  while (!seen.includes('step.started')) seen += String((await chunks.next()).value)
  const second = await post('/v1/runs', { workflow: 'two' })
  const third = await post('/v1/runs', { workflow: 'two' })
  await post(`/v1/runs/${third.id}/pause`)

  t.equal(await metric('meshwork_runs_open{status="running"}'), 1)
  t.equal(await metric('meshwork_runs_open{status="queued"}'), 1)
  t.equal(await metric('meshwork_runs_open{status="paused"}'), 1)
  t.ok(Number(await metric('meshwork_queue_depth')) >= 1)
  t.ok(Number(await metric('meshwork_queue_oldest_seconds')) > 0)
  t.ok(Number(await metric('meshwork_run_oldest_seconds{status="running"}')) > 0)
  t.equal(await metric('meshwork_run_first_step_seconds_count'), 1)

  echo.release()
  while (!seen.includes('run.succeeded')) seen += String((await chunks.next()).value)
  await until(second.id, 'succeeded')
  t.equal(await metric('meshwork_run_first_step_seconds_count'), 2)
  t.equal(await metric('meshwork_step_to_step_seconds_count'), 2, 'one gap in each run')
  t.ok(Number(await metric('meshwork_step_to_step_seconds_sum')) > 0)
  t.equal(await metric('meshwork_run_orchestration_ratio_count'), 2)
  const share = Number(await metric('meshwork_run_orchestration_ratio_sum'))
  t.ok(share > 0 && share < 2, `shares of ${share}`)
  t.ok(Number(await metric('meshwork_event_visible_seconds_count')) >= 4, 'events after the reader came')
  t.ok(Number(await metric('meshwork_database_seconds_count{pool="walkers",kind="statement"}')) > 0)
  t.ok(Number(await metric('meshwork_database_seconds_count{pool="walkers",kind="transaction"}')) > 0)
  t.ok(Number(await metric('meshwork_database_pool_wait_seconds_count{pool="readers"}')) > 0)
  t.equal(await metric('meshwork_database_connections{pool="readers",state="waiting"}'), 0)
  t.equal(await metric('meshwork_runs_total{workflow="two",result="succeeded"}'), 2)
  t.equal(await metric('meshwork_runs_failed_total{workflow="two",fault="system"}'), 0, 'there before the first')
})

t.test('workflows without end do not make series without end', async t => {
  const registry = new Registry()
  const metrics = new EngineMetrics(registry)
  for (let i = 0; i < 1000; i += 1) {
    metrics.runTaken(`workflow-${i}`)
    metrics.runEnded(`workflow-${i}`, 'succeeded', { seconds: 1, ownSeconds: 0.1 }, false)
  }
  const text = await registry.metrics()
  t.match(text, /meshwork_runs_total\{workflow="workflow-0",result="succeeded"\} 1\n/)
  t.match(text, /meshwork_runs_total\{workflow="other",result="succeeded"\} 800\n/)
  t.notMatch(text, /workflow-900/)
})
