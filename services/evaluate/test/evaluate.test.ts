import { readFile } from 'node:fs/promises'
import { type EvaluateInput, Evaluation, compile } from '@meshwork/contracts'
import { type DirectCalls, directCalls, startStage } from '@meshwork/kit/testing'
import t, { type Test } from 'tap'
import { stage } from '../src/stage.ts'

// What scikit-learn says of the same data; fixtures/make_scikit.py made it.
const scikit = JSON.parse(await readFile(new URL('./fixtures/scikit.json', import.meta.url), 'utf8')) as {
  twoClasses: {
    data: { truth: boolean; score: number; team: string | null }[]
    threshold: number
    expected: { rows: number; metrics: Figures }
    confusion: number[][]
    roc: [number, number][]
    precisionRecall: [number, number][]
    calibration: [number, number][]
    slices: Record<string, { rows: number; metrics: Figures }>
  }
  manyClasses: { data: object[]; labels: string[]; metrics: Figures; classes: number[][]; confusion: number[][] }
  regression: { data: object[]; metrics: Figures }
}
type Figures = Record<string, number | null>
type Request = Omit<EvaluateInput, 'dataset'>

const literal = (value: unknown): string =>
  value === null
    ? 'NULL'
    : typeof value === 'string'
      ? `'${value.replaceAll("'", "''")}'`
      : typeof value === 'number'
        ? `CAST('${value}' AS DOUBLE)`
        : JSON.stringify(value)

function selectOf(rows: readonly object[]): string {
  const names = Object.keys(rows[0] as object)
  return `SELECT * FROM (VALUES ${rows.map(row => `(${Object.values(row).map(literal).join(', ')})`).join(', ')}) AS v(${names.join(', ')})`
}

function near(
  t: Pick<Test, 'ok' | 'equal' | 'strictSame'>,
  found: Figures | undefined,
  expected: Figures,
  what: string,
): void {
  t.strictSame(Object.keys(found ?? {}).sort(), Object.keys(expected).sort(), `${what}: the metrics`)
  for (const [name, figure] of Object.entries(expected)) {
    const value = found?.[name]
    if (figure === null) t.equal(value, null, `${what}: ${name} is not defined`)
    else
      t.ok(
        Math.abs((value ?? Number.NaN) - figure) <= 1e-12 * Math.max(1, Math.abs(figure)),
        `${what}: ${name} ${value} is ${figure}`,
      )
  }
}

async function judge(calls: DirectCalls, input: EvaluateInput): Promise<Evaluation> {
  const { evaluation } = await calls.call(stage, input)
  const value = JSON.parse(String(await calls.store.read(evaluation.hash))) as Evaluation
  t.strictSame(compile(Evaluation).check(value), [], 'the artefact fits its contract')
  return value
}

t.test('two classes agree with scikit-learn, ties and slices included', async t => {
  const calls = await directCalls(t)
  const { data, threshold, expected, confusion, roc, precisionRecall, calibration, slices } = scikit.twoClasses
  const dataset = await calls.table(selectOf(data), 64)
  const request = {
    dataset,
    task: 'classification',
    target: 'truth',
    score: 'score',
    threshold,
    slices: ['team'],
    calibrationBins: 8,
  } as const
  const found = await judge(calls, { ...request, slices: ['team'] })
  near(t, found.metrics, expected.metrics, 'all rows')
  t.strictSame(found.confusion, { labels: ['false', 'true'], counts: confusion })
  t.equal(found.slices.length, 4)
  for (const { value, rows, metrics } of found.slices) {
    t.equal(rows, slices[value ?? 'None']?.rows)
    near(t, metrics, slices[value ?? 'None']?.metrics as Figures, `team ${value}`)
  }
  t.same(
    found.slices.map(({ rows }) => rows),
    found.slices.map(({ rows }) => rows).sort((a, b) => b - a),
    'the largest slice first',
  )
  near(
    t,
    Object.fromEntries(
      found.calibration?.flatMap(({ predicted, observed }, i) => [
        [`p${i}`, predicted],
        [`o${i}`, observed],
      ]) ?? [],
    ),
    Object.fromEntries(
      calibration.flatMap(([p, o], i) => [
        [`p${i}`, p],
        [`o${i}`, o],
      ]),
    ),
    'calibration',
  )
  const on = (curve: readonly [number, number][]) => (point: { x: number; y: number }) =>
    curve.some(([x, y]) => Math.abs(x - point.x) + Math.abs(y - point.y) < 1e-12)
  t.ok((found.roc?.length ?? 0) > 40 && found.roc?.every(on(roc)), 'every ROC point is one of scikit-learn')
  t.strictSame(
    [found.roc?.[0], found.roc?.at(-1)],
    [
      { x: 0, y: 0 },
      { x: 1, y: 1 },
    ],
  )
  t.ok(
    (found.precisionRecall?.length ?? 0) > 40 && found.precisionRecall?.every(on(precisionRecall)),
    'every PR point is one of scikit-learn',
  )
  t.ok(
    found.precisionRecall?.every(({ x, y }) =>
      precisionRecall.every(([recall, best]) => recall !== x || best <= y + 1e-12),
    ),
    'each PR point is the best one of its recall',
  )
  const whole = await judge(calls, { ...request, slices: ['team'], dataset: await calls.table(selectOf(data)) })
  t.strictSame(whole, found, 'how a dataset is cut into parts changes nothing')
})

