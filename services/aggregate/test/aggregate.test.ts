import type { AggregateInput, DatasetRef } from '@meshwork/contracts'
import t from 'tap'
import { stage } from '../src/stage.ts'
import { directCalls, startStage } from '@meshwork/kit/testing'

type Request = Omit<AggregateInput, 'dataset'>

const flights = `SELECT * FROM (VALUES
  (1, TIMESTAMP '2001-01-01 05:10:00', 'ATL', 20::BIGINT, 1.5::FLOAT, 5::BIGINT),
  (2, TIMESTAMP '2001-01-01 06:50:00', 'ATL', 10, 2.5, NULL),
  (3, TIMESTAMP '2001-01-02 06:00:00', 'ORD', NULL, NULL, 7),
  (4, TIMESTAMP '2001-02-03 23:59:59', 'ORD', 30, 4.0, 7),
  (5, TIMESTAMP '2001-02-04 00:00:00', NULL, -5, 8.0, 9),
  (6, NULL, NULL, 40, 0.5, 9)) AS v(id, date, origin, delay, score, "odd ""name""")`

t.test('groups, measures and order', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(flights, 2)
  const cases: [title: string, request: Request, rows: Record<string, unknown>[]][] = [
    [
      'null keys are a group, last; each measure leaves nulls out',
      {
        groupBy: ['origin'],
        measures: {
          rows: { measure: 'count' },
          known: { measure: 'count', of: 'delay' },
          total: { measure: 'sum', of: 'delay' },
          mean: { measure: 'mean', of: 'delay' },
          late: { measure: 'share', of: 'delay > 15' },
          first: { measure: 'min', of: 'date' },
        },
      },
      [
        { origin: 'ATL', rows: 2, known: 2, total: 30, mean: 15, late: 0.5, first: '2001-01-01 05:10:00' },
        { origin: 'ORD', rows: 2, known: 1, total: 30, mean: 30, late: 0.5, first: '2001-01-02 06:00:00' },
        { origin: null, rows: 2, known: 2, total: 35, mean: 17.5, late: 0.5, first: '2001-02-04 00:00:00' },
      ],
    ],
    [
      'the where of a measure limits its rows only, and guards its expression',
      {
        groupBy: ['origin'],
        measures: {
          logs: { measure: 'sum', of: 'ln(delay)', where: 'delay > 25' },
          n: { measure: 'count', where: 'delay > 15' },
        },
      },
      [
        { origin: 'ATL', logs: null, n: 1 },
        { origin: 'ORD', logs: Math.log(30), n: 1 },
        { origin: null, logs: Math.log(40), n: 1 },
      ],
    ],
    [
      'time buckets and expressions with a name',
      {
        groupBy: [
          { column: 'date', every: 'month', as: 'month' },
          { expression: 'hour(date) < 6', as: 'early' },
        ],
        measures: { n: { measure: 'count' } },
      },
      [
        { month: '2001-01-01 00:00:00', early: false, n: 2 },
        { month: '2001-01-01 00:00:00', early: true, n: 1 },
        { month: '2001-02-01 00:00:00', early: false, n: 1 },
        { month: '2001-02-01 00:00:00', early: true, n: 1 },
        { month: null, early: null, n: 1 },
      ],
    ],
    [
      'a week starts on Monday',
      {
        where: 'id <= 2',
        groupBy: [{ column: 'date', every: 'week', as: 'week' }],
        measures: { n: { measure: 'count' } },
      },
      [{ week: '2001-01-01 00:00:00', n: 2 }].map(row => ({ ...row })),
    ],
    [
      'equal groups stand in the order of their keys, and top cuts after ordering',
      {
        groupBy: ['origin'],
        measures: { n: { measure: 'count' } },
        orderBy: [{ column: 'n', direction: 'descending' }],
        top: 2,
      },
      [
        { origin: 'ATL', n: 2 },
        { origin: 'ORD', n: 2 },
      ],
    ],
    [
      'having sees the columns of the result',
      { groupBy: ['origin'], measures: { total: { measure: 'sum', of: 'delay' } }, having: 'total > 30' },
      [{ origin: null, total: 35 }],
    ],
    [
      'without groupBy the whole table is one group',
      {
        measures: {
          distinct: { measure: 'countDistinct', of: '"odd ""name"""' },
          spread: { measure: 'stddev', of: 'id' },
          middle: { measure: 'median', of: 'id' },
          'a "ninth"': { measure: 'quantile', of: 'id', quantile: 0.9 },
        },
      },
      [{ distinct: 3, spread: 1.8708286933869707, middle: 3.5, 'a "ninth"': 5.5 }],
    ],
    [
      'a table of no rows has one group without groupBy',
      { where: 'id > 99', measures: { n: { measure: 'count' }, m: { measure: 'mean', of: 'delay' } } },
      [{ n: 0, m: null }],
    ],
    ['and none with it', { where: 'id > 99', groupBy: ['origin'], measures: { n: { measure: 'count' } } }, []],
  ]
  for (const [title, request, expected] of cases)
    await t.test(title, async t => {
      const output = await calls.call(stage, { dataset, ...request })
      const names = Object.keys(expected[0] ?? { origin: null, n: 0 })
      t.strictSame(
        output.dataset.columns.map(({ name }) => name),
        names,
      )
      const rows = await calls.rows(output.dataset)
      t.match(
        rows.map(row => ({ ...row })),
        expected,
        { title },
      )
      t.equal(rows.length, expected.length)
      t.equal(output.rows, expected.length)
      const again = await calls.call(stage, { dataset, ...request })
      t.equal(again.dataset.hash, output.dataset.hash, 'the same bytes every time')
    })
})

