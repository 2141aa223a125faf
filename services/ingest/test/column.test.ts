import type { ColumnType } from '@meshwork/contracts'
import { Session } from '@meshwork/kit'
import t from 'tap'
import { convert, type ConvertOptions, recast } from '../src/column/convert.ts'
import { inferType, plainOptions } from '../src/column/infer.ts'
import { columnNames } from '../src/column/names.ts'

t.test('a type is inferred only when it loses nothing of any value', async t => {
  const cases: [string[], ColumnType][] = [
    [[], 'string'],
    [['', ''], 'string'],
    [['1', '-2', ' 3 ', ''], 'int64'],
    [['0', '-0'], 'int64'],
    [['9223372036854775807', '-9223372036854775808'], 'int64'],
    [['9223372036854775808', '1'], 'uint64'],
    [['18446744073709551616'], 'string'],
    [['-1', '9223372036854775808'], 'string'],
    [['007', '1'], 'string'],
    [['+49'], 'string'],
    [['1', '2.5', '.5', '3.', '-1e3', 'nan', 'inf'], 'float64'],
    [['nan'], 'string'],
    [['1.5', '1234567890123456'], 'string'],
    [['1_000'], 'string'],
    [['0x10'], 'string'],
    [['1,5'], 'string'],
    [['true', 'FALSE'], 'boolean'],
    [['t', 'f'], 'string'],
    [['yes', 'no'], 'string'],
    [['2001-01-31'], 'date'],
    [['2001-1-31'], 'string'],
    [['2001-13-01'], 'string'],
    [['31/01/2001'], 'string'],
    [['2001-01-31', '2001-01-31 10:00'], 'timestamp'],
    [['2001-01-31T10:00:00.123456'], 'timestamp'],
    [['2001-01-31T10:00:00Z', '2001-01-31 10:00:00+02'], 'timestamptz'],
    [['2001-01-31T10:00:00Z', '2001-01-31T10:00:00'], 'string'],
    [['10:00', '23:59:59.5'], 'time'],
    [['24:00'], 'string'],
    [['1', 'x'], 'string'],
  ]
  for (const [values, type] of cases) t.equal(inferType(values).type, type, JSON.stringify(values))
  t.match(inferType(['007']).note, /leading zeros/)
  t.match(inferType(['18446744073709551616']).note, /no integer type/)
  t.equal(inferType(['1,5', '2'], { ...plainOptions, decimalSeparator: ',' }).type, 'float64')
  t.equal(inferType(['1.5'], { ...plainOptions, decimalSeparator: ',' }).type, 'string')
  t.equal(inferType(['31.12.2001'], { ...plainOptions, dateFormat: '%d.%m.%Y' }).type, 'date')
  t.equal(inferType(['31.12.2001 7:05'], { ...plainOptions, timestampFormat: '%d.%m.%Y %H:%M' }).type, 'timestamp')
  t.equal(inferType(['NA', '1'], { ...plainOptions, nullStrings: ['NA'] }).type, 'int64')
})

t.test('names become columns that differ by more than case', async t => {
  const cases: [string[], string[]][] = [
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [[' a '], ['a']],
    [
      ['a', 'A', 'a'],
      ['a', 'A_2', 'a_3'],
    ],
    [
      ['a', 'a', 'a_2'],
      ['a', 'a_3', 'a_2'],
    ],
    [
      ['', 'x', ''],
      ['column_1', 'x', 'column_3'],
    ],
    [
      ['', 'column_1'],
      ['column_1', 'column_1_2'],
    ],
    [['a\tb\u0000'], ['a_b_']],
    [
      ['größe "m" über', '列'],
      ['größe "m" über', '列'],
    ],
    [['x'.repeat(200)], ['x'.repeat(128)]],
  ]
  for (const [found, names] of cases) t.same(columnNames(found).names, names, JSON.stringify(found))
  t.same(columnNames(['a', 'b c']).warnings, [])
  t.equal(columnNames(['a', 'A', '', 'b\u0001']).warnings.length, 3)
})

