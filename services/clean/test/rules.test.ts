import { pathToFileURL } from 'node:url'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CleanInput, CleanRule, DatasetRef } from '@meshwork/contracts'
import {
  type LocalStore,
  openStore,
  openTables,
  text,
  readManifest,
  type Row,
  type StageContext,
  type Tables,
} from '@meshwork/kit'
import { logCapture, stageApp } from '@meshwork/kit/testing'
import t, { type Test } from 'tap'
import { findDuplicates } from '../src/duplicates.ts'
import { stage } from '../src/stage.ts'
import { TableState } from '../src/table-state.ts'

const resources = { cpus: 2, memoryBytes: 2e9 }
let folders = 0

interface Bench {
  readonly store: LocalStore
  readonly open: (...datasets: DatasetRef[]) => Promise<Tables>
  readonly make: (select: string, partRows?: number) => Promise<DatasetRef>
  readonly rows: (ref: DatasetRef) => Promise<Row[]>
  readonly clean: (dataset: DatasetRef, ...rules: CleanRule[]) => ReturnType<typeof stage.run>
}

/** The stage in this process over a store of its own. */
async function bench(t: Test): Promise<Bench> {
  const store = await openStore(pathToFileURL(t.testdir()).href)
  const open = async (...datasets: DatasetRef[]): Promise<Tables> => {
    const scratch = join(store.scratchRoot, `scratch-${folders++}`)
    await mkdir(scratch)
    const tables = await openTables({ datasets, store, scratch, resources })
    t.teardown(() => tables.close())
    return tables
  }
  const context = (): StageContext => ({
    signal: new AbortController().signal,
    log: logCapture().log,
    store,
    scratch: store.scratchRoot,
    resources,
    run: undefined,
    idempotencyKey: undefined,
    progress: () => {},
    tables: open,
  })
  return {
    store,
    open,
    make: async (select, partRows = 4) => (await open()).create(select, { partRows }),
    rows: async ref => {
      const tables = await open(ref)
      return await tables.query(`SELECT * FROM ${tables.dataset(ref).from()}`)
    },
    clean: async (dataset, ...rules) => await stage.run({ dataset, rules }, context()),
  }
}

/** A column x with these values, in parts of four rows. */
const column = (values: readonly (string | number | null)[], type = 'BIGINT') =>
  `SELECT v::${type} AS x, i::BIGINT AS i FROM (VALUES ${values
    .map((value, i) => `(${i}, ${value === null ? 'NULL' : text(String(value))})`)
    .join(', ')}) AS t(i, v) ORDER BY i`
const zeros = Array.from({ length: 10 }, () => 0)
const xs = (rows: readonly Row[]) => rows.map(({ x }) => x)

