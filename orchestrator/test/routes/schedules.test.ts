// Schedules, on both homes: fired by hand, with the time that is due moved in the database.

import type { BackfillView, FireView, RunView, ScheduleView } from '@meshwork/contracts'
import t from 'tap'
import { Schedules } from '../../src/store/schedules.ts'
import { homes, openOrchestrator, placeOf } from '../fixture/orchestrator.ts'
import { startEcho } from '../fixture/stages.ts'

for (const home of homes)
  t.test(home, { timeout: 150_000 }, async t => {
    const echo = await startEcho(t)
    const place = await placeOf(t, home)
    const stages = [{ stage: 'echo', url: echo.url }]
    const mesh = await openOrchestrator(t, { ...place, stages })
    const { app, post, get, until, orchestrator } = mesh
    await post(
      '/v1/workflows',
      'name: timed\nparams: { at: { type: string, default: none } }\nsteps:\n  a: { stage: echo@1, with: { value: "${params.at}" } }\n',
    )
    await post('/v1/workflows', 'name: held\nsteps:\n  a: { stage: echo@1, with: { value: held, act: hold } }\n')
    const put = async (name: string, definition: object) => {
      const answer = await app.inject({ method: 'PUT', url: `/v1/schedules/${name}`, payload: definition })
      return { statusCode: answer.statusCode, ...answer.json<ScheduleView & { code?: string; detail?: string }>() }
    }
    const fires = async (name: string) =>
      (await get<{ items: FireView[] }>(`/v1/schedules/${name}/fires?limit=1000`)).items
    /** As if so many seconds had passed with nobody at work. */
    const due = async (name: string, secondsAgo: number) =>
      await orchestrator.database.query(
        `UPDATE schedule SET next_at = date_trunc('minute', clock_timestamp()) - make_interval(secs => $2) WHERE name = $1`,
        [name, secondsAgo],
      )
    const untilFired = async (name: string, count: number) => {
      for (;;) {
        const found = await fires(name)
        if (found.length >= count) return found
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    const yearly = '0 0 1 1 *'

    await t.test('a schedule is made, seen with its next fires, paused, resumed and removed', async t => {
      const made = await put('yearly', { workflow: 'timed', cron: '0 30 2 * * *', timeZone: 'Europe/Berlin' })
      t.match(made, { statusCode: 200, name: 'yearly', paused: false, next: { length: 3 } })
      t.equal((await get<ScheduleView>('/v1/schedules/yearly?next=10')).next.length, 10)
      t.match(await post('/v1/schedules/yearly/pause'), { paused: true, next: [] })
      t.match(await post('/v1/schedules/yearly/resume'), { paused: false, next: made.next })
      t.match(await get('/v1/schedules'), { items: [{ name: 'yearly' }], next: null })
      t.equal((await app.inject({ method: 'DELETE', url: '/v1/schedules/yearly' })).statusCode, 204)
      t.match(await get('/v1/schedules/yearly'), { code: 'MESHWORK_SCHEDULE_UNKNOWN', status: 404 })
    })

    for (const [title, definition, code] of [
      ['a wrong expression', { workflow: 'timed', cron: '61 * * * *' }, 'MESHWORK_SCHEDULE_INVALID'],
      ['an unknown zone', { workflow: 'timed', cron: yearly, timeZone: 'Mars/X' }, 'MESHWORK_SCHEDULE_INVALID'],
      ['an unknown workflow', { workflow: 'none', cron: yearly }, 'MESHWORK_WORKFLOW_UNKNOWN'],
      ['a wrong parameter', { workflow: 'timed', cron: yearly, params: { at: 1 } }, 'MESHWORK_RUN_PARAMS'],
    ] as const)
      await t.test(`${title} is refused`, async t => void t.equal((await put('wrong', definition)).code, code))

    await t.test('a fire starts a run, which knows its time', async t => {
      await put('one', { workflow: 'timed', cron: '* * * * *', timeParam: 'at', overlap: 'allow' })
      await due('one', 0)
      const [fire] = await untilFired('one', 1)
      await post('/v1/schedules/one/pause')
      t.match(fire, { outcome: 'started', reason: null, backfill: false })
      const run = await until(fire?.run ?? '', 'succeeded')
      t.equal(run.params['at'], fire?.at)
    })

    await t.test('what was missed is caught up as the policy says, each time with one entry', async t => {
      for (const catchUp of ['all', 'latest', 'none'] as const) {
        const name = `missed-${catchUp}`
        await put(name, { workflow: 'timed', cron: '0 * * * *', overlap: 'allow', catchUp })
        await due(name, 36_000)
        const found = await untilFired(name, 10)
        await post(`/v1/schedules/${name}/pause`)
        t.equal(new Set(found.map(({ at }) => at)).size, found.length)
        const isLate = ({ at, recordedAt }: FireView) => Date.parse(recordedAt) - Date.parse(at) > 60_000
        const isMissed = (fire: FireView, place: number) =>
          isLate(fire) && (catchUp === 'none' || (catchUp === 'latest' && place > 0))
        t.same(
          found.map(({ outcome }) => outcome),
          found.map((fire, place) => (isMissed(fire, place) ? 'missed' : 'started')),
          catchUp,
        )
      }
    })

    await t.test('overlap: skipped, queued for its turn, replaced', async t => {
      for (const overlap of ['skip', 'queue', 'replace'] as const)
        await put(`over-${overlap}`, { workflow: 'held', cron: yearly, overlap, catchUp: 'all' })
      for (const name of ['over-skip', 'over-queue', 'over-replace']) {
        await orchestrator.database.query(
          `UPDATE schedule SET definition = jsonb_set(definition, '{cron}', '"* * * * *"'), revision = revision + 1 WHERE name = $1`,
          [name],
        )
        await due(name, 60)
        await untilFired(name, 2)
        await post(`/v1/schedules/${name}/pause`)
      }
      const outcomes = async (name: string) => (await fires(name)).map(({ outcome }) => outcome).reverse()
      t.same((await outcomes('over-skip')).slice(0, 2), ['started', 'skipped'])
      t.same((await outcomes('over-queue')).slice(0, 2), ['started', 'queued'])
      t.same((await outcomes('over-replace')).slice(0, 2), ['started', 'started'])
      const replaced = (await fires('over-replace')).at(-1)?.run ?? ''
      await until(replaced, 'cancelled')
      const first = (await fires('over-queue')).at(-1)?.run ?? ''
      await post('/v1/schedules/over-queue/resume')
      await post(`/v1/runs/${first}/cancel`)
      while ((await outcomes('over-queue'))[1] !== 'started') await new Promise(resolve => setImmediate(resolve))
      await post('/v1/schedules/over-queue/pause')
      echo.release()
    })

    await t.test('the oldest entries go, those that wait stay', async t => {
      const { database } = orchestrator
      await new Schedules(database).trim(database, 'missed-all', 3)
      t.equal((await fires('missed-all')).length, 3)
      await new Schedules(database).trim(database, 'missed-all', 3)
      t.equal((await fires('missed-all')).length, 3)
    })

    await t.test('a backfill runs what a range lacks, so many at a time, and once', async t => {
      await put('filled', { workflow: 'timed', cron: '0 * * * *', timeParam: 'at' })
      const range = { from: '2026-01-01T00:00:00Z', to: '2026-01-01T09:00:00Z', concurrency: 2 }
      const url = '/v1/schedules/filled/backfill'
      t.equal((await post<BackfillView>(`${url}?dryRun=true`, range)).fires.length, 10)
      t.same(await fires('filled'), [])
      t.equal((await post<BackfillView>(url, range)).fires.length, 10)
      t.same((await post<BackfillView>(url, range)).fires, [], 'the same again adds nothing')
      for (;;) {
        await new Promise(resolve => setImmediate(resolve)) // `inject` alone would never let a timer through
        const found = await fires('filled')
        const open = await Promise.all(
          found.flatMap(({ run }) => (run === null ? [] : [get<RunView>(`/v1/runs/${run}`)])),
        )
        if (open.filter(({ endedAt }) => endedAt === null).length > 2) t.fail('more than two at a time')
        if (found.every(({ outcome }) => outcome === 'started') && open.every(({ endedAt }) => endedAt !== null)) break
      }
      t.equal(new Set((await fires('filled')).map(({ run }) => run)).size, 10)
      t.match(await post(url, { from: '2020-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }), {
        statusCode: 422,
        code: 'MESHWORK_BACKFILL_TOO_LONG',
      })
    })
  })