t.test('types of the result are as documented', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(flights)
  const measures: Request['measures'] = {
    count: { measure: 'count' },
    distinct: { measure: 'countDistinct', of: 'origin' },
    integers: { measure: 'sum', of: 'delay' },
    floats: { measure: 'sum', of: 'score' },
    decimals: { measure: 'sum', of: 'delay * 1.5' },
    mean: { measure: 'mean', of: 'delay' },
    least: { measure: 'min', of: 'score' },
    median: { measure: 'median', of: 'score' },
    share: { measure: 'share', of: 'delay > 0' },
  }
  const { dataset: made } = await calls.call(stage, { dataset, groupBy: ['date', 'origin'], measures })
  t.strictSame(
    made.columns.map(({ type }) => type),
    [
      'timestamp',
      'string',
      'int64',
      'int64',
      'int64',
      'float64',
      'float64',
      'float64',
      'float32',
      'float64',
      'float64',
    ],
  )
  const empty = await calls.table(`SELECT * FROM (${flights}) WHERE false`)
  const { dataset: none } = await calls.call(stage, { dataset: empty, groupBy: ['date', 'origin'], measures })
  t.strictSame(none.columns, made.columns, 'an empty dataset gives the same columns')
  t.equal(none.rows, 0)
})

t.test('groups are counted before having and top', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table('SELECT i % 100 AS k, i FROM range(1000) r(i)', 300)
  const { rows, groups } = await calls.call(stage, {
    dataset,
    groupBy: ['k'],
    measures: { n: { measure: 'count' } },
    having: 'k < 50',
    top: 7,
  })
  t.strictSame({ rows, groups }, { rows: 7, groups: 100 })
  t.ok(
    calls.progress.every((fraction, i) => i === 0 || fraction >= (calls.progress[i - 1] ?? 0)),
    'progress only grows',
  )
})

t.test('names of the result never meet names of the dataset', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table('SELECT 1 AS v0, 2 AS k0, 3 AS n UNION ALL SELECT 1, 5, 3')
  const { dataset: made } = await calls.call(stage, {
    dataset,
    groupBy: [{ expression: 'v0', as: 'k0' }],
    measures: { v0: { measure: 'sum', of: 'k0' }, groups: { measure: 'max', of: 'n', where: 'k0 > 2' } },
  })
  t.match(await calls.rows(made), [{ k0: 1, v0: 7, groups: 3 }])
})

