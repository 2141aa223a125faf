import type { DatasetRef, PostprocessInput } from '@meshwork/contracts'
import { type DirectCalls, directCalls, startStage } from '@meshwork/kit/testing'
import t from 'tap'
import { fitIsotonic } from '../src/calibrate/isotonic.ts'
import { stage } from '../src/stage.ts'

type Operation = PostprocessInput['operations'][number]

async function columnsOf(calls: DirectCalls, dataset: DatasetRef, ...operations: Operation[]) {
  const answer = await calls.call(stage, { dataset, operations })
  const rows = await calls.rows(answer.dataset)
  return { answer, rows, column: (name: string) => rows.map(row => row[name]) }
}

t.test('bands: an edge belongs to the band above it, and what is no number has no band', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT unnest([-1::DOUBLE, 0.25, 0.249999999, 0.5, 'inf'::DOUBLE, '-inf'::DOUBLE, 'nan'::DOUBLE, NULL]) AS "the ""score""", 1 AS other`,
  )
  const labels = ["won't", 'may', 'will']
  const { column, answer } = await columnsOf(calls, dataset, {
    operation: 'threshold',
    column: 'the "score"',
    as: 'band',
    thresholds: [0.25, 0.5],
    labels,
  })
  t.same(column('band'), ["won't", 'may', "won't", 'will', 'will', "won't", null, null])
  t.same(answer.columns, [{ name: 'band', type: 'string' }])
  t.equal(answer.fitted, null)
})

t.test('labels of class numbers: null stays null, and a number without a label fails the step', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(`SELECT unnest([0, 1, NULL, 1]::UTINYINT[]) AS class, true AS yes`, 3)
  const labels = ['no', 'yes']
  const { column } = await columnsOf(
    calls,
    dataset,
    { operation: 'label', column: 'class', as: 'a', labels },
    { operation: 'label', column: 'yes', as: 'b', labels },
  )
  t.same(column('a'), ['no', 'yes', null, 'yes'])
  t.same(column('b'), ['yes', 'yes', 'yes', 'yes'])
  const strange = await calls.table(`SELECT unnest([0, -1, 5, 2]::BIGINT[]) AS class`)
  await t.rejects(columnsOf(calls, strange, { operation: 'label', column: 'class', as: 'a', labels }), {
    code: 'MESHWORK_POSTPROCESS_NO_LABEL',
    message: /3 rows/,
  })
})

t.test('the best of several scores: the first wins a tie, null and NaN are no scores', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT * FROM (VALUES (0.2, 0.7, 0.1), (0.4, 0.4, 0.2), (NULL, 'nan', -3.0), (NULL, 'nan', NULL), ('inf', 2, 3))
     AS v(a, b, c)`.replaceAll(/'(nan|inf)'/g, `'$1'::DOUBLE`),
    2,
  )
  const columns = ['a', 'b', 'c']
  const { rows } = await columnsOf(
    calls,
    dataset,
    { operation: 'argmax', columns, as: 'best', scoreAs: 'best_score' },
    { operation: 'argmax', columns: ['c', 'b', 'a'], as: 'named', labels: ['C', 'B', 'A'] },
    { operation: 'topK', columns, k: 2, as: 'top', labels: ['x', 'y', 'z'] },
  )
  t.same(
    rows.map(row => [row['best'], row['best_score'], row['named']]),
    [
      ['b', 0.7, 'B'],
      ['a', 0.4, 'B'],
      ['c', -3, 'C'],
      [null, null, null],
      ['a', Number.POSITIVE_INFINITY, 'A'],
    ].map(([best, score, named]) => [
      best,
      score === Number.POSITIVE_INFINITY ? rows[4]?.['best_score'] : score,
      named,
    ]),
  )
  t.same(
    rows.slice(0, 4).map(row => [row['top_1'], row['top_1_score'], row['top_2'], row['top_2_score']]),
    [
      ['y', 0.7, 'x', 0.2],
      ['x', 0.4, 'y', 0.4],
      ['z', -3, null, null],
      [null, null, null, null],
    ],
  )
})

