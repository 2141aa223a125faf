import { mkdir, writeFile } from 'node:fs/promises'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { ArtefactRef, Column, ColumnType, DatasetRef, IngestInput, IngestOutput } from '@meshwork/contracts'
import { openTables, type StageContext } from '@meshwork/kit'
import { directCalls, type DirectCalls } from '@meshwork/kit/testing'
import t, { type Test } from 'tap'
import { ingest } from '../src/run.ts'
import { readSettings } from '../src/settings.ts'
import { stage } from '../src/stage.ts'

type Options = Omit<IngestInput, 'source'>
interface Calls {
  store: DirectCalls['store']
  table: DirectCalls['table']
  rows: DirectCalls['rows']
  call: DirectCalls['call']
  upload: (content: string | Buffer) => Promise<ArtefactRef>
  ingest: (content: string | Buffer, options?: Options) => Promise<IngestOutput>
  /** Names and types of the dataset as text, and its rows as lists. */
  read: (content: string | Buffer, options?: Options) => Promise<[columns: string, rows: unknown[][]]>
  refused: (content: string | Buffer, expected: { code: string; message?: RegExp }, options?: Options) => Promise<void>
}

async function calls(t: Test): Promise<Calls> {
  const direct = await directCalls(t)
  const upload = async (content: string | Buffer): Promise<ArtefactRef> => ({
    kind: 'artefact',
    mediaType: 'application/octet-stream',
    name: 'file',
    ...(await direct.store.put(content)),
  })
  const ingest = async (content: string | Buffer, options: Options = {}) =>
    await direct.call(stage, { source: await upload(content), ...options })
  return {
    ...direct,
    upload,
    ingest,
    read: async (content, options) => {
      const { dataset } = await ingest(content, options)
      const rows = await direct.rows(dataset)
      return [shown(dataset.columns), rows.map(row => Object.values(row))]
    },
    refused: async (content, expected, options) => {
      await t.rejects(ingest(content, options), expected)
    },
  }
}

const shown = (columns: readonly Column[]): string => columns.map(({ name, type }) => `${name}:${type}`).join(' ')
const schema = (text: string): Column[] =>
  text.split(' ').map(column => {
    const [name = '', type] = column.split(':')
    return { name, type: type as ColumnType }
  })

/** One Parquet file with row groups of an odd size. */
async function parquetOf(dataset: DatasetRef, store: DirectCalls['store']): Promise<{ hash: string }> {
  const scratch = join(store.scratchRoot, randomUUID())
  await mkdir(scratch)
  const tables = await openTables({ datasets: [dataset], store, scratch, resources: { cpus: 1, memoryBytes: 1e9 } })
  try {
    const path = join(scratch, 'x.parquet')
    await tables.session.run(
      `COPY (FROM ${tables.dataset(dataset).from()}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 10000)`,
    )
    return await store.adopt(path)
  } finally {
    tables.close()
  }
}

t.test('a CSV file becomes a dataset with the types that hold all its values', async t => {
  const { read, ingest } = await calls(t)
  t.same(await read('day,n,x,ok,name\n2001-01-31,1,1.5,true,"a, b"\n2001-02-01,,2,FALSE,\n'), [
    'day:date n:int64 x:float64 ok:boolean name:string',
    [
      ['2001-01-31', 1, 1.5, true, 'a, b'],
      ['2001-02-01', null, 2, false, null],
    ],
  ])
  t.same(await read('1;2\n3;4\n'), [
    'column_1:int64 column_2:int64',
    [
      [1, 2],
      [3, 4],
    ],
  ])
  t.same(await read('\ufeffa\tb\r\n"x\r\ny"\t2\r\n'), ['a:string b:int64', [['x\r\ny', 2]]])
  t.same(await read('größe,"a ""q"" b"\n1,列\n'), ['größe:int64 a "q" b:string', [[1, '列']]])
  t.same(
    await read('a;d\n1,5;31.12.2001\nNA;01.01.2002\n', {
      csv: { decimalSeparator: ',', dateFormat: '%d.%m.%Y', nullStrings: ['NA'] },
    }),
    [
      'a:float64 d:date',
      [
        [1.5, '2001-12-31'],
        [null, '2002-01-01'],
      ],
    ],
  )
  const { source, warnings } = await ingest('a,A,,code\n1,2,3,007\n')
  t.match(source, { format: 'csv', compression: 'none', encoding: 'utf-8', dialect: { delimiter: ',', header: true } })
  t.equal(warnings.length, 3, 'two names and the leading zeros')
})