t.test('every wrong request has its code, and names what is wrong', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(flights)
  const n = { n: { measure: 'count' as const } }
  const cases: [code: string, request: Request, words: RegExp][] = [
    ['MESHWORK_COLUMN_MISSING', { groupBy: ['orgin'], measures: n }, /did you mean "origin"/],
    [
      'MESHWORK_COLUMN_MISSING',
      { measures: { m: { measure: 'sum', of: 'dely' } } },
      /Measure "m".*did you mean "delay"/,
    ],
    ['MESHWORK_COLUMN_MISSING', { measures: n, orderBy: [{ column: 'origin' }] }, /orderBy/],
    ['MESHWORK_COLUMN_MISSING', { measures: n, having: 'delay > 3' }, /having/],
    [
      'MESHWORK_COLUMN_TYPE',
      { groupBy: [{ column: 'origin', every: 'day', as: 'd' }], measures: n },
      /date or timestamp/,
    ],
    ['MESHWORK_AGGREGATE_MEASURE', { measures: { m: { measure: 'sum' } } }, /needs "of"/],
    ['MESHWORK_AGGREGATE_MEASURE', { measures: { m: { measure: 'sum', of: 'origin' } } }, /string/],
    ['MESHWORK_AGGREGATE_MEASURE', { measures: { m: { measure: 'sum', of: 'delay > 1' } } }, /share/],
    ['MESHWORK_AGGREGATE_MEASURE', { measures: { m: { measure: 'share', of: 'delay' } } }, /true or false/],
    ['MESHWORK_AGGREGATE_MEASURE', { measures: { m: { measure: 'quantile', of: 'delay' } } }, /needs "quantile"/],
    ['MESHWORK_AGGREGATE_MEASURE', { measures: { m: { measure: 'median', of: 'delay', quantile: 0.3 } } }, /takes no/],
    ['MESHWORK_AGGREGATE_NAME_TWICE', { groupBy: ['origin'], measures: { Origin: { measure: 'count' } } }, /Origin/],
    ['MESHWORK_AGGREGATE_OVERFLOW', { measures: { m: { measure: 'sum', of: '9223372036854775807' } } }, /DOUBLE/],
    ['MESHWORK_EXPRESSION_INVALID', { where: 'delay', measures: n }, /condition/],
    [
      'MESHWORK_EXPRESSION_INVALID',
      { where: "(SELECT count(*) FROM read_text('/etc/passwd')) > 0", measures: n },
      /sub-query/,
    ],
    [
      'MESHWORK_EXPRESSION_INVALID',
      { measures: { m: { measure: 'max', of: "len(read_text('/etc/passwd'))" } } },
      /allowed functions/,
    ],
    ['MESHWORK_EXPRESSION_INVALID', { measures: { m: { measure: 'max', of: 'sum(delay)' } } }, /allowed functions/],
    [
      'MESHWORK_EXPRESSION_INVALID',
      { groupBy: [{ expression: "repeat('x', 1000000000)", as: 'x' }], measures: n },
      /allowed functions/,
    ],
  ]
  for (const [code, request, words] of cases)
    t.match(
      await calls.call(stage, { dataset, ...request }).catch((error: unknown) => error),
      { code, message: words },
      `${code} ${JSON.stringify(request)}`,
    )
})

t.test('wide tables and unicode names', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT ${Array.from({ length: 1000 }, (_, i) => `${i} AS "größe ${i}"`).join(', ')}`,
  )
  const measures = Object.fromEntries(
    Array.from({ length: 256 }, (_, i) => [`Σ${i}`, { measure: 'sum' as const, of: `"größe ${i}"` }]),
  )
  const { dataset: made } = await calls.call(stage, { dataset, groupBy: ['größe 999'], measures })
  t.match(await calls.rows(made), [{ 'größe 999': 999, Σ255: 255 }])
})

t.test('a cancelled call stops', async t => {
  const calls = await directCalls(t)
  const dataset: DatasetRef = await calls.table('SELECT i FROM range(1000) r(i)')
  await t.rejects(
    calls.call(stage, { dataset, measures: { n: { measure: 'count' } } }, AbortSignal.abort(new Error('gone'))),
    { message: 'gone' },
  )
})

t.test('over HTTP the answer is the result, and a fault is a problem', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(flights)
  const { url } = await startStage(t, stage, new URL('../src/stage.ts', import.meta.url), { store: calls.store })
  const post = async (body: unknown) =>
    await fetch(`${url}/v1/aggregate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const good = await post({ dataset, groupBy: ['origin'], measures: { n: { measure: 'count' } } })
  t.equal(good.status, 200)
  t.match(await good.json(), { rows: 3, groups: 3 })
  const bad = await post({ dataset, groupBy: ['orgin'], measures: { n: { measure: 'count' } } })
  t.equal(bad.status, 422)
  t.match(await bad.json(), { code: 'MESHWORK_COLUMN_MISSING', retryable: false })
})
