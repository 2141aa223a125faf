import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { plainOptions } from '../src/column/infer.ts'
import { checkDialect, findDialect } from '../src/csv/dialect.ts'
import { longLine } from '../src/csv/line-length.ts'
import { looksLikeHeader } from '../src/csv/header.ts'
import { locate, type LocateOptions, type Place } from '../src/csv/locate.ts'
import { splitRecords } from '../src/csv/records.ts'

const marks = { delimiter: ',', quote: '"', escape: '"', comment: '' }

t.test('text is split into records and fields', async t => {
  const cases: [string, string[][], Partial<typeof marks>?][] = [
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r1,2\r',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['"a,b","c""d"\n', [['a,b', 'c"d']]],
    ['"x\ny",2\n', [['x\ny', '2']]],
    ['a,"b\\"c"\n', [['a', 'b"c']], { escape: '\\' }],
    ['\n\na,,\n\n', [['a', '', '']]],
    [
      '#x\na,b\n#y\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
      { comment: '#' },
    ],
    ['a||b\n', [['a', 'b']], { delimiter: '||' }],
    ['"a",b\n', [['"a"', 'b']], { quote: '' }],
  ]
  for (const [text, records, changed] of cases)
    t.same(splitRecords(text, { ...marks, ...changed }, { whole: true }), records, JSON.stringify(text))
  t.same(splitRecords('a,b\n1,2', marks, { whole: false }), [['a', 'b']], 'the last record of a cut text is left out')
  t.same(splitRecords('a\nb\nc\n', marks, { whole: true, recordsMax: 2 }), [['a'], ['b']])
})

t.test('the dialect is the one under which records agree', async t => {
  const cases: [string, Partial<typeof marks>][] = [
    ['a,b,c\n1,2,3\n', { delimiter: ',' }],
    ['a;b\n1,5;2,5\n', { delimiter: ';' }],
    ['a\tb\n"x,y"\t2\n', { delimiter: '\t' }],
    ['a|b|c\n1|2|3\n1|2\n', { delimiter: '|' }],
    ["a,b\n'x,y',2\n'z,w',3\n", { delimiter: ',', quote: "'" }],
    ['a,b\n"it\'s, so",2\n', { delimiter: ',', quote: '"' }],
    ['a,b\n1,"x\\"y"\n', { escape: '\\' }],
    ['a,b\n1,2\n"x,3\n4,5\n', { delimiter: ',', quote: '"' }],
    ['name\nx\ny\n', { delimiter: ',' }],
  ]
  for (const [text, expected] of cases) t.match(findDialect(text, true), expected, JSON.stringify(text))
  t.match(
    findDialect('a,b;c\n', true, { delimiter: ';', quote: '' }),
    { delimiter: ';', quote: '' },
    'what is declared stays',
  )
})

t.test('marks that cannot be told apart or read are refused', async t => {
  for (const declared of [
    { delimiter: ',', quote: ',' },
    { delimiter: '#', comment: '#' },
    { quote: '«' },
    { delimiter: '12345' },
    { delimiter: '\n' },
    { delimiter: ';', nullStrings: ['a;b'] },
  ])
    t.throws(() => checkDialect(declared), { code: 'MESHWORK_INGEST_OPTION' }, JSON.stringify(declared))
  t.doesNotThrow(() =>
    checkDialect({ delimiter: '||', quote: '"', escape: '"', comment: '#', nullStrings: ['', 'NA'] }),
  )
})

t.test('the first record is a header unless it looks like the others', async t => {
  const header = (text: string, names: string[] = []) => {
    const [first = [], ...rest] = splitRecords(text, marks, { whole: true })
    return looksLikeHeader(first, rest, plainOptions, names)
  }
  t.equal(header('a,b\n1,2\n'), true)
  t.equal(header('a,b\nx,y\n'), true)
  t.equal(header('1,2\n3,4\n'), false)
  t.equal(header('2001-01-01,x\n2001-01-02,y\n'), false)
  t.equal(header('id,1990\nx,5\n'), false, 'a name that could be a value does not help')
  t.equal(header('count,2001-01-01\n5,7\n'), true, 'a field that its column does not fit')
  t.equal(header('1,2\n', ['1']), true, 'a declared name')
  t.equal(header('a,b\n'), true)
})

t.test('records are found again by number, with their offset and text', async t => {
  const path = join(t.testdir(), 'file.csv')
  const find = async (text: string, options: Partial<LocateOptions>): Promise<Place[]> => {
    await writeFile(path, text)
    const all = {
      ...marks,
      header: true,
      blankIsRow: false,
      refused: [],
      rows: [],
      signal: new AbortController().signal,
    }
    const places: Place[] = []
    for await (const place of locate(path, { ...all, ...options })) places.push(place)
    return places
  }
  t.same(await find('a,b\n1,2\n\n3,4\n5\n6,7', { refused: [5], rows: [1, 2] }), [
    { record: 4, offset: 9, row: 1, text: '3,4' },
    { record: 5, offset: 13, row: undefined, text: '5' },
    { record: 6, offset: 15, row: 2, text: '6,7' },
  ])
  t.same(await find('a,b\r\n"x\r\n""y""",2\r\n3,4\r\n', { rows: [0, 1] }), [
    { record: 2, offset: 5, row: 0, text: '"x\r\n""y""",2' },
    { record: 3, offset: 19, row: 1, text: '3,4' },
  ])
  t.same(await find('a\n\n"q\n', { rows: [0, 1], blankIsRow: true }), [
    { record: 2, offset: 2, row: 0, text: '' },
    { record: 3, offset: 3, row: 1, text: '"q\n' },
  ])
  t.same(await find('#"\na,b\n#"\n1,2\n', { comment: '#', rows: [0] }), [
    { record: 4, offset: 10, row: 0, text: '1,2' },
  ])
  t.same(await find('a,b\n1,x"y\n2,"z\\"",\n3,4\n', { escape: '\\', rows: [2] }), [
    { record: 4, offset: 19, row: 2, text: '3,4' },
  ])
  t.same(
    await find('a,b\n"x""\ny",2\n3,4\n', { rows: [1] }),
    [{ record: 3, offset: 14, row: 1, text: '3,4' }],
    'a doubled quote stays inside',
  )
  t.match(await find('\ufeffa\n1\n', { header: false, rows: [0] }), [{ record: 1, offset: 0, text: 'a' }])

  const row = 'x'.repeat(99)
  const long = `a\r\n${`${row}\r\n`.repeat(30_000)}`
  const [last] = await find(long, { rows: [29_999] })
  t.match(last, { record: 30_001, offset: 3 + 29_999 * 101, text: row }, 'line ends cut by the edge of a chunk')
})

t.test('a line over the limit is found wherever it lies, and only then', async t => {
  const path = join(t.testdir(), 'file.csv')
  const limit = 1_000_000
  const find = async (...lengths: number[]) => {
    await writeFile(path, lengths.map(length => 'x'.repeat(length)).join('\n'))
    return await longLine(path, limit, new AbortController().signal)
  }
  t.equal(await find(5, 5), undefined)
  t.equal(await find(limit, limit - 1, limit, 3), undefined)
  for (const before of [0, 1, 100_000, 249_999, 250_000, 400_000, 999_999])
    t.equal(await find(before, limit + 1, 5), before + 1, `after ${before} bytes`)
  t.equal(await find(limit + 1), 0)
  t.equal(await find(...Array.from({ length: 30 }, () => 300_000), 3 * limit), 30 * 300_001)
})