t.test('a later value that does not fit widens the inferred type and is told', async t => {
  const { ingest, rows } = await calls(t)
  const first = '1,2001-01-01,true,1,1\n'.repeat(40_000)
  const { dataset, warnings, rejected } = await ingest(
    `i,d,b,big,f\n${first}007,2001-01-01 10:00,maybe,18446744073709551615,2.5\n`,
  )
  t.equal(shown(dataset.columns), 'i:string d:timestamp b:string big:uint64 f:float64')
  t.equal(rejected, 0)
  t.equal(dataset.rows, 40_001)
  t.equal(warnings.length, 5)
  t.match(warnings[0], /"i" looked like int64 .* 1 later values are not; it is read as string/)
  const last = (await rows(dataset)).at(-1)
  t.same(last, { i: '007', d: '2001-01-01 10:00:00', b: 'maybe', big: '18446744073709551615', f: 2.5 })
})

t.test('declared columns are found by name or by place, and nothing else is kept', async t => {
  const { read, refused } = await calls(t)
  t.same(await read('a,b,c\n1,2,3\n', { schema: schema('C:string a:int32') }), ['C:string a:int32', [['3', 1]]])
  t.same(await read('1,2\n', { schema: schema('x:int8 y:float32') }), ['x:int8 y:float32', [[1, 2]]])
  t.same(await read('a,b,c\n1,2,3\n', { columns: ['c', 'a'] }), ['c:int64 a:int64', [[3, 1]]])
  await refused(
    'origin,delay\nx,1\n',
    { code: 'MESHWORK_COLUMN_MISSING', message: /did you mean "origin"/ },
    { schema: schema('orign:string') },
  )
  await refused(
    'origin,delay\nx,1\n',
    { code: 'MESHWORK_COLUMN_MISSING', message: /did you mean "delay"/ },
    { columns: ['dely'] },
  )
  await refused('1,2\n', { code: 'MESHWORK_INGEST_SCHEMA_WIDTH' }, { schema: schema('x:int8') })
  await refused('a\n1\n', { code: 'MESHWORK_COLUMN_EXISTS' }, { schema: schema('a:int8 A:int8') })
})

t.test('records that do not parse are set aside with their place and reason', async t => {
  const { ingest, rows, refused } = await calls(t)
  const text = 'a,b\n1,2\n3\n4,5,6\n7,x\n"q"z,9\n1.5,3\n\n10,11\n'
  const options = { schema: schema('a:int64 b:int64'), maxRejects: 5 }
  const { dataset, rejects, rejected } = await ingest(text, options)
  t.same(await rows(dataset), [
    { a: 1, b: 2 },
    { a: 10, b: 11 },
  ])
  t.equal(rejected, 5)
  t.same(
    (await rows(rejects as NonNullable<typeof rejects>)).map(row => Object.values(row)),
    [
      [3, 8, null, 'fields-missing', '1 fields where there should be 2', '3'],
      [4, 10, null, 'fields-extra', '3 fields where there should be 2', '4,5,6'],
      [5, 16, 'b', 'type', '"x" is not int64', '7,x'],
      [6, 20, null, 'quote', 'a quote that is not closed, or text after a closing quote', '"q"z,9'],
      [7, 27, 'a', 'type', '"1.5" is not int64', '1.5,3'],
    ],
  )
  await refused(
    text,
    {
      code: 'MESHWORK_INGEST_REJECTS',
      message:
        /^5 of .* over maxRejects 4.*record 3 \(byte 8\).*record 4.*record 5 \(byte 16\), column "b": "x" is not int64/,
    },
    { ...options, maxRejects: 4 },
  )
  await refused('a,b\n1,2\n"x,3\n4,5\n', { code: 'MESHWORK_INGEST_REJECTS', message: /record 3 .*quote/ })
  const latin = Buffer.concat([Buffer.from(`a,b\n${'x,1\n'.repeat(100_000)}`), Buffer.from('é,1\n', 'latin1')])
  await refused(latin, { code: 'MESHWORK_INGEST_REJECTS', message: /record 100002 .*declare the encoding/ })
  const cut = await ingest(`a,b\n1,${'x'.repeat(3000)}\n`, { ...options })
  t.match(await rows(cut.rejects as NonNullable<typeof rejects>), [{ record: /^1,x{998}$/ }])
})