t.test('each rule does to a column what its contract says', async t => {
  const { make, clean, rows } = await bench(t)
  const cases: [string, string, CleanRule, unknown[], touched: number][] = [
    ['dropNulls', column([1, null, 3, null, 5]), { rule: 'dropNulls' }, [1, 3, 5], 2],
    ['dropNulls, other column', column([1, null]), { rule: 'dropNulls', columns: ['i'] }, [1, null], 0],
    ['fill constant', column([1, null]), { rule: 'fillNulls', columns: ['x'], with: 'constant', value: 9 }, [1, 9], 1],
    ['fill mean', column([1, null, 4], 'DOUBLE'), { rule: 'fillNulls', columns: ['x'], with: 'mean' }, [1, 2.5, 4], 1],
    [
      'fill mean of integers is rounded',
      column([1, null, 4]),
      { rule: 'fillNulls', columns: ['x'], with: 'mean' },
      [1, 3, 4],
      1,
    ],
    [
      'fill mean leaves NaN out',
      column([1, 'nan', null, 3], 'DOUBLE'),
      { rule: 'fillNulls', columns: ['x'], with: 'mean' },
      [1, Number.NaN, 2, 3],
      1,
    ],
    [
      'fill median',
      column([1, 2, null, 9, 10]),
      { rule: 'fillNulls', columns: ['x'], with: 'median' },
      [1, 2, 6, 9, 10],
      1,
    ],
    [
      'fill mode: of equally frequent the smallest',
      column(['b', 'a', 'b', 'a', null, "c'"], 'VARCHAR'),
      { rule: 'fillNulls', columns: ['x'], with: 'mode' },
      ['b', 'a', 'b', 'a', 'a', "c'"],
      1,
    ],
    ['filter: null counts as false', column([1, null, 3]), { rule: 'filter', where: 'x > 1' }, [3], 2],
    ['cast', column(['1', null, '3'], 'VARCHAR'), { rule: 'cast', columns: { x: 'int16' } }, [1, null, 3], 0],
    [
      'cast or null',
      column(['1', 'x', '3'], 'VARCHAR'),
      { rule: 'cast', columns: { x: 'int16' }, onError: 'null' },
      [1, null, 3],
      1,
    ],
    ['trim', column([' a\t', '\u00a0\u3000b', '', 'c'], 'VARCHAR'), { rule: 'trim' }, ['a', 'b', '', 'c'], 2],
    ['trim to null', column([' ', 'b'], 'VARCHAR'), { rule: 'trim', emptyToNull: true }, [null, 'b'], 1],
    ['clip', column([-5, 0, 5, null]), { rule: 'clip', columns: ['x'], min: -1, max: 2 }, [-1, 0, 2, null], 2],
    [
      'clip rounds inwards for integers',
      column([-5, 5]),
      { rule: 'clip', columns: ['x'], min: -1.5, max: 2.5 },
      [-1, 2],
      2,
    ],
    [
      'clip leaves NaN alone',
      column(['nan', 5], 'DOUBLE'),
      { rule: 'clip', columns: ['x'], max: 2 },
      [Number.NaN, 2],
      1,
    ],
    [
      'winsorise',
      column([0, 1, 2, 3, 100]),
      { rule: 'winsorise', columns: ['x'], lower: 0.25, upper: 0.75 },
      [1, 1, 2, 3, 3],
      2,
    ],
    [
      'outliers by iqr',
      column([1, 2, 3, 4, 100, null]),
      { rule: 'outliers', columns: ['x'], method: 'iqr' },
      [1, 2, 3, 4, null],
      1,
    ],
    [
      'outliers by zscore to null',
      column([...zeros, 50]),
      { rule: 'outliers', columns: ['x'], method: 'zscore', action: 'null' },
      [...zeros, null],
      1,
    ],
    [
      'outliers clipped',
      column([1, 2, 3, 4, 100], 'DOUBLE'),
      { rule: 'outliers', columns: ['x'], method: 'iqr', action: 'clip' },
      [1, 2, 3, 4, 7],
      1,
    ],
    ['deduplicate', column([1, 2, 1, null, null, 3, 2]), { rule: 'deduplicate', columns: ['x'] }, [1, 2, null, 3], 3],
    [
      'deduplicate, last',
      column([1, 2, 1, null, null, 3, 2]),
      { rule: 'deduplicate', columns: ['x'], keep: 'last' },
      [1, null, 3, 2],
      3,
    ],
    ['deduplicate all columns', column([1, 1, 1]), { rule: 'deduplicate' }, [1, 1, 1], 0],
    [
      'all null, nothing outside',
      column([null, null]),
      { rule: 'outliers', columns: ['x'], method: 'iqr' },
      [null, null],
      0,
    ],
    ['one row', column([7]), { rule: 'outliers', columns: ['x'], method: 'zscore' }, [7], 0],
  ]
  for (const [name, select, rule, expected, touched] of cases) {
    const answer = await clean(await make(select), rule)
    t.same(xs(await rows(answer.dataset)), expected, name)
    t.match(answer.rules, [{ rule: rule.rule, rowsTouched: touched, rowsAfter: expected.length }], `${name}: counts`)
    t.equal(answer.rows, expected.length)
  }
})