t.test('256 scores in a row are answered in one statement', async t => {
  const calls = await directCalls(t)
  const names = Array.from({ length: 256 }, (_, i) => `a score with a rather long name, number ${i}`)
  const dataset = await calls.table(
    `SELECT ${names.map((name, i) => `((range * ${i + 7}) % 257)::FLOAT AS "${name}"`).join(', ')} FROM range(300)`,
  )
  const { rows } = await columnsOf(
    calls,
    dataset,
    { operation: 'argmax', columns: names, as: 'best', scoreAs: 'score' },
    { operation: 'topK', columns: names, k: 20, as: 'top' },
  )
  for (const [i, row] of rows.entries()) {
    const scores = names.map((_, column) => (i * (column + 7)) % 257)
    const most = Math.max(...scores)
    if (row['score'] !== most || row['best'] !== names[scores.indexOf(most)] || row['top_1'] !== row['best'])
      t.fail(`row ${i}`)
    const ranked = [...scores].sort((a, b) => b - a)
    if (row['top_20_score'] !== ranked[19]) t.fail(`row ${i}, place 20`)
  }
})

const skewed = (rows: number) =>
  `SELECT ((hash(range) % 1000) / 1000.0)::DOUBLE AS p, (hash(range + 1e6::BIGINT) % 10000) / 10000.0 < pow(hash(range) % 1000 / 1000.0, 2) AS y,
    range % 2 = 0 AS even FROM range(${rows})`

t.test('platt: at the fitted curve the loss has no slope', async t => {
  const calls = await directCalls(t)
  const cases: [string, string][] = [
    ['skewed', skewed(20_000)],
    ['separated', 'SELECT (range / 1000)::DOUBLE AS p, range > 500 AS y FROM range(1001)'],
    ['only 0 and 1', 'SELECT (range % 2)::FLOAT AS p, range % 5 = 0 AS y FROM range(1000)'],
    [
      'far off',
      `SELECT CASE WHEN range % 100 = 0 THEN 0.5 ELSE 0.999999 END::DOUBLE AS p, range % 2 = 0 AS y FROM range(1000)`,
    ],
    ['one score', 'SELECT 0.5::DOUBLE AS p, range < 10 AS y FROM range(100)'],
  ]
  for (const [title, select] of cases) {
    const dataset = await calls.table(select, 7000)
    const { rows, answer } = await columnsOf(calls, dataset, {
      operation: 'calibrate',
      column: 'p',
      as: 'c',
      method: 'platt',
      target: 'y',
    })
    t.equal(answer.fitted?.mediaType, 'application/json')
    const positives = rows.filter(row => row['y'] === true).length
    const high = (positives + 1) / (positives + 2)
    const low = 1 / (rows.length - positives + 2)
    let level = 0
    let slope = 0
    for (const row of rows) {
      const p = Math.min(Math.max(Number(row['p']), 1e-7), 1 - 1e-7)
      const miss = Number(row['c']) - (row['y'] === true ? high : low)
      level += miss
      slope += miss * Math.log(p / (1 - p))
    }
    t.ok(Math.abs(level) / rows.length < 1e-6, `${title}: level ${level}`)
    t.ok(Math.abs(slope) / rows.length < 1e-5, `${title}: slope ${slope}`)
  }
})

t.test('isotonic: pools what falls, and stands level outside', t => {
  const groups = (...list: [score: number, rows: number, positives: number][]) =>
    list.map(([score, rows, positives]) => ({ score, rows, positives }))
  const cases: [ReturnType<typeof groups>, { x: number; y: number }[]][] = [
    [groups([0.5, 4, 1]), [{ x: 0.5, y: 0.25 }]],
    [
      groups([0.1, 10, 1], [0.2, 10, 5], [0.3, 10, 3], [0.4, 10, 9]),
      [
        { x: 0.1, y: 0.1 },
        { x: 0.2, y: 0.4 },
        { x: 0.3, y: 0.4 },
        { x: 0.4, y: 0.9 },
      ],
    ],
    [
      groups([0.1, 1, 1], [0.2, 1, 0], [0.3, 2, 0]),
      [
        { x: 0.1, y: 0.25 },
        { x: 0.3, y: 0.25 },
      ],
    ],
  ]
  for (const [given, knots] of cases) t.same(fitIsotonic(given), knots)
  t.end()
})