t.test('records far into a large file are placed exactly, with two threads', async t => {
  const { ingest, rows } = await calls(t)
  const line = (i: number) => `${i},"${'x'.repeat(80)}\n${i}"\n`
  const lines = Array.from({ length: 120_000 }, (_, i) =>
    i === 77_777 ? 'bad,z\n' : i === 88_888 ? 'short\n' : line(i),
  )
  const text = `n,s\n${lines.join('')}`
  const { dataset, rejects } = await ingest(text, { schema: schema('n:int64 s:string'), maxRejects: 2 })
  t.equal(dataset.rows, 119_998)
  const found = await rows(rejects as NonNullable<typeof rejects>)
  t.same(
    found.map(row => [row['record_number'], row['byte_offset'], row['record']]),
    [
      [77_779, text.indexOf('bad,z'), 'bad,z'],
      [88_890, text.indexOf('short'), 'short'],
    ],
  )
})

t.test('equal rows give equal parts of exactly the rows asked for, whatever file they came in', async t => {
  const { ingest, rows, store } = await calls(t)
  const pad = 'x'.repeat(80) // over 8 MiB in all: read with two threads
  const items = Array.from({ length: 90_000 }, (_, i) => ({ n: i, s: `${pad}${i % 1000}`, x: i / 4 + 0.125 }))
  const lines = items.map(({ n, s, x }) => `${n},${s},${x}\n`).join('')
  const options = { partRows: 20_000 }
  const types = { schema: schema('n:int64 s:string x:float64') }
  const first = await ingest(`n,s,x\n${lines}`, options)
  t.match(first.dataset, { rows: 90_000, parts: 5 })
  const odd = (await rows(first.dataset)).filter((row, i) => row['n'] !== i)
  t.same(odd, [], 'rows are in the order of the file')
  const others = {
    'without names': await ingest(lines, { ...options, ...types }),
    compressed: await ingest(gzipSync(`n,s,x\n${lines}`), options),
    'with rejects among them': await ingest(`n,s,x\nbad\n${lines}x,y,z\n`, { ...options, ...types, maxRejects: 2 }),
    ndjson: await ingest(items.map(item => `${JSON.stringify(item)}\n`).join(''), options),
    json: await ingest(JSON.stringify(items), options),
    parquet: await ingest(await store.read((await parquetOf(first.dataset, store)).hash), options),
  }
  for (const [how, { dataset }] of Object.entries(others)) t.equal(dataset.hash, first.dataset.hash, how)
})

t.test('text comes in every declared or marked encoding and compression', async t => {
  const { read, refused } = await calls(t)
  const text = 'a,b\né,1\n'
  const expected = ['a:string b:int64', [['é', 1]]]
  t.same(await read(Buffer.from(text, 'latin1'), { encoding: 'latin-1' }), expected)
  t.same(await read(Buffer.from(text, 'latin1'), { encoding: 'windows-1252' }), expected)
  t.same(await read(Buffer.from(`\ufeff${text}`, 'utf16le')), expected)
  t.same(await read(Buffer.from(text, 'utf16le').swap16(), { encoding: 'utf-16be' }), expected)
  t.same(await read(gzipSync(text)), expected)
  t.same(await read(zstdCompressSync(Buffer.from(text)), { compression: 'zstd' }), expected)
  await refused(Buffer.from(text, 'latin1'), {
    code: 'MESHWORK_INGEST_ENCODING',
    message: /0xe9 at offset 4.*windows-1252/,
  })
  await refused(Buffer.from(text, 'utf16le'), { code: 'MESHWORK_INGEST_ENCODING', message: /as in utf-16le/ })
  await refused(
    Buffer.from('a,b\n1,2\n'),
    { code: 'MESHWORK_INGEST_COMPRESSION', message: /not gzip/ },
    { compression: 'gzip' },
  )
  await refused(gzipSync(text).subarray(0, 12), { code: 'MESHWORK_INGEST_COMPRESSION' })
  const large = gzipSync(`a\n${randomBytes(500_000).toString('hex').replaceAll(/.{20}/g, '$&\n')}`)
  await refused(large.subarray(0, -10), { code: 'MESHWORK_INGEST_COMPRESSION', message: /cut off/ })
})