t.test('rules run in order, each sees what the one before left, and says what it did', async t => {
  const { make, clean, rows } = await bench(t)
  const answer = await clean(
    await make(column([' 5', '5', 'x', null, '70', '5 ', '8'], 'VARCHAR')),
    { rule: 'dropNulls' },
    { rule: 'trim' },
    { rule: 'deduplicate', columns: ['x'], keep: 'last' },
    // Would fail on "x" if the rows that the first filter removes ever reached the second.
    { rule: 'filter', where: "regexp_matches(x, '^[0-9]+$')" },
    { rule: 'filter', where: 'cast(x AS integer) < 50' },
    { rule: 'cast', columns: { x: 'int32' } },
    { rule: 'rename', columns: { x: 'i', i: 'x' } },
    { rule: 'clip', columns: ['i'], max: 6 },
  )
  t.same(await rows(answer.dataset), [
    { i: 5, x: 5 },
    { i: 6, x: 6 },
  ])
  t.same(answer.dataset.columns, [
    { name: 'i', type: 'int32' },
    { name: 'x', type: 'int64' },
  ])
  t.same(
    answer.rules.map(rule => [rule.rule, rule.rowsBefore, rule.rowsAfter, rule.rowsTouched]),
    [
      ['dropNulls', 7, 6, 1],
      ['trim', 6, 6, 2],
      ['deduplicate', 6, 4, 2],
      ['filter', 4, 3, 1],
      ['filter', 3, 2, 1],
      ['cast', 2, 2, 0],
      ['rename', 2, 2, 0],
      ['clip', 2, 2, 1],
    ],
  )
})

t.test('deduplication over many parts keeps what a plain program keeps', async t => {
  const { make, clean, rows } = await bench(t)
  const values = Array.from({ length: 3000 }, (_, i) => ((i * 7919) % 1013) - ((i * 31) % 3))
  for (const keep of ['first', 'last'] as const) {
    const source = await make(column(values), 250)
    const answer = await clean(
      source,
      { rule: 'deduplicate', columns: ['x'], keep },
      { rule: 'filter', where: 'x % 2 = 0' },
    )
    const ordered = keep === 'first' ? values : values.toReversed()
    const kept = [...new Set(ordered)].filter(value => value % 2 === 0)
    t.same(xs(await rows(answer.dataset)), keep === 'first' ? kept : kept.toReversed(), keep)
    t.equal(answer.rules[0]?.rowsAfter, new Set(values).size)
  }
})

t.test('keys that differ are kept even when their hashes are equal, however small the slices', async t => {
  const { make, open } = await bench(t)
  const values = Array.from({ length: 500 }, (_, i) => (i * i) % 97)
  const source = await make(column(values), 60)
  const tables = await open(source)
  for (const hash of ['(x % 3)::UBIGINT', 'x::UBIGINT']) {
    const state = new TableState(tables, source, () => {})
    const search = { key: [{ name: 'x', type: 'int64' }], keep: 'first', passed: () => {}, sliceRows: 40 } as const
    const found = await findDuplicates(state, { ...search, name: hash.startsWith('x') ? 'a' : 'b', hash: () => hash })
    const [mask] = await tables.query(`SELECT (${found?.mask})::VARCHAR AS bits`)
    t.equal(mask?.['bits'], values.map((value, i) => (values.indexOf(value) < i ? '1' : '0')).join(''), hash)
    t.equal(
      found?.removed.reduce((sum, rows) => sum + rows),
      500 - new Set(values).size,
    )
  }
})