t.test('isotonic: rises, agrees with what happened, and ties have one answer', async t => {
  const calls = await directCalls(t)
  const many = `SELECT (hash(range) % 100003) / 100003.0 AS p, hash(range + 7::BIGINT) % 1000 < (hash(range) % 100003) / 150 AS y FROM range(60000)
    UNION ALL SELECT 0.5, range % 3 = 0 FROM range(40000)`
  const dataset = await calls.table(many, 30_000)
  const { rows } = await columnsOf(calls, dataset, {
    operation: 'calibrate',
    column: 'p',
    as: 'c',
    method: 'isotonic',
    target: 'y',
  })
  const sorted = rows.map(row => [Number(row['p']), Number(row['c'])] as const).sort((a, b) => a[0] - b[0])
  t.ok(
    sorted.every(
      ([p, c], i) =>
        i === 0 || (c >= (sorted[i - 1]?.[1] ?? 0) && (p !== sorted[i - 1]?.[0] || c === sorted[i - 1]?.[1])),
    ),
  )
  const mean = rows.reduce((sum, row) => sum + Number(row['c']), 0) / rows.length
  const happened = rows.filter(row => row['y'] === true).length / rows.length
  t.ok(Math.abs(mean - happened) < 1e-3, `${mean} and ${happened}`)
})

t.test('a fitted calibration gives the same again, on other rows too, and null and NaN stay null', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(skewed(5000), 2000)
  for (const method of ['platt', 'isotonic'] as const) {
    const fit = { operation: 'calibrate', column: 'p', as: 'c', method } as const
    const first = await columnsOf(calls, dataset, { ...fit, target: 'y', where: 'even' })
    const fitted = first.answer.fitted ?? undefined
    t.ok(fitted)
    if (fitted === undefined) continue
    const again = await columnsOf(calls, dataset, { ...fit, fitted })
    t.equal(again.answer.dataset.hash, first.answer.dataset.hash)
    t.equal(again.answer.fitted, null)
    const odd = await calls.table(`SELECT unnest([NULL, 'nan'::FLOAT, -5::FLOAT, 0::FLOAT, 1::FLOAT, 5::FLOAT]) AS p`)
    const values = (await columnsOf(calls, odd, { ...fit, fitted })).column('c')
    t.same(values.slice(0, 2), [null, null])
    t.ok(values.slice(2).every(value => Number(value) >= 0 && Number(value) <= 1))
    t.equal(values[2], values[3])
    t.equal(values[4], values[5])
    const other = method === 'platt' ? 'isotonic' : 'platt'
    await t.rejects(columnsOf(calls, dataset, { ...fit, method: other, fitted }), {
      code: 'MESHWORK_POSTPROCESS_FITTED_INVALID',
    })
  }
})

t.test('operations use what earlier ones made, and all new columns are one group', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(skewed(3000), 1000)
  const { answer, rows } = await columnsOf(
    calls,
    dataset,
    { operation: 'calibrate', column: 'p', as: 'm_0_p', method: 'platt', target: 'y' },
    { operation: 'threshold', column: 'm_0_p', as: 'band', thresholds: [0.5], labels: ['low', 'high'] },
  )
  t.ok(rows.every(row => row['band'] === (Number(row['m_0_p']) >= 0.5 ? 'high' : 'low')))
  const manifest = JSON.parse((await calls.store.read(answer.dataset.hash)).toString()) as {
    parts: { groups: unknown[] }[]
  }
  t.same(
    manifest.parts.map(({ groups }) => groups.length),
    [2, 2, 2],
  )
})