t.test('JSON and NDJSON become the columns of their objects', async t => {
  const { read, ingest, rows, refused } = await calls(t)
  t.same(await read('[{"a":1,"n":{"z":[1]},"s":"5"},{"a":2.5,"b":true}]'), [
    'a:float64 n:string s:string b:boolean',
    [
      [1, '{"z":[1]}', '5', null],
      [2.5, null, null, true],
    ],
  ])
  t.same(await read('{"a":9007199254740993,"d/e~":"2001-01-01"}\n\n{"a":null}'), [
    'a:int64 d/e~:date',
    [
      ['9007199254740993', '2001-01-01'],
      [null, null],
    ],
  ])
  t.same((await read(`${'{"a":1}\n'.repeat(40_000)}{"a":2,"late":7}\n`))[0], 'a:int64 late:int64')
  t.same(await read('[]', { schema: schema('a:int8') }), ['a:int8', []])
  const broken = '{"a":1}\n{"a":2\n[3]\n{"a":"x"}\n{"a":5}\n'
  const { dataset, rejects } = await ingest(broken, { schema: schema('a:int64'), maxRejects: 3 })
  t.same(await rows(dataset), [{ a: 1 }, { a: 5 }])
  t.same(
    (await rows(rejects as NonNullable<typeof rejects>)).map(row => Object.values(row)),
    [
      [2, 8, null, 'syntax', 'not a JSON object', '{"a":2'],
      [3, 15, null, 'syntax', 'not a JSON object', '[3]'],
      [4, 19, 'a', 'type', '"x" is not int64', '{"a":"x"}'],
    ],
  )
  const array = await ingest('[{"a":1},5,{"a":"x"}]', { schema: schema('a:int64'), maxRejects: 2 })
  t.same(
    (await rows(array.rejects as NonNullable<typeof rejects>)).map(row => Object.values(row)),
    [
      [2, null, null, 'syntax', 'not a JSON object', '5'],
      [3, null, 'a', 'type', '"x" is not int64', '{"a":"x"}'],
    ],
  )
  await refused('[{"a":1},5]', { code: 'MESHWORK_INGEST_REJECTS', message: /record 2: not a JSON object/ })
  await refused('{\n "a": 1\n}', { code: 'MESHWORK_INGEST_JSON_SHAPE', message: /one object/ })
  await refused('[[1]]', { code: 'MESHWORK_INGEST_JSON_SHAPE' })
  await refused('"x"', { code: 'MESHWORK_INGEST_JSON_SHAPE' }, { format: 'json' })
  await refused('[{"a":1},{"a":2', { code: 'MESHWORK_INGEST_UNREADABLE', message: /^(?!.*\/tmp).*unexpected end/ })
  await refused('[{"a":1}]', { code: 'MESHWORK_INGEST_JSON_SHAPE' }, { format: 'ndjson' })
  await refused('[]', { code: 'MESHWORK_INGEST_EMPTY' })
  await refused(
    '[{"origin":1}]',
    { code: 'MESHWORK_COLUMN_MISSING', message: /did you mean "origin"/ },
    { schema: schema('orign:int64') },
  )
  const [columns, deep] = await read(`[{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`)
  t.equal(columns, 'a:string')
  t.equal(String(deep[0]?.[0]).length, 200_000)
})

