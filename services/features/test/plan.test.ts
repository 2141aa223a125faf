import type { FeatureSpec, FeaturesInput } from '@meshwork/contracts'
import {
  comparePlan,
  directCalls,
  planned,
  plannedArtefact,
  seeded,
  shownPlan,
  unknownValue,
} from '@meshwork/kit/testing'
import t from 'tap'
import { stage } from '../src/stage.ts'

const flights = 'id int64, word string, date timestamp, delay float64'

t.test('the columns with the new ones, and every fault at its place', async t => {
  const calls = await directCalls(t)
  const cases: [title: string, dataset: string, request: object, columns: string | undefined, findings: string[]][] = [
    [
      'in rounds, by name within a round',
      flights,
      {
        columns: {
          b: 'hour(date)',
          a: 'b * 2',
          c: { kind: 'expression', expression: 'id', type: 'float32' },
          d: { kind: 'datePart', column: 'date', part: 'epoch' },
          e: { kind: 'target', column: 'word', target: 'delay > 15', type: 'float64' },
          f: { kind: 'rolling', column: 'delay', measure: 'mean', rows: 3, orderBy: 'date' },
        },
        fit: { where: 'id > 3' },
        keep: ['word'],
      },
      'word string, b int64, c float32, d int64, e float64, f float32, a int64',
      [],
    ],
    [
      'several at once',
      flights,
      {
        columns: {
          a: 'hour(dat)',
          b: { kind: 'standard', column: 'word' },
          c: { kind: 'bins', column: 'delay' },
          d: { kind: 'datePart', column: 'date', part: 'year', cyclic: 'sin' },
          'e/f': 'delay >',
          g: { kind: 'rolling', column: 'delay', measure: 'sum', rows: 2, orderBy: 'dte' },
          ID: 'id + 1',
        },
        fit: { where: 'delay' },
        keep: ['id', 'words'],
      },
      undefined,
      [
        'error /keep/1 MESHWORK_COLUMN_MISSING',
        'error /fit/where MESHWORK_EXPRESSION_INVALID',
        'error /columns/b MESHWORK_COLUMN_TYPE',
        'error /columns/c MESHWORK_FEATURES_SPEC',
        'error /columns/d MESHWORK_FEATURES_SPEC',
        'error /columns/e~1f MESHWORK_EXPRESSION_INVALID',
        'error /columns/ID MESHWORK_COLUMN_EXISTS',
        'error /columns/a MESHWORK_COLUMN_MISSING',
        'error /columns/g MESHWORK_COLUMN_MISSING',
      ],
    ],
    [
      'each wrong feature, and not those that only wait for it',
      flights,
      {
        columns: {
          a: 'hour(dat)',
          b: { kind: 'standard', column: 'word' },
          c: { kind: 'bins', column: 'delay' },
          'd/e': 'delay >',
          f: 'a + 1',
          ID: 'id + 1',
          date: 'id',
        },
      },
      undefined,
      [
        'error /columns/b MESHWORK_COLUMN_TYPE',
        'error /columns/c MESHWORK_FEATURES_SPEC',
        'error /columns/d~1e MESHWORK_EXPRESSION_INVALID',
        'error /columns/ID MESHWORK_COLUMN_EXISTS',
        'error /columns/date MESHWORK_COLUMN_EXISTS',
        'error /columns/a MESHWORK_COLUMN_MISSING',
      ],
    ],
    [
      'features that wait for each other',
      flights,
      { columns: { a: 'b + 1', b: 'a + 1', c: 'id' } },
      undefined,
      ['error /columns/a MESHWORK_COLUMN_MISSING', 'error /columns/b MESHWORK_COLUMN_MISSING'],
    ],
    [
      'the columns of one-hot depend on the data',
      flights,
      { columns: { a: { kind: 'oneHot', column: 'word' }, b: 'id' } },
      `${flights}, b int64, …`,
      [],
    ],
    ['an artefact that does not exist yet', flights, { fit: { artefact: plannedArtefact } }, `${flights}, …`, []],
    ['unknown features', flights, { columns: unknownValue }, `${flights}, …`, []],
    [
      'neither and both',
      flights,
      { columns: { a: 'id' }, fit: { artefact: plannedArtefact } },
      undefined,
      ['error  MESHWORK_FEATURES_INPUT'],
    ],
    [
      'what is missing in an open dataset is a warning',
      'id int64, …',
      { columns: { a: 'delay + 1', b: 'id' } },
      'id int64, b int64, …',
      ['warning /columns/a MESHWORK_COLUMN_MISSING'],
    ],
  ]
  for (const [title, dataset, request, columns, findings] of cases) {
    const found = shownPlan(await calls.plan(stage, { dataset: planned(dataset), ...request }))
    t.strictSame(found.findings, findings, title)
    if (columns !== undefined) t.equal(found['/dataset'], columns, `${title}: columns`)
  }
})

