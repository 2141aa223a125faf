// The step before an orchestrator, as a process.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import t from 'tap'
import { startPostgres } from './postgres.ts'

async function migrate(settings: Readonly<Record<string, string>>) {
  const main = fileURLToPath(new URL('../src/migrate.ts', import.meta.url))
  const child = spawn(process.execPath, [main], {
    env: { PATH: '/nowhere', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, errors] = [text(child.stdout), text(child.stderr)]
  const [code] = (await once(child, 'close')) as [number]
  return { code, out: await out, errors: await errors }
}

t.test(
  'brings a database to this version, as often as it is asked, by several at once',
  { timeout: 60_000 },
  async t => {
    const { url } = await startPostgres(t)
    const settings = { MESHWORK_DATABASE_URL: url }
    const both = await Promise.all([migrate(settings), migrate(settings)])
    for (const { code, out, errors } of both) {
      t.equal(code, 0, errors)
      t.match(out, /"step":\d+.*the database is ready for this version/)
    }
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query<{ count: number; last: number }>(
      'SELECT count(*)::int AS count, max(step) AS last FROM migration',
    )
    await client.end()
    t.equal(rows[0]?.count, rows[0]?.last, 'every step was taken once')
    t.equal((await migrate(settings)).code, 0)
  },
)

t.test('what is wrong with the settings is told in one line, with the way out', async t => {
  for (const [settings, told] of [
    [{}, /MESHWORK_DATABASE_URL is not set/],
    [
      { MESHWORK_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x' },
      /MESHWORK_DATABASE_URL cannot be used: .*ECONNREFUSED/,
    ],
    [{ MESHWORK_DATABASE_URL: 'mysql://x' }, /MESHWORK_DATABASE_URL/],
  ] as const) {
    const { code, errors } = await migrate(settings)
    t.equal(code, 1)
    t.match(errors, told)
    t.notMatch(errors, /at .*\.ts:\d+/, 'without a stack')
  }
})