t.test('Parquet keeps its types; what a dataset cannot hold is named', async t => {
  const { store, ingest, rows, refused } = await calls(t)
  const parquet = async (select: string): Promise<Buffer> => {
    const scratch = join(store.scratchRoot, randomUUID())
    await mkdir(scratch)
    const tables = await openTables({ datasets: [], store, scratch, resources: { cpus: 1, memoryBytes: 1e9 } })
    try {
      await tables.session.run(`COPY (${select}) TO '${join(scratch, 'x.parquet')}' (FORMAT parquet)`)
      return await store.read((await store.adopt(join(scratch, 'x.parquet'))).hash)
    } finally {
      tables.close()
    }
  }
  const file = await parquet(
    "SELECT range::INTEGER AS n, range * 1.5::DOUBLE AS x, 'v' || range AS \"s t\", 1.25::DECIMAL(9,2) AS d, [1] AS l, DATE '2001-01-01' AS day FROM range(10000)",
  )
  await refused(file, { code: 'MESHWORK_COLUMN_UNSUPPORTED', message: /"l"/ })
  const { dataset, warnings, source } = await ingest(file, { columns: ['s t', 'n', 'd', 'day', 'x'], partRows: 4096 })
  t.equal(shown(dataset.columns), 's t:string n:int32 d:float64 day:date x:float64')
  t.match(dataset, { rows: 10_000, parts: 3 })
  t.match(source, { format: 'parquet', compression: 'none' })
  t.match(warnings, [/"d" is DECIMAL/])
  t.same((await rows(dataset)).at(-1), { 's t': 'v9999', n: 9999, d: 1.25, day: '2001-01-01', x: 14_998.5 })

  const recast = await ingest(file, { schema: schema('x:int64 n:int8'), maxRejects: 9999 })
  t.equal(recast.rows, 64, 'whole numbers that fit')
  t.equal(recast.rejected, 9936)
  const [first] = await rows(recast.rejects as NonNullable<typeof recast.rejects>)
  t.same(first, {
    record_number: 2,
    byte_offset: null,
    column: 'x',
    reason: 'type',
    detail: '"1.5" is not int64',
    record: '{"x":1.5,"n":1}',
  })
  await refused(file, { code: 'MESHWORK_INGEST_REJECTS' }, { schema: schema('x:int64') })
  await refused(file, { code: 'MESHWORK_COLUMN_MISSING' }, { schema: schema('zz:int64') })
  await refused(file.subarray(0, -20), { code: 'MESHWORK_INGEST_UNREADABLE', message: /^(?!.*artefacts)/ })
  await refused('a,b\n', { code: 'MESHWORK_INGEST_UNREADABLE' }, { format: 'parquet' })
  t.equal((await ingest(gzipSync(await parquet('SELECT 1 AS a')))).rows, 1)
  t.match(await ingest(await parquet('SELECT 1 AS file_row_number, 2 AS "FILE" WHERE false')), {
    rows: 0,
    dataset: { parts: 0 },
  })
})

t.test('a dataset of the store is projected and cut again, or stays what it is', async t => {
  const { table, call, rows } = await calls(t)
  const source = await table("SELECT range AS n, 'v' || range AS s FROM range(10000)", 4096)
  t.same((await call(stage, { source })).dataset, source)
  t.same((await call(stage, { source, partRows: 4096, columns: ['n', 's'] })).dataset, source)
  const forged = await call(stage, { source: { ...source, rows: 5, parts: 1, bytes: 1 } })
  t.same(forged.dataset, source, 'what the reference says of itself is not believed')
  const { dataset } = await call(stage, { source, partRows: 2048, columns: ['s'] })
  t.match(dataset, { rows: 10_000, parts: 5, columns: [{ name: 's' }] })
  t.same((await rows(dataset))[9999], { s: 'v9999' })
  t.match(await call(stage, { source, format: 'csv' }), { warnings: [/does not apply/] })
  await t.rejects(call(stage, { source, columns: ['N'] }), { code: 'MESHWORK_COLUMN_MISSING' })
  await t.rejects(call(stage, { source, schema: schema('n:int32') }), { code: 'MESHWORK_COLUMN_TYPE' })
  await t.rejects(call(stage, { source: { ...source, hash: '0'.repeat(64) } }), { code: 'MESHWORK_ARTEFACT_MISSING' })
})

