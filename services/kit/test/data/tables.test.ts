import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DatasetRef } from '@meshwork/contracts'
import t, { type Test } from 'tap'
import { openStore, type LocalStore } from '../../src/data/open.ts'
import { openTables, type Tables } from '../../src/data/tables.ts'

const resources = { cpus: 2, memoryBytes: 2e9 }
let folders = 0

async function tablesOf(t: Test, store: LocalStore, ...datasets: DatasetRef[]): Promise<Tables> {
  const scratch = join(store.scratchRoot, `scratch-${folders++}`)
  await mkdir(scratch)
  const tables = await openTables({ datasets, store, scratch, resources })
  t.teardown(() => tables.close())
  return tables
}

const storeOf = async (t: Test) => await openStore(pathToFileURL(t.testdir()).href)
const numbers = (rows: number) => `SELECT range AS n, 'v' || (range % 7) AS word FROM range(${rows})`

t.test('any select becomes a dataset of parts of exactly the rows asked for, in order', async t => {
  const store = await storeOf(t)
  const tables = await tablesOf(t, store)
  const ref = await tables.create(numbers(10_000), { partRows: 4096 })
  t.match(ref, {
    kind: 'dataset',
    rows: 10_000,
    parts: 3,
    columns: [
      { name: 'n', type: 'int64' },
      { name: 'word', type: 'string' },
    ],
  })
  const dataset = tables.dataset(ref)
  t.same(
    dataset.parts.map(({ rows, firstRow }) => [rows, firstRow]),
    [
      [4096, 0],
      [4096, 4096],
      [1808, 8192],
    ],
  )
  const [row] = await tables.query(
    `SELECT count(*) AS wrong FROM (SELECT n, row_number() OVER () - 1 AS place FROM ${dataset.from()}) WHERE n <> place`,
  )
  t.same(row, { wrong: 0 })
})

t.test('equal work gives equal hashes, in another process as well', async t => {
  const store = await storeOf(t)
  const make = async () => {
    const tables = await tablesOf(t, store)
    const base = await tables.create(numbers(50_000), { partRows: 8192 })
    return await tables.addColumns(tables.dataset(base), part => `SELECT n * 0.1 AS tenth FROM ${part.from(['n'])}`)
  }
  t.same(await make(), await make())
})

t.test('new columns stand beside the others, row by row, and nothing else is written', async t => {
  const store = await storeOf(t)
  const base = await (await tablesOf(t, store)).create(numbers(20_000), { partRows: 4096 })
  const tables = await tablesOf(t, store, base)
  const more = await tables.addColumns(
    tables.dataset(base),
    part => `SELECT n + 1 AS next, upper(word) AS loud FROM ${part.from(['n', 'word'])}`,
  )
  t.same(
    more.columns.map(({ name }) => name),
    ['n', 'word', 'next', 'loud'],
  )
  const again = await tablesOf(t, store, more)
  const dataset = again.dataset(more)
  t.same(
    await again.query(`SELECT count(*) AS wrong FROM ${dataset.from()} WHERE next <> n + 1 OR loud <> upper(word)`),
    [{ wrong: 0 }],
  )
  t.ok(more.bytes - base.bytes < base.bytes * 2, 'only the new group was added')

  const narrow = await again.project(dataset, ['loud', 'n'])
  t.same(narrow.columns, [
    { name: 'loud', type: 'string' },
    { name: 'n', type: 'int64' },
  ])
  t.same(await again.query(`SELECT * FROM ${again.dataset(narrow).from()} LIMIT 2`), [
    { loud: 'V0', n: 0 },
    { loud: 'V1', n: 1 },
  ])
})

t.test('a column group that does not have the rows of its part is refused', async t => {
  const store = await storeOf(t)
  const tables = await tablesOf(t, store)
  const base = await tables.create(numbers(5000), { partRows: 2048 })
  await t.rejects(
    tables.addColumns(tables.dataset(base), part => `SELECT n AS m FROM ${part.from(['n'])} WHERE n > 100`),
    /column group of \d+ rows for a part of 2048/,
  )
})

t.test('a column name that is there already is refused, whatever its case', async t => {
  const store = await storeOf(t)
  const tables = await tablesOf(t, store)
  const base = await tables.create(numbers(10))
  await t.rejects(
    tables.addColumns(tables.dataset(base), part => `SELECT 1 AS N FROM ${part.from()}`),
    { code: 'MESHWORK_COLUMN_EXISTS' },
  )
})

t.test('a table without rows keeps its columns through every step', async t => {
  const store = await storeOf(t)
  const tables = await tablesOf(t, store)
  const base = await tables.create(numbers(0))
  t.match(base, {
    rows: 0,
    parts: 0,
    columns: [
      { name: 'n', type: 'int64' },
      { name: 'word', type: 'string' },
    ],
  })
  const more = await tables.addColumns(tables.dataset(base), part => `SELECT n::FLOAT AS f FROM ${part.from(['n'])}`)
  t.same(more.columns.at(-1), { name: 'f', type: 'float32' })
  const fewer = await tables.rewrite(tables.dataset(more), part => `SELECT n FROM ${part.from()}`)
  t.same(await tables.query(`SELECT count(*) AS n FROM ${tables.dataset(fewer).from()}`), [{ n: 0 }])
})

