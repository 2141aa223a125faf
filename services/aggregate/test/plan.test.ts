import type { AggregateInput, GroupKey, Measure } from '@meshwork/contracts'
import { comparePlan, directCalls, planned, seeded, shownPlan, unknownValue } from '@meshwork/kit/testing'
import t from 'tap'
import { stage } from '../src/stage.ts'

const flights = 'id int64, origin string, score float32, date timestamp, ok boolean'

t.test('the columns of the result, and every fault at its place', async t => {
  const calls = await directCalls(t)
  const cases: [title: string, dataset: string, request: object, columns: string | undefined, findings: string[]][] = [
    [
      'each measure has its type',
      flights,
      {
        where: 'ok',
        groupBy: ['origin', { column: 'date', every: 'day', as: 'day' }, { expression: 'hour(date)', as: 'hour' }],
        measures: {
          n: { measure: 'count' },
          total: { measure: 'sum', of: 'id' },
          sum: { measure: 'sum', of: 'score' },
          best: { measure: 'max', of: 'score' },
          late: { measure: 'share', of: 'id > 3' },
          half: { measure: 'median', of: 'id' },
        },
        having: 'n > 1 and total is not null',
        orderBy: [{ column: 'best' }],
      },
      'origin string, day timestamp, hour int64, n int64, total int64, sum float64, best float32, late float64, half float64',
      [],
    ],
    [
      'several at once',
      flights,
      {
        where: 'okk',
        groupBy: ['orign', { column: 'id', every: 'day', as: 'day' }, { expression: 'hour(', as: 'hour' }],
        measures: {
          a: { measure: 'sum', of: 'origin' },
          'b/c': { measure: 'share', of: 'id' },
          d: { measure: 'quantile', of: 'id' },
          e: { measure: 'count', where: 'id' },
          f: { measure: 'mean', of: 'dealy' },
        },
      },
      undefined,
      [
        'error /groupBy/0 MESHWORK_COLUMN_MISSING',
        'error /groupBy/1 MESHWORK_COLUMN_TYPE',
        'error /groupBy/2 MESHWORK_EXPRESSION_INVALID',
        'error /measures/a MESHWORK_AGGREGATE_MEASURE',
        'error /measures/b~1c MESHWORK_AGGREGATE_MEASURE',
        'error /measures/d MESHWORK_AGGREGATE_MEASURE',
        'error /measures/e MESHWORK_EXPRESSION_INVALID',
        'error /measures/f MESHWORK_COLUMN_MISSING',
        'error /where MESHWORK_COLUMN_MISSING',
      ],
    ],
    [
      'having and order are over the result',
      flights,
      {
        groupBy: ['origin'],
        measures: { n: { measure: 'count' } },
        having: 'id > 1',
        orderBy: [{ column: 'n' }, { column: 'score' }],
      },
      'origin string, n int64',
      ['error /having MESHWORK_COLUMN_MISSING', 'error /orderBy/1/column MESHWORK_COLUMN_MISSING'],
    ],
    [
      'a name twice',
      flights,
      { groupBy: ['origin'], measures: { ORIGIN: { measure: 'count' } } },
      undefined,
      ['error /measures MESHWORK_AGGREGATE_NAME_TWICE'],
    ],
    [
      'the result of an open dataset is closed where all that it needs is known',
      'id int64, …',
      { measures: { n: { measure: 'sum', of: 'id' } } },
      'n int64',
      [],
    ],
    [
      'what is missing in an open dataset is a warning, and the result is not known',
      'id int64, …',
      { groupBy: ['origin'], measures: { n: { measure: 'count' } } },
      undefined,
      ['warning /groupBy/0 MESHWORK_COLUMN_MISSING'],
    ],
    [
      'an unknown condition changes no column',
      flights,
      { where: unknownValue, measures: { n: { measure: 'count' } }, having: unknownValue, top: unknownValue },
      'n int64',
      [],
    ],
    ['an unknown measure does', flights, { measures: { n: { measure: unknownValue, of: 'idd' } } }, undefined, []],
  ]
  for (const [title, dataset, request, columns, findings] of cases) {
    const found = shownPlan(await calls.plan(stage, { dataset: planned(dataset), ...request }))
    t.strictSame(found.findings, findings, title)
    t.equal(found['/dataset'], columns, `${title}: columns`)
  }
})

t.test('generated requests: the plan and the call agree', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT i AS id, 'n' || i % 3 AS origin, (i / 3.0)::FLOAT AS score, TIMESTAMP '2001-01-01' + to_hours(i) AS at,
     i % 2 = 0 AS ok, i::UTINYINT AS small, DATE '2001-01-01' AS day, (i / 7)::DECIMAL(8, 2)::DOUBLE AS real FROM range(9) AS t(i)`,
  )
  const { next, pick } = seeded(11)
  const term = () =>
    pick(['id', 'score', 'origin', 'at', 'ok', 'small', 'day', 'real', 'id > 3', 'id * 2.5', 'small + 1', 'ida'])
  const keys: (() => GroupKey)[] = [
    () => pick(['origin', 'ok', 'id', 'day', 'small', 'none']),
    () => ({ expression: term(), as: pick(['key', 'n', 'ok']) }),
    () => ({ column: pick(['at', 'day', 'day', 'id']), every: pick(['day', 'hour', 'month'] as const), as: 'bucket' }),
  ]
  const kinds = [
    'count',
    'countDistinct',
    'sum',
    'mean',
    'min',
    'max',
    'stddev',
    'median',
    'quantile',
    'share',
  ] as const
  const measure = (): Measure => {
    const kind = pick(kinds)
    return {
      measure: kind,
      ...(next() < 0.9 ? { of: term() } : {}),
      ...(kind === 'quantile' ? { quantile: 0.9 } : {}),
      ...(next() < 0.1 ? { where: pick(['ok', 'id']) } : {}),
    }
  }
  const seen = { done: 0, refused: 0 }
  for (let i = 0; i < 150; i++) {
    const input: AggregateInput = {
      dataset,
      groupBy: Array.from({ length: Math.floor(next() * 3) }, () => pick(keys)()),
      measures: { n: measure(), ...(next() < 0.3 ? { m: measure() } : {}) },
      ...(next() < 0.2 ? { having: pick(['n > 1', 'n is not null', 'id > 1']) } : {}),
      ...(next() < 0.2 ? { orderBy: [{ column: pick(['n', 'n', 'm']) }] } : {}),
    }
    const { run, fault } = await comparePlan(calls, stage, input, new Set(['MESHWORK_EXPRESSION_FAILED']))
    seen[run]++
    t.equal(fault, undefined, JSON.stringify({ ...input, dataset: undefined }))
  }
  t.ok(seen.done > 30 && seen.refused > 30, `both happen: ${JSON.stringify(seen)}`)
})