t.test('labels, 0 and 1, and predictions say the same as booleans and scores', async t => {
  const calls = await directCalls(t)
  const { data, threshold, expected } = scikit.twoClasses
  const dataset = await calls.table(`SELECT truth, score, truth::INTEGER AS digit, score >= ${threshold} AS said,
    CASE WHEN truth THEN 'late' ELSE 'on time' END AS label, CASE WHEN score >= ${threshold} THEN 'late' ELSE 'early' END AS guess FROM (${selectOf(data)})`)
  const { rocAuc: _r, prAuc: _p, logLoss: _l, brier: _b, ...counted } = expected.metrics
  const task = 'classification'
  const same: Request[] = [
    { task, target: 'digit', score: 'score' },
    { task, target: 'truth', score: 'score', prediction: 'said' },
    { task, target: 'label', positive: 'late', prediction: 'guess', score: 'score' },
  ]
  for (const request of same)
    near(t, (await judge(calls, { dataset, ...request })).metrics, expected.metrics, JSON.stringify(request))
  const unscored = await judge(calls, { dataset, task, target: 'label', positive: 'late', prediction: 'guess' })
  near(t, unscored.metrics, counted, 'without a score')
  t.strictSame([unscored.roc, unscored.calibration, unscored.confusion?.labels], [null, null, ['not late', 'late']])
})

t.test('more than two classes agree with scikit-learn', async t => {
  const calls = await directCalls(t)
  const { data, labels, metrics, classes, confusion } = scikit.manyClasses
  const dataset = await calls.table(selectOf(data), 100)
  const scores = Object.fromEntries(labels.map(label => [label, `p_${label}`]))
  for (const prediction of ['said', undefined]) {
    const found = await judge(calls, {
      dataset,
      task: 'classification',
      target: 'truth',
      scores,
      slices: ['truth'],
      ...(prediction ? { prediction } : {}),
    })
    near(t, found.metrics, metrics, `prediction ${prediction}`)
    t.strictSame(found.confusion, { labels, counts: confusion })
    labels.forEach((label, i) => {
      const [precision = 0, recall = 0, f1 = 0, rows = 0] = classes[i] ?? []
      near(t, found.classes?.[label], { precision, recall, f1, rows }, label)
    })
    t.equal(
      found.slices.reduce((sum, { rows }) => sum + rows, 0),
      300,
    )
  }
})

t.test('regression agrees with scikit-learn; zeros are left out of mape and counted', async t => {
  const calls = await directCalls(t)
  const { data, metrics } = scikit.regression
  const dataset = await calls.table(`${selectOf(data)} UNION ALL SELECT NULL, 3.0 UNION ALL SELECT 1.0, 'nan'::DOUBLE`)
  const found = await judge(calls, {
    dataset,
    task: 'regression',
    target: 'target',
    prediction: 'guess',
    slices: [{ expression: 'target > 5', as: 'large' }],
  })
  near(t, found.metrics, metrics, 'all rows')
  t.strictSame([found.rows, found.skipped], [250, 2], 'nulls and NaN are skipped and counted')
  t.strictSame(
    found.slices.map(({ by, value }) => `${by} ${value}`),
    ['large false', 'large true'],
  )
})

