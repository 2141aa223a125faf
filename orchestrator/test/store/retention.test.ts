// What is removed and what stays, on both homes.

import t, { type Test } from 'tap'
import { Janitor } from '../../src/upkeep/janitor.ts'
import { type Database, openFolder, openPostgres } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrations.ts'
import { type Removed, Retention } from '../../src/store/retention.ts'
import { logCapture } from '@meshwork/kit/testing'
import { startPostgres } from '../postgres.ts'

const homes: Record<string, (t: Test) => Promise<Database>> = {
  PGlite: async t => await openFolder(`${t.testdir()}/state`),
  PostgreSQL: async t => openPostgres((await startPostgres(t)).url, () => {}),
}

for (const [home, open] of Object.entries(homes))
  t.test(home, { timeout: 100_000 }, async t => {
    const database = await open(t)
    t.teardown(() => database.close())
    await migrate(database)
    // 450 that ended 10 days ago, 10 that ended an hour ago, 10 that are open and older than all.
    await database.query(
      `INSERT INTO run (id, workflow, version, status, params, cache, plan, traceparent, job_id, request_hash, created_at, ended_at)
       SELECT gen_random_uuid(), 'w', 1, CASE WHEN i <= 460 THEN 'succeeded' ELSE 'running' END, '{}', false, '{}', '', gen_random_uuid(), '',
         now() - interval '20 days', CASE WHEN i <= 450 THEN now() - interval '10 days' WHEN i <= 460 THEN now() - interval '1 hour' END
       FROM generate_series(1, 470) AS i`,
    )
    await database.query(
      `INSERT INTO step (run_id, name, place, stage, status, attempts) SELECT id, 'a', 0, 's', 'succeeded', 1 FROM run`,
    )
    await database.query(
      `INSERT INTO event (run_id, id, type, data) SELECT id, n, 'run.created', '{}' FROM run, generate_series(1, 2) AS n`,
    )
    const retention = new Retention(database)
    const counted: Removed[] = []
    const janitor = (keepSeconds: number) =>
      new Janitor({
        retention,
        keepSeconds,
        log: logCapture('orchestrator', 'silent').log,
        removed: of => counted.push(of),
      })
    const left = async () =>
      await database.query<{ status: string; n: number }>(
        'SELECT status, count(*)::int AS n FROM run GROUP BY status ORDER BY status',
      )
    const day = 86_400

    t.same(await janitor(0).sweep(), { runs: 0, steps: 0, events: 0 }, 'nothing is removed unless it is asked for')
    t.same(await retention.preview(7 * day), { runs: 450, steps: 450, events: 900 })
    t.same(await janitor(30 * day).sweep(), { runs: 0, steps: 0, events: 0 })
    // Two at once, as two orchestrators would: each row is removed by one.
    const [one, other] = await Promise.all([janitor(7 * day).sweep(), janitor(7 * day).sweep()])
    t.equal(one.runs + other.runs, 450)
    t.equal(one.events + other.events, 900)
    t.same(await left(), [
      { status: 'running', n: 10 },
      { status: 'succeeded', n: 10 },
    ])
    t.equal(
      counted.reduce((sum, { steps }) => sum + steps, 0),
      450,
      'what is counted is what went',
    )
    t.same(await janitor(1).sweep(), { runs: 10, steps: 10, events: 20 })
    t.same(await left(), [{ status: 'running', n: 10 }], 'an open run stays, however old')
    t.equal((await database.query('SELECT 1 FROM event')).length, 20)
  })