t.test('a fitted artefact in the store tells its columns exactly, and what it needs', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(`SELECT i AS id, 'w' || i % 3 AS word FROM range(9) AS t(i)`)
  const columns = { kind: { kind: 'oneHot', column: 'word' }, rank: { kind: 'ordinal', column: 'word' } } as const
  const { fitted } = await calls.call(stage, { dataset, columns })
  t.equal((await comparePlan(calls, stage, { dataset, fit: { artefact: fitted } }, new Set())).fault, undefined)
  t.strictSame(shownPlan(await calls.plan(stage, { dataset: planned('word string'), fit: { artefact: fitted } })), {
    '/dataset': 'word string, kind_w0 float32, kind_w1 float32, kind_w2 float32, rank float32',
    findings: [],
  })
  const found = shownPlan(await calls.plan(stage, { dataset: planned('wrd string'), fit: { artefact: fitted } }))
  t.strictSame(found.findings, [
    'error /fit/artefact MESHWORK_COLUMN_MISSING',
    'error /fit/artefact MESHWORK_COLUMN_MISSING',
  ])
})

const ofData = new Set([
  'MESHWORK_FEATURES_NOTHING_TO_FIT',
  'MESHWORK_FEATURES_NO_VALUES',
  'MESHWORK_FEATURES_CATEGORIES',
  'MESHWORK_EXPRESSION_FAILED',
])

t.test('generated requests: the plan and the call agree', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT i AS id, 'w' || i % 3 AS word, TIMESTAMP '2001-01-01' + to_hours(i) AS date, i / 7.0::DOUBLE AS delay,
     DATE '2001-01-01' AS day, i % 2 = 0 AS ok FROM range(9) AS t(i)`,
  )
  const { next, pick } = seeded(5)
  const name = () => pick(['id', 'id', 'word', 'date', 'delay', 'delay', 'day', 'ok', 'a', 'b', 'none'])
  const type = () => pick([{}, { type: 'float64' as const }])
  const specs: (() => FeatureSpec)[] = [
    () => pick(['id + 1', 'hour(date)', 'a', 'b * 2', 'word', 'delay > 1', 'nope', 'day', 'length(word)']),
    () => ({
      kind: 'expression',
      expression: pick(['id', 'delay', 'ok', 'a']),
      type: pick(['float32', 'int16', 'string']),
    }),
    () => ({
      kind: 'datePart',
      column: pick(['date', 'date', 'day', 'id']),
      part: pick(['hour', 'year', 'epoch', 'month']),
    }),
    () => ({ kind: 'datePart', column: 'date', part: pick(['hour', 'year']), cyclic: 'sin' }),
    () => ({ kind: 'oneHot', column: name() }),
    () => ({ kind: 'ordinal', column: name(), ...type() }),
    () => ({ kind: 'frequency', column: name(), ...type() }),
    () => ({ kind: 'target', column: name(), target: pick(['delay', 'ok', 'word', 'a']), ...type() }),
    () => ({ kind: 'standard', column: name(), ...type() }),
    () => ({ kind: 'minMax', column: name(), min: pick([0, 2]), ...type() }),
    () => ({ kind: 'bins', column: name(), ...pick([{ count: 3 }, { edges: [1, 2] }, { edges: [2, 1] }, {}]) }),
    () => ({ kind: 'rolling', column: name(), measure: pick(['mean', 'count']), rows: 2, orderBy: name() }),
  ]
  const seen = { done: 0, refused: 0 }
  for (let i = 0; i < 120; i++) {
    const columns: Record<string, FeatureSpec> = { [pick(['a', 'b'])]: pick(specs)() }
    for (const key of ['b', 'c', 'd', 'WORD']) if (next() < 0.2) columns[key] = pick(specs)()
    const input: FeaturesInput = {
      dataset,
      columns,
      ...(next() < 0.2 ? { fit: { where: pick(['id > 2', 'ok', 'id']) } } : {}),
      ...(next() < 0.2 ? { keep: pick([['id'], ['word', 'id'], ['nope'], []]) } : {}),
    }
    const { run, fault } = await comparePlan(calls, stage, input, ofData)
    seen[run]++
    t.equal(fault, undefined, JSON.stringify({ ...input, dataset: undefined }))
  }
  t.ok(seen.done > 25 && seen.refused > 25, `both happen: ${JSON.stringify(seen)}`)
})