t.test('what changes nothing is not written, and equal input gives an equal hash', async t => {
  const { make, clean, store } = await bench(t)
  const source = await make(column([1, 2, 3, 4, 5, 6, 7, 8, 9]))
  const idle: CleanRule[] = [
    { rule: 'dropNulls' },
    { rule: 'deduplicate' },
    { rule: 'clip', columns: ['x'], max: 100 },
    { rule: 'filter', where: 'x > 0' },
  ]
  t.same((await clean(source, ...idle)).dataset, source)
  const hashes = async () => (await clean(source, { rule: 'filter', where: 'x > 5' }, { rule: 'trim' })).dataset.hash
  t.equal(await hashes(), await hashes())
  const one = await clean(source, { rule: 'filter', where: 'x <> 6' })
  const [before, after] = [await readManifest(store, source.hash), await readManifest(store, one.dataset.hash)]
  t.same([after.parts[0], after.parts[2]], [before.parts[0], before.parts[2]], 'parts that lose no row are taken over')
  t.equal(after.parts[1]?.rows, 3)
  const wide = await clean(source, { rule: 'clip', columns: ['x'], max: 5 })
  const group = (await readManifest(store, wide.dataset.hash)).parts[0]?.groups[0]
  t.match(
    group,
    { hash: before.parts[0]?.groups[0]?.hash, columns: [{ name: 'i' }] },
    'columns that stay are not copied',
  )
})

t.test('more rules than one statement can nest are run all the same', async t => {
  const { make, clean, rows } = await bench(t)
  const rules = Array.from(
    { length: 100 },
    (_, i): CleanRule =>
      i % 2 === 0 ? { rule: 'clip', columns: ['x'], min: i } : { rule: 'filter', where: `i <> ${i}` },
  )
  const answer = await clean(await make(column(Array.from({ length: 120 }, (_, i) => i)), 50), ...rules)
  t.equal(answer.rules.length, 100)
  t.equal(answer.rows, 70)
  t.ok((await rows(answer.dataset)).every(({ x }) => Number(x) >= 98))
})

t.test('a table without rows keeps its columns through every rule', async t => {
  const { make, clean } = await bench(t)
  const answer = await clean(
    await make('SELECT 1::BIGINT AS x, NULL::VARCHAR AS s WHERE false'),
    { rule: 'dropNulls' },
    { rule: 'deduplicate' },
    { rule: 'fillNulls', columns: ['x'], with: 'mean' },
    { rule: 'fillNulls', columns: ['s'], with: 'mode' },
    { rule: 'outliers', columns: ['x'], method: 'zscore' },
    { rule: 'winsorise', columns: ['x'], lower: 0, upper: 1 },
    { rule: 'cast', columns: { s: 'date' } },
    { rule: 'rename', columns: { x: 'größe "a"' } },
    { rule: 'filter', where: '"größe ""a""" > 0' },
  )
  t.same(answer.dataset.columns, [
    { name: 'größe "a"', type: 'int64' },
    { name: 's', type: 'date' },
  ])
  t.equal(answer.rows, 0)
})