t.test('types a dataset cannot hold are refused by name, others are stored as their nearest', async t => {
  const store = await storeOf(t)
  const tables = await tablesOf(t, store)
  await t.rejects(tables.create('SELECT [1, 2] AS list'), {
    code: 'MESHWORK_COLUMN_UNSUPPORTED',
    message: /"list".*INTEGER\[\]/,
  })
  const ref = await tables.create(
    `SELECT sum(range) AS s, 1.5::DECIMAL(9, 2) AS d, uuid() AS u, NULL AS z FROM range(3)`,
  )
  t.same(
    ref.columns.map(({ type }) => type),
    ['int64', 'float64', 'string', 'int32'],
  )
})

t.test('nothing outside the session can be read or written, and no setting changed', async t => {
  const dir = t.testdir({ 'secret.csv': 'a\n1\n', store: {} })
  const store = await openStore(pathToFileURL(join(dir, 'store')).href)
  const tables = await tablesOf(t, store)
  for (const sql of [
    `SELECT * FROM read_csv('${dir}/secret.csv')`,
    `SELECT * FROM '${dir}/secret.csv'`,
    `SELECT * FROM read_text('/etc/passwd')`,
    `SELECT * FROM glob('${dir}/*')`,
    `COPY (SELECT 1) TO '${dir}/out.csv'`,
    `ATTACH '${dir}/new.db'`,
    `INSTALL httpfs`,
    `LOAD httpfs`,
    `SET memory_limit = '8GB'`,
    `SET enable_external_access = true`,
    `SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')`,
  ])
    await t.rejects(tables.query(sql), sql)
  await writeFile(join(dir, 'still-there'), '')
})

t.test('work that is no longer wanted stops, and the reason comes back', async t => {
  const store = await storeOf(t)
  const stop = new AbortController()
  const scratch = join(store.scratchRoot, 'abort')
  await mkdir(scratch)
  const tables = await openTables({ datasets: [], store, scratch, resources, signal: stop.signal })
  t.teardown(() => tables.close())
  const long = tables.query('SELECT sum(a.range * b.range) AS s FROM range(10000000) a, range(10000) b')
  const reason = new Error('the caller went away')
  setImmediate(() => stop.abort(reason))
  await t.rejects(long, reason)
})

t.test('a manifest that is not one is refused with the reason', async t => {
  const store = await storeOf(t)
  const { hash } = await store.put('{"schema":"meshwork.dataset/1"}')
  const scratch = join(store.scratchRoot, 'bad')
  await mkdir(scratch)
  const ref = { kind: 'dataset', hash, rows: 1, bytes: 1, parts: 1, columns: [{ name: 'a', type: 'int64' }] } as const
  await t.rejects(openTables({ datasets: [{ ...ref, columns: [...ref.columns] }], store, scratch, resources }), {
    code: 'MESHWORK_DATASET_INVALID',
  })
})

t.test('assembled parts depend on their rows alone, not on the pieces they were read in', async t => {
  const tables = await tablesOf(t, await storeOf(t))
  const columns = [{ name: 'n', type: 'int64' }] as const
  const assemble = async (...selects: string[]) => await tables.assemble(columns, selects, 200_000)
  const whole = await assemble('SELECT range AS n FROM range(200000)', 'SELECT 7 AS n')
  t.match(whole, { rows: 200_001, parts: 2 })
  const pieces = 'SELECT range - 777 AS n FROM range(200777) WHERE range >= 777 AND range % 3 >= 0'
  t.equal((await assemble(pieces, 'SELECT 7 AS n')).hash, whole.hash)
  t.match(await assemble(), { rows: 0, parts: 0, columns })
})

t.test('values computed outside the database become columns, part by part, in order', async t => {
  const tables = await tablesOf(t, await storeOf(t))
  const dataset = tables.dataset(await tables.create(numbers(10_000), { partRows: 3000 }))
  const columns = [
    { name: 'half "n"', type: 'float64' },
    { name: 'big', type: 'int64' },
    { name: 'odd', type: 'boolean' },
    { name: 'text', type: 'string' },
  ] as const
  const ref = await tables.addColumnsFrom(dataset, columns, async ({ rows, firstRow }) => {
    const at = (row: number) => firstRow + row
    return [
      Float64Array.from({ length: rows }, (_, row) => at(row) / 2),
      BigInt64Array.from({ length: rows }, (_, row) => BigInt(at(row)) * 10n ** 12n),
      Uint8Array.from({ length: rows }, (_, row) => at(row) % 2),
      Array.from({ length: rows }, (_, row) => `naïve "${at(row)}" ☂ and longer than twelve bytes`),
    ]
  })
  const wrong = `"half ""n""" <> n / 2 OR big <> n * 1000000000000 OR odd <> (n % 2 = 1) OR text <> 'naïve "' || n || '" ☂ and longer than twelve bytes'`
  const [row] = await tables.query(
    `SELECT count(*) AS n, count(*) FILTER (WHERE ${wrong}) AS wrong FROM ${tables.dataset(ref).from()}`,
  )
  t.same(row, { n: 10_000, wrong: 0 })
  const short = async () => [new Float64Array(1), new BigInt64Array(2), new Uint8Array(1), ['']]
  await t.rejects(tables.addColumnsFrom(dataset, columns, short), TypeError)
  const fewer = async () => [new Float64Array(1), new BigInt64Array(1), new Uint8Array(1), ['']]
  await t.rejects(tables.addColumnsFrom(dataset, columns, fewer), /1 rows for a part of 3000/)
})