t.test('files without rows, or without sense, are answered clearly and at once', async t => {
  const { read, ingest, refused } = await calls(t)
  await refused('', { code: 'MESHWORK_INGEST_EMPTY' })
  await refused(' \n\n', { code: 'MESHWORK_INGEST_EMPTY' })
  t.same(await read('a,b\n'), ['a:string b:string', []])
  t.same(await read('a,b', { schema: schema('b:date') }), ['b:date', []])
  await refused(randomBytes(50_000), { code: 'MESHWORK_INGEST_FORMAT', message: /no text/ })
  await refused(Buffer.concat([Buffer.from('PK\u0003\u0004'), randomBytes(100)]), {
    code: 'MESHWORK_INGEST_FORMAT',
    message: /zip/,
  })
  const wide = (width: number) =>
    `${Array.from({ length: width }, (_, i) => `c${i}`).join(',')}\n${'1,'.repeat(width - 1)}1\n`
  await refused(wide(10_000), { code: 'MESHWORK_DATASET_COLUMNS', message: /10000 columns/ })
  t.equal((await ingest(wide(1024))).dataset.columns.length, 1024)
  await refused('a,b\n1,2\n', { code: 'MESHWORK_INGEST_OPTION' }, { csv: { delimiter: ';', comment: ';' } })
  await refused(
    'd\n1\n',
    { code: 'MESHWORK_INGEST_OPTION', message: /%Q/ },
    { csv: { dateFormat: '%Q' }, schema: schema('d:date') },
  )
  t.same(
    await read('a,b\n1,2\r\n3,4\n'),
    [
      'a:int64 b:int64',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    'mixed line ends',
  )
  t.same(await read('a\n1\n\n2\n'), ['a:int64', [[1], [null], [2]]], 'a blank line of one column is a null')
})

t.test('a field of 50 MB is refused at once and is not quoted', async t => {
  const { store, call } = await calls(t)
  const path = join(store.scratchRoot, 'large.csv')
  await writeFile(path, Buffer.concat([Buffer.from('a,b\n1,2\n'), Buffer.alloc(50e6, 120), Buffer.from(',3\n4,5\n')]))
  const source: ArtefactRef = { kind: 'artefact', mediaType: 'text/csv', ...(await store.adopt(path)) }
  const started = performance.now()
  const expected = { code: 'MESHWORK_INGEST_RECORD_SIZE', message: /at byte 8 .{0,100}$/ }
  await t.rejects(call(stage, { source, maxRejects: 1 }), expected)
  t.ok(performance.now() - started < 5000, 'not 10 s of quoting')
})

t.test('a quote that is not closed cannot pass as one reject when it swallows more', async t => {
  const { ingest, refused } = await calls(t)
  const lines = Buffer.from(`abcdefgh${'x'.repeat(400)},12345678\n`.repeat(100_000))
  const swallowed = Buffer.concat([Buffer.from('a,b\n1,"'), lines])
  await refused(swallowed, { code: 'MESHWORK_INGEST_QUOTE', message: /record 2 / }, { maxRejects: 5 })
  await refused(swallowed, { code: 'MESHWORK_INGEST_REJECTS', message: /record 2 .*quote/ })
  t.match(await ingest(`a,b\n1,2\n"x"y,3\n4,5\n`, { maxRejects: 1 }), { rows: 2, rejected: 1 })
})

t.test('a URL is fetched where the operator allows it', async t => {
  const { call, rows } = await calls(t)
  const packed = gzipSync('a,b\n1,x\n')
  const http = createServer((_request, response) => response.end(packed)).listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => http.close())
  const source = `http://127.0.0.1:${(http.address() as AddressInfo).port}/a.csv.gz?signature=secret`
  const within = (allowPrivate: boolean) => ({
    ...stage,
    run: async (input: IngestInput, context: StageContext) =>
      await ingest(input, context, { ...readSettings({}), allowPrivate }),
  })
  const answer = await call(within(true), { source })
  t.same(await rows(answer.dataset), [{ a: 1, b: 'x' }])
  t.match(answer.source, {
    bytes: packed.length,
    sha256: createHash('sha256').update(packed).digest('hex'),
    compression: 'gzip',
  })
  await t.rejects(call(within(false), { source }), { code: 'MESHWORK_INGEST_URL_REFUSED', message: /^(?!.*secret)/ })
  await t.rejects(call(within(true), { source, format: 'parquet' }), { message: /^(?!.*secret)/ })
})

t.test('a call that is given up stops, and says why', async t => {
  const { upload, call } = await calls(t)
  const source = await upload(`n,x\n${'1,2.5\n'.repeat(1_000_000)}`)
  const stop = new AbortController()
  const reason = new Error('given up')
  const work = call(stage, { source }, stop.signal)
  setImmediate(() => stop.abort(reason))
  await t.rejects(work, reason)
})