t.test('values are read strictly: nothing is rounded, cut or guessed', async t => {
  const session = await Session.open({ files: [], scratch: t.testdir(), lanes: 1, memoryBytes: 2e8 })
  t.teardown(() => session.close())
  const read = async (value: string, type: ColumnType, options: Partial<ConvertOptions> = {}) => {
    const all = {
      decimalSeparator: '.',
      dateFormat: undefined,
      timestampFormat: undefined,
      inferred: false,
      ...options,
    } as const
    const { attempt, value: sql } = convert('raw', 'tried', type, all)
    const [row] = await session.query(
      `SELECT (${sql})::VARCHAR AS v FROM (SELECT raw, ${attempt} AS tried FROM (SELECT '${value}' AS raw))`,
    )
    return row?.['v'] ?? null
  }
  const cases: [string, ColumnType, string | null, Partial<ConvertOptions>?][] = [
    ['5', 'int64', '5'],
    [' +5 ', 'int64', '5'],
    ['007', 'int64', '7'],
    ['007', 'int64', null, { inferred: true }],
    ['1.5', 'int64', null],
    ['1.0', 'int64', null],
    ['1e3', 'int64', null],
    ['1_000', 'int64', null],
    ['0x10', 'int64', null],
    ['true', 'int64', null],
    ['300', 'int8', null],
    ['-1', 'uint8', null],
    ['255', 'uint8', '255'],
    ['9223372036854775808', 'int64', null],
    ['1.50', 'float64', '1.5'],
    ['1e3', 'float64', '1000.0'],
    ['1e999', 'float64', null],
    ['1e39', 'float32', null],
    ['inf', 'float64', 'inf'],
    ['NaN', 'float64', 'nan'],
    ['1_000.5', 'float64', null],
    ['1234567890123456', 'float64', '1234567890123456.0'],
    ['1234567890123456', 'float64', null, { inferred: true }],
    ['0123', 'float64', null, { inferred: true }],
    ['1,5', 'float64', '1.5', { decimalSeparator: ',' }],
    ['1.234,5', 'float64', null, { decimalSeparator: ',' }],
    ['1.5', 'float64', null, { decimalSeparator: ',' }],
    ['yes', 'boolean', 'true'],
    ['yes', 'boolean', null, { inferred: true }],
    ['maybe', 'boolean', null],
    ['2001-02-28', 'date', '2001-02-28'],
    ['2001-2-3', 'date', '2001-02-03'],
    ['2001-2-3', 'date', null, { inferred: true }],
    ['2001-02-30', 'date', null],
    ['2001-01-01 10:00', 'date', null],
    ['infinity', 'date', null],
    ['03.02.2001', 'date', '2001-02-03', { dateFormat: '%d.%m.%Y' }],
    ['2001-02-03', 'date', null, { dateFormat: '%d.%m.%Y' }],
    ['2001-01-01 10:00', 'timestamp', '2001-01-01 10:00:00'],
    ['2001-01-01T10:00:00+02', 'timestamp', '2001-01-01 08:00:00'],
    ['2001-01-01T10:00:00+02', 'timestamp', null, { inferred: true }],
    ['2001-01-01 10:00:00 Europe/Berlin', 'timestamp', '2001-01-01 09:00:00'],
    ['10:00', 'timestamp', null],
    ['x', 'timestamp', null],
    ['infinity', 'timestamp', null],
    ['2001-01-01', 'timestamp', '2001-01-01 00:00:00', { inferred: true }],
    ['2001-01-01T10:00:00Z', 'timestamptz', '2001-01-01 10:00:00+00'],
    ['2001-01-01T10:00:00+02:00', 'timestamptz', '2001-01-01 08:00:00+00'],
    ['01/02/2001', 'timestamptz', null],
    ['10:00', 'time', '10:00:00'],
    ['2001-01-01 10:00', 'time', null],
    ['', 'int64', null],
    ['', 'string', ''],
  ]
  for (const [value, type, expected, options] of cases)
    t.equal(
      await read(value, type, options),
      expected,
      `${JSON.stringify(value)} as ${type} ${JSON.stringify(options ?? {})}`,
    )

  const typed = async (raw: string, from: ColumnType, to: ColumnType) =>
    (await session.query(`SELECT (${recast('raw', from, to)})::VARCHAR AS v FROM (SELECT ${raw} AS raw)`))[0]?.['v'] ??
    null
  t.equal(await typed('2.0::DOUBLE', 'float64', 'int64'), '2')
  t.equal(await typed('1.5::DOUBLE', 'float64', 'int64'), null)
  t.equal(await typed('300', 'int64', 'int8'), null)
  t.equal(await typed("TIMESTAMP '2001-01-01 10:00'", 'timestamp', 'date'), null)
  t.equal(await typed("TIMESTAMP '2001-01-01'", 'timestamp', 'date'), '2001-01-01')
})