t.test('what is not defined is null, not zero', async t => {
  const calls = await directCalls(t)
  const empty = await calls.table('SELECT true AS y, 0.5::FLOAT AS p, 1.0 AS v WHERE false')
  const one = await calls.table('SELECT true AS y, 0.25::FLOAT AS p, 7.0 AS v')
  const nulls = await calls.table('SELECT NULL::BOOLEAN AS y, NULL::FLOAT AS p, NULL::DOUBLE AS v FROM range(9)')
  for (const dataset of [empty, nulls]) {
    const found = await judge(calls, { dataset, task: 'classification', target: 'y', score: 'p', slices: ['v'] })
    t.equal(found.rows, 0)
    t.equal(found.skipped, dataset.rows)
    t.ok(Object.values(found.metrics).every(figure => figure === null))
    const regression = await judge(calls, { dataset, task: 'regression', target: 'v', prediction: 'p' })
    t.equal(regression.metrics['mae'], null)
    const many = await judge(calls, {
      dataset,
      task: 'classification',
      target: "CASE WHEN y THEN 'a' ELSE 'b' END",
      prediction: 'CAST(v AS VARCHAR)',
    })
    t.equal(many.metrics['accuracy'], null)
  }
  const single = await judge(calls, { dataset: one, task: 'classification', target: 'y', score: 'p' })
  t.match(single.metrics, {
    rocAuc: null,
    precision: null,
    recall: 0,
    f1: 0,
    accuracy: 0,
    baseRate: 1,
    prAuc: 1,
    logLoss: Math.log(4),
  })
  t.equal(single.roc, null)
  const constant = await judge(calls, { dataset: one, task: 'regression', target: 'v', prediction: 'v' })
  t.match(constant.metrics, { r2: null, mae: 0, rmse: 0 })
})

t.test('a probability of 0 or 1 that is wrong costs -ln(1e-15), not infinity', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table('SELECT true AS y, 0.0 AS p UNION ALL SELECT true, 1.0')
  const { metrics } = await judge(calls, { dataset, task: 'classification', target: 'y', score: 'p' })
  t.ok(Math.abs((metrics['logLoss'] ?? 0) - (-Math.log(1e-15) - Math.log(1 - 1e-15)) / 2) < 1e-12)
})

t.test('slices: the largest by rows, null is one of them, equal sizes in order of value', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    "SELECT i % 2 = 0 AS y, (i % 10) / 10.0 AS p, CASE WHEN i < 60 THEN NULL ELSE 'g' || (i % 7) END AS g FROM range(200) r(i)",
    50,
  )
  const found = await judge(calls, {
    dataset,
    task: 'classification',
    target: 'y',
    score: 'p',
    slices: ['g'],
    slicesMax: 3,
  })
  t.strictSame(
    found.slices.map(({ value, rows }) => [value, rows]),
    [
      [null, 60],
      ['g0', 20],
      ['g1', 20],
    ],
  )
  t.equal(found.rows, 200, 'rows of slices that are not shown still count')
})

t.test('all broken gates are told at once, and the evaluation is kept', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(selectOf(scikit.twoClasses.data))
  const request = { dataset, task: 'classification', target: 'truth', score: 'score', slices: ['team'] } as const
  const error = (await calls
    .call(stage, {
      ...request,
      slices: ['team'],
      gates: [
        { metric: 'rocAuc', min: 0.99 },
        { metric: 'brier', max: 0.5 },
        { metric: 'accuracy', min: 0.1, max: 0.3 },
        { metric: 'recall', min: 0.9, everySlice: true },
      ],
    })
    .catch((failure: unknown) => failure)) as {
    code: string
    message: string
    errors: { pointer: string; detail: string }[]
  }
  t.equal(error.code, 'MESHWORK_EVALUATE_GATE')
  t.match(error.message, /rocAuc is 0\.\d+, must be at least 0\.99/)
  t.match(error.message, /accuracy is 0\.\d+, must be at least 0\.1 and at most 0\.3/)
  t.match(error.message, /recall of team = \(null\) is 0\.\d+, must be at least 0\.9/)
  t.strictSame([...new Set(error.errors.map(({ pointer }) => pointer))], ['/gates/0', '/gates/2', '/gates/3'])
  const hash = /artefact ([0-9a-f]{64})/.exec(error.message)?.[1] ?? ''
  const kept = JSON.parse(String(await calls.store.read(hash))) as Evaluation
  t.strictSame(compile(Evaluation).check(kept), [])
  t.equal(kept.gates.filter(({ passed }) => !passed).length, error.errors.length)
  t.ok(kept.gates.some(({ metric, passed }) => metric === 'brier' && passed))
  const { passed } = await calls.call(stage, { ...request, slices: ['team'], gates: [{ metric: 'rocAuc', min: 0.5 }] })
  t.equal(passed, true)
  const single = await calls.table('SELECT true AS y, 0.7 AS p')
  t.match(
    await calls
      .call(stage, {
        dataset: single,
        task: 'classification',
        target: 'y',
        score: 'p',
        gates: [{ metric: 'rocAuc', min: 0.5 }],
      })
      .catch((failure: unknown) => failure),
    { code: 'MESHWORK_EVALUATE_GATE', message: /rocAuc is not defined/ },
  )
})