t.test('what cannot be done is refused with a code, and says where', async t => {
  const { make, clean } = await bench(t)
  const source = await make("SELECT 1::BIGINT AS x, 'a' AS s, NULL::DOUBLE AS n, true AS b, 1::UTINYINT AS u")
  const cases: [CleanRule, code: string, message?: RegExp][] = [
    [{ rule: 'dropNulls', columns: ['xx'] }, 'MESHWORK_COLUMN_MISSING', /Rule 1 "dropNulls".*did you mean "x"/],
    [{ rule: 'clip', columns: ['s'], min: 1 }, 'MESHWORK_COLUMN_TYPE'],
    [{ rule: 'clip', columns: ['x'] }, 'MESHWORK_CLEAN_RULE_INVALID'],
    [{ rule: 'clip', columns: ['x'], min: 2, max: 1 }, 'MESHWORK_CLEAN_RULE_INVALID'],
    [{ rule: 'clip', columns: ['u'], min: 300 }, 'MESHWORK_CLEAN_RULE_INVALID', /uint8/],
    [{ rule: 'winsorise', columns: ['x'], lower: 0.9, upper: 0.1 }, 'MESHWORK_CLEAN_RULE_INVALID'],
    [{ rule: 'fillNulls', columns: ['x'], with: 'constant' }, 'MESHWORK_CLEAN_RULE_INVALID'],
    [{ rule: 'fillNulls', columns: ['x'], with: 'constant', value: 1.5 }, 'MESHWORK_CLEAN_FILL_VALUE'],
    [{ rule: 'fillNulls', columns: ['u'], with: 'constant', value: 256 }, 'MESHWORK_CLEAN_FILL_VALUE'],
    [{ rule: 'fillNulls', columns: ['b'], with: 'constant', value: 'yes' }, 'MESHWORK_CLEAN_FILL_VALUE'],
    [{ rule: 'fillNulls', columns: ['n'], with: 'median' }, 'MESHWORK_CLEAN_NO_VALUES'],
    [{ rule: 'fillNulls', columns: ['s'], with: 'mean' }, 'MESHWORK_COLUMN_TYPE'],
    [{ rule: 'trim', columns: ['x'] }, 'MESHWORK_COLUMN_TYPE'],
    [{ rule: 'cast', columns: { s: 'int64' } }, 'MESHWORK_CLEAN_CAST_FAILED', /1 values of column "s".*"a"/],
    [{ rule: 'cast', columns: { b: 'date' } }, 'MESHWORK_CLEAN_CAST_FAILED'],
    [{ rule: 'drop', columns: ['x', 's', 'n', 'b', 'u'] }, 'MESHWORK_CLEAN_RULE_INVALID'],
    [{ rule: 'rename', columns: { x: 'S' } }, 'MESHWORK_COLUMN_EXISTS'],
    [{ rule: 'filter', where: 'x + 1' }, 'MESHWORK_EXPRESSION_INVALID'],
    [{ rule: 'filter', where: "read_text('/etc/passwd') = ''" }, 'MESHWORK_EXPRESSION_INVALID'],
    [{ rule: 'filter', where: "repeat('a', 2000000000) = s" }, 'MESHWORK_EXPRESSION_INVALID'],
    [{ rule: 'filter', where: 'cast(s as integer) > 0' }, 'MESHWORK_EXPRESSION_FAILED', /Rule 1 "filter"/],
  ]
  for (const [rule, code, message] of cases)
    await t.rejects(clean(source, rule), { code, ...(message && { message }) }, JSON.stringify(rule))
})

t.test('a thousand columns are cleaned in one go', async t => {
  const { make, clean } = await bench(t)
  const names = Array.from({ length: 1000 }, (_, i) => `c${i}`)
  const source = await make(`SELECT ${names.map((name, i) => `range + ${i} AS ${name}`).join(', ')} FROM range(20)`, 10)
  const answer = await clean(
    source,
    { rule: 'dropNulls' },
    { rule: 'deduplicate' },
    { rule: 'clip', columns: names, min: 5 },
  )
  t.equal(answer.rows, 20)
  t.equal(answer.dataset.columns.length, 1000)
})

t.test('a call over the protocol runs in a worker process, and a bad rule is a problem', async t => {
  const { store, make } = await bench(t)
  const dataset = await make(column([1, null, 3]))
  const { app } = await stageApp(t, stage, new URL('../src/stage.ts', import.meta.url), { store })
  const call = async (rules: unknown[]) =>
    await app.inject({ method: 'POST', url: '/v1/clean', payload: { dataset, rules } as CleanInput })
  const good = await call([{ rule: 'dropNulls' }])
  t.equal(good.statusCode, 200)
  t.match(good.json(), { rows: 2, rules: [{ rowsTouched: 1 }] })
  const bad = await call([{ rule: 'dropNul' }])
  t.equal(bad.statusCode, 400)
  t.match(bad.json(), { code: /^MESHWORK_/, retryable: false })
  const missing = await call([{ rule: 'drop', columns: ['y'] }])
  t.match(missing.json(), { status: 422, code: 'MESHWORK_COLUMN_MISSING' })
})