t.test('a dataset without rows gets the columns', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table('SELECT 0.5 AS p, 1 AS class, true AS y WHERE false')
  const { answer } = await columnsOf(
    calls,
    dataset,
    { operation: 'threshold', column: 'p', as: 'a', thresholds: [0.5], labels: ['x', 'y'] },
    { operation: 'label', column: 'class', as: 'b', labels: ['x', 'y'] },
    { operation: 'topK', columns: ['p', 'class'], as: 'd', k: 1 },
    { operation: 'calibrate', column: 'p', as: 'c', method: 'isotonic', target: 'y' },
  )
  t.match(answer, { rows: 0, fitted: null })
  t.same(
    answer.columns.map(({ name }) => name),
    ['a', 'b', 'd_1', 'd_1_score', 'c'],
  )
})

t.test('what makes no sense is refused by its code', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(`SELECT 0.5 AS p, 2.0 AS big, 'x' AS word, true AS y`)
  const { hash, bytes } = await calls.store.put('{"schema":"something else"}')
  const fitted = { kind: 'artefact', hash, bytes, mediaType: 'application/json' } as const
  const labels = ['a', 'b']
  const band = { operation: 'threshold' as const, column: 'p', as: 'n', thresholds: [0.5], labels }
  const fit = { operation: 'calibrate', column: 'p', as: 'n', method: 'platt' } as const
  const cases: [Operation, code: string][] = [
    [{ ...band, labels: ['a', 'b', 'c'] }, 'MESHWORK_POSTPROCESS_OPERATION'],
    [{ ...band, thresholds: [0.5, 0.5], labels: ['a', 'b', 'c'] }, 'MESHWORK_POSTPROCESS_OPERATION'],
    [{ ...band, column: 'q' }, 'MESHWORK_COLUMN_MISSING'],
    [{ ...band, column: 'word' }, 'MESHWORK_COLUMN_TYPE'],
    [{ ...band, as: 'P' }, 'MESHWORK_COLUMN_EXISTS'],
    [{ operation: 'label', column: 'p', as: 'n', labels }, 'MESHWORK_COLUMN_TYPE'],
    [{ operation: 'topK', columns: ['p', 'big'], as: 'n', k: 3 }, 'MESHWORK_POSTPROCESS_OPERATION'],
    [
      { operation: 'argmax', columns: ['p', 'big'], as: 'n', labels: ['a', 'b', 'c'] },
      'MESHWORK_POSTPROCESS_OPERATION',
    ],
    [{ operation: 'argmax', columns: ['p', 'big'], as: 'n', scoreAs: 'N' }, 'MESHWORK_COLUMN_EXISTS'],
    [fit, 'MESHWORK_POSTPROCESS_OPERATION'],
    [{ ...fit, target: 'y' }, 'MESHWORK_POSTPROCESS_NOTHING_TO_FIT'],
    [{ ...fit, column: 'big', target: 'y' }, 'MESHWORK_POSTPROCESS_OPERATION'],
    [{ ...fit, target: 'p' }, 'MESHWORK_EXPRESSION_INVALID'],
    [{ ...fit, target: `read_text('/etc/passwd') = ''` }, 'MESHWORK_EXPRESSION_INVALID'],
    [{ ...fit, target: 'y', where: '(select true)' }, 'MESHWORK_EXPRESSION_INVALID'],
    [{ ...fit, fitted }, 'MESHWORK_POSTPROCESS_FITTED_INVALID'],
    [{ ...fit, fitted, target: 'y' }, 'MESHWORK_POSTPROCESS_OPERATION'],
  ]
  for (const [operation, code] of cases)
    await t.rejects(columnsOf(calls, dataset, operation), { code }, JSON.stringify(operation))
})

t.test('as a service, in a process of its own', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(skewed(1000))
  const service = await startStage(t, stage, new URL('../src/stage.ts', import.meta.url), { store: calls.store })
  const response = await fetch(`${service.url}/v1/postprocess`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      dataset,
      operations: [
        { operation: 'threshold', column: 'p', as: 'risk', thresholds: [0.21], labels: ['on-time', 'at-risk'] },
      ],
    }),
  })
  t.equal(response.status, 200)
  t.match(await response.json(), { rows: 1000, columns: [{ name: 'risk', type: 'string' }], fitted: null })
})
