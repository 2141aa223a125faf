import { pathToFileURL } from 'node:url'
import { openStore } from '../../src/data/open.ts'
import { closePlanTables, planTables } from '../../src/plan/plan-tables.ts'
import t from 'tap'

t.test('expressions are bound without data, in a session that reads nothing and keeps nothing', async t => {
  const store = await openStore(pathToFileURL(t.testdir({ 'secret.csv': 'a\n1\n' })).href)
  t.teardown(closePlanTables)
  const tables = planTables(store.scratchRoot)
  const columns = [{ name: 'delay', type: 'float32' }] as const
  t.match(await tables.expression('delay > 15', 'here', columns), { type: 'boolean', columns: ['delay'] })
  t.match(await tables.expression('delay * 2', 'here', columns), { type: 'float32' })
  await t.rejects(tables.expression('dealy > 15', 'here', columns), {
    code: 'MESHWORK_COLUMN_MISSING',
    message: /delay/,
  })
  for (const source of [
    `(SELECT count(*) FROM '${t.testdirName}/secret.csv')`,
    "getenv('HOME')",
    'delay; DROP TABLE x',
  ])
    await t.rejects(tables.expression(source, 'here', columns), { code: 'MESHWORK_EXPRESSION_INVALID' }, source)
  t.match(await tables.expression('delay', 'here', columns), { type: 'float32' }, 'a refusal leaves the session usable')
  closePlanTables()
  t.match(await tables.expression('delay', 'here', columns), { type: 'float32' }, 'and a closed one is opened again')
})