t.test('every wrong request has its code, and names what is wrong', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    'SELECT i % 2 = 0 AS y, i / 10.0 AS p, i AS n, \'c\' || i AS label, \'x\' AS "odd ""name"" é" FROM range(300) r(i)',
  )
  const task = 'classification'
  const cases: [code: string, request: Request, words: RegExp][] = [
    ['MESHWORK_COLUMN_MISSING', { task, target: 'yy', score: 'p' }, /target.*did you mean "y"/],
    ['MESHWORK_COLUMN_MISSING', { task, target: 'y', score: 'p', slices: ['lable'] }, /did you mean "label"/],
    ['MESHWORK_COLUMN_MISSING', { task, target: 'label', scores: { a: 'pa', b: 'p' } }, /class "a"/],
    ['MESHWORK_EVALUATE_REQUEST', { task, target: 'y' }, /needs? "score" or "prediction"|need "score"/],
    ['MESHWORK_EVALUATE_REQUEST', { task: 'regression', target: 'n' }, /needs "prediction"/],
    ['MESHWORK_EVALUATE_REQUEST', { task: 'regression', target: 'label', prediction: 'n' }, /target must be a number/],
    [
      'MESHWORK_EVALUATE_REQUEST',
      { task: 'regression', target: 'n', prediction: 'n', score: 'p' },
      /"score" is for classification/,
    ],
    ['MESHWORK_EVALUATE_REQUEST', { task, target: 'y', score: 'label' }, /score must be a number/],
    ['MESHWORK_EVALUATE_REQUEST', { task, target: 'y', prediction: 'y', threshold: 0.5 }, /threshold/],
    ['MESHWORK_EVALUATE_REQUEST', { task, target: 'label', score: 'p/30' }, /say with "positive"/],
    [
      'MESHWORK_EVALUATE_REQUEST',
      { task, target: 'y', prediction: 'y', gates: [{ metric: 'rocAuc', min: 0.5 }] },
      /can never hold/,
    ],
    ['MESHWORK_EVALUATE_REQUEST', { task, target: 'y', prediction: 'y', gates: [{ metric: 'f1' }] }, /neither/],
    [
      'MESHWORK_EVALUATE_REQUEST',
      { task, target: 'y', prediction: 'y', slices: ['n', { expression: 'n + 1', as: 'n' }] },
      /"n"/,
    ],
    ['MESHWORK_EVALUATE_LABELS', { task, target: 'n', score: 'p / 30' }, /neither 0 nor 1/],
    ['MESHWORK_EVALUATE_LABELS', { task, target: 'label', prediction: 'label' }, /more than 256/],
    [
      'MESHWORK_EVALUATE_LABELS',
      { task, target: "'b'", scores: { a: 'p', c: 'p' }, where: 'p <= 1' },
      /class "b" has no entry/,
    ],
    ['MESHWORK_EVALUATE_SCORE_RANGE', { task, target: 'y', score: 'p' }, /289 rows.*smallest 1\.1, largest 29\.9/],
    ['MESHWORK_EXPRESSION_INVALID', { task, target: 'y', score: 'p', where: 'n' }, /condition/],
    [
      'MESHWORK_EXPRESSION_INVALID',
      { task, target: "len(read_text('/etc/passwd')) > 0", score: 'p' },
      /allowed functions/,
    ],
  ]
  for (const [code, request, words] of cases)
    t.match(
      await calls.call(stage, { dataset, ...request }).catch((error: unknown) => error),
      { code, message: words },
      JSON.stringify(request),
    )
  const odd = await judge(calls, { dataset, task, target: 'y', score: 'p / 30', slices: ['odd "name" é'] })
  t.strictSame(
    odd.slices.map(({ by, value, rows }) => [by, value, rows]),
    [['odd "name" é', 'x', 300]],
  )
})

t.test('over HTTP a broken gate is a problem with a pointer for each gate', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(selectOf(scikit.twoClasses.data))
  const { url } = await startStage(t, stage, new URL('../src/stage.ts', import.meta.url), { store: calls.store })
  const answer = await fetch(`${url}/v1/evaluate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      dataset,
      task: 'classification',
      target: 'truth',
      score: 'score',
      gates: [{ metric: 'f1', min: 1 }],
    }),
  })
  t.equal(answer.status, 422)
  t.match(await answer.json(), { code: 'MESHWORK_EVALUATE_GATE', retryable: false, errors: [{ pointer: '/gates/0' }] })
})
