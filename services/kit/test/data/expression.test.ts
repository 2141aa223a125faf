import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Column } from '@meshwork/contracts'
import t from 'tap'
import { openStore } from '../../src/data/open.ts'
import { openTables } from '../../src/data/tables.ts'

const columns: Column[] = [
  { name: 'date', type: 'timestamp' },
  { name: 'delay', type: 'int64' },
  { name: 'Origin', type: 'string' },
  { name: 'odd "name"', type: 'float64' },
]

const allowed: readonly [expression: string, type: string, columns: string[]][] = [
  ['hour(date)', 'int64', ['date']],
  ['extract(hour FROM date)', 'int64', ['date']],
  ['delay > 15 AND origin LIKE $$A%$$', 'boolean', ['Origin', 'delay']],
  ['CASE WHEN delay > 3 THEN 1.5 ELSE NULL END', 'float64', ['delay']],
  ['coalesce(delay, 0) + 1 -- a remark', 'int64', ['delay']],
  ["date >= TIMESTAMP '2001-06-01'", 'boolean', ['date']],
  ['date - INTERVAL 1 DAY', 'timestamp', ['date']],
  ['delay BETWEEN -180 AND 1440', 'boolean', ['delay']],
  ["Origin IN ('ATL', 'ORD')", 'boolean', ['Origin']],
  ['TRY_CAST(Origin AS INTEGER)', 'int32', ['Origin']],
  ["replace(Origin, 'A', 'b')", 'string', ['Origin']],
  ["regexp_matches(Origin, '^A')", 'boolean', ['Origin']],
  ['ln("odd ""name""")', 'float64', ['odd "name"']],
  ['42', 'int32', []],
]

const refused: readonly [expression: string, code: string][] = [
  ['', 'INVALID'],
  ['hour(', 'INVALID'],
  ['1; DROP TABLE x', 'INVALID'],
  ['1, 2', 'INVALID'],
  ['1 AS x', 'INVALID'],
  ['1 FROM range(3)', 'INVALID'],
  ['delay WHERE true', 'INVALID'],
  ['delay LIMIT 1', 'INVALID'],
  ['DISTINCT delay', 'INVALID'],
  ['1 UNION SELECT 2', 'INVALID'],
  ['1) + (2', 'INVALID'],
  ['1 /* open', 'INVALID'],
  ['(SELECT 1)', 'INVALID'],
  ['EXISTS (SELECT 1)', 'INVALID'],
  ['ARRAY(SELECT 1)', 'INVALID'],
  ['delay = ANY([1])', 'INVALID'],
  ['*', 'INVALID'],
  ['COLUMNS(*)', 'INVALID'],
  ['$1', 'INVALID'],
  ['?', 'INVALID'],
  ['#1', 'INVALID'],
  ['count(*)', 'INVALID'],
  ['sum(delay)', 'INVALID'],
  ['sum(delay) OVER ()', 'INVALID'],
  ['lag(delay) OVER (ORDER BY date)', 'INVALID'],
  ['unnest([1])', 'INVALID'],
  ['[x FOR x IN [1]]', 'INVALID'],
  ['list_transform([1], x -> x)', 'INVALID'],
  ["{'a': 1}", 'INVALID'],
  ["read_text('/etc/passwd')", 'INVALID'],
  ["read_csv('x.csv')", 'INVALID'],
  ["getenv('HOME')", 'INVALID'],
  ["current_setting('allowed_directories')", 'INVALID'],
  ["nextval('s')", 'INVALID'],
  ["query('select 42')", 'INVALID'],
  ['random()', 'INVALID'],
  ['now()', 'INVALID'],
  ['uuid()', 'INVALID'],
  ['sleep_ms(1000)', 'INVALID'],
  ["error('x')", 'INVALID'],
  ["repeat('x', 2000000000)", 'INVALID'],
  ["lpad('x', 2000000000, 'y')", 'INVALID'],
  ['len(range(1000000000))', 'INVALID'],
  ['levenshtein(Origin, Origin)', 'INVALID'],
  ["printf('%2000000000d', 1)", 'INVALID'],
  ["replace(Origin, 'a', Origin)", 'INVALID'],
  [`replace(Origin, 'a', '${'b'.repeat(65)}')`, 'INVALID'],
  ['delay::INTEGER[]', 'INVALID'],
  ['delay::foo', 'INVALID'],
  ['abs(Origin)', 'INVALID'],
  ['other.schema.abs(delay)', 'INVALID'],
  [`${'abs('.repeat(500)}1${')'.repeat(500)}`, 'INVALID'],
  ['dealy', 'MISSING'],
  ['t.delay', 'MISSING'],
  ['rowid', 'MISSING'],
]

t.test('expressions', async t => {
  const store = await openStore(pathToFileURL(t.testdir()).href)
  const scratch = join(store.scratchRoot, 'x')
  await mkdir(scratch)
  const tables = await openTables({ datasets: [], store, scratch, resources: { cpus: 1, memoryBytes: 1e9 } })
  t.teardown(() => tables.close())

  for (const [source, type, used] of allowed)
    await t.test(`runs: ${source}`, async t => {
      const checked = await tables.expression(source, 'Feature "x"', columns)
      t.equal(checked.type, type)
      t.same([...checked.columns].sort(), used)
      await tables.query(
        `SELECT ${checked.sql} AS v FROM (SELECT NULL::TIMESTAMP AS date, 1 AS delay, 'ATL' AS "Origin", 1.0 AS "odd ""name""")`,
      )
    })

  for (const [source, code] of refused)
    await t.test(`is refused: ${source.slice(0, 60)}`, async t => {
      const expected = code === 'MISSING' ? 'MESHWORK_COLUMN_MISSING' : 'MESHWORK_EXPRESSION_INVALID'
      await t.rejects(tables.expression(source, 'Feature "x"', columns), { code: expected, message: /Feature "x"/ })
    })

  await t.test('a column that is nearly right is suggested', async t => {
    await t.rejects(tables.expression('dealy > 3', 'Rule 1', columns), { message: /did you mean "delay"\?/ })
  })
})
