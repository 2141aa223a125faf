import { readFile } from 'node:fs/promises'
import type { Evaluation, ReportInput, RunContext } from '@meshwork/contracts'
import { type DirectCalls, directCalls, startStage } from '@meshwork/kit/testing'
import t from 'tap'
import { contentSecurityPolicy } from '../src/html/page.ts'
import { stage } from '../src/stage.ts'

const hash = (digit: string) => digit.repeat(64)
const attack = `</title><script>alert(1)</script>"'><img src=x onerror=alert(2)>&amp;`

const judged: Evaluation = {
  schema: 'meshwork.evaluation/1',
  task: 'classification',
  judged: {
    target: 'delayed',
    prediction: null,
    score: 'probability',
    positive: null,
    threshold: 0.25,
    where: "date >= '2001-06-01'",
  },
  rows: 12345,
  skipped: 2,
  metrics: {
    accuracy: 0.8,
    precision: 0.5,
    recall: 0.25,
    f1: 1 / 3,
    rocAuc: 0.71,
    prAuc: 0.4,
    logLoss: 0.45,
    brier: 0.14,
    baseRate: 0.2,
  },
  confusion: {
    labels: ['false', 'true'],
    counts: [
      [9000, 876],
      [1852, 617],
    ],
  },
  classes: null,
  calibration: [{ from: 0.1, to: 0.2, rows: 9, predicted: 0.15, observed: 0.2 }],
  roc: [
    { x: 0, y: 0 },
    { x: 0.2, y: 0.6 },
    { x: 1, y: 1 },
  ],
  precisionRecall: [
    { x: 0.1, y: 0.9 },
    { x: 1, y: 0.2 },
  ],
  slices: [
    {
      by: 'origin',
      value: 'GOOD',
      rows: 9000,
      metrics: { rocAuc: 0.9, accuracy: 0.9, precision: 0.9, recall: 0.9, logLoss: 0.2, baseRate: 0.2 },
    },
    {
      by: 'origin',
      value: null,
      rows: 3000,
      metrics: { rocAuc: null, accuracy: 0.9, precision: null, recall: 0, logLoss: 0.2, baseRate: 0 },
    },
    {
      by: 'origin',
      value: 'WORST',
      rows: 345,
      metrics: { rocAuc: 0.51, accuracy: 0.9, precision: 0.9, recall: 0.9, logLoss: 0.2, baseRate: 0.2 },
    },
  ],
  gates: [
    { metric: 'rocAuc', slice: null, value: 0.71, min: 0.6, max: null, passed: true },
    { metric: 'brier', slice: null, value: 0.14, min: null, max: 0.1, passed: false },
  ],
}
const run: RunContext = {
  id: 'run-1',
  workflow: 'flight-delays',
  version: 3,
  startedAt: '2026-11-23T04:52:11.482Z',
  params: { model: 'flight-delay', source: { kind: 'artefact', hash: hash('a'), name: 'flights.csv' } },
  steps: [
    {
      name: 'ingest',
      stage: 'ingest@1',
      version: '1.2.0',
      rows: 3_000_000,
      seconds: 1.25,
      inputHash: hash('b'),
      outputHash: hash('c'),
    },
  ],
}

async function evaluationOf(calls: DirectCalls, value: unknown) {
  const stored = await calls.store.put(JSON.stringify(value))
  return { kind: 'artefact' as const, ...stored, mediaType: 'application/json' }
}

async function made(calls: DirectCalls, input: ReportInput): Promise<{ page: string; json: Record<string, unknown> }> {
  const { report, json } = await calls.call(stage, input)
  return {
    page: String(await calls.store.read(report.hash)),
    json: JSON.parse(String(await calls.store.read(json.hash))) as Record<string, unknown>,
  }
}

const table = `SELECT i AS id, i * 1.5 AS price, 'name ' || i AS name, i % 3 = 0 AS odd, CASE WHEN i % 4 > 0 THEN i END AS gap,
  TIMESTAMP '2001-01-01' + to_hours(CAST(i AS BIGINT)) AS at FROM range(100) r(i)`

t.test('the page is one file that needs no network and no script', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(table)
  const evaluation = await evaluationOf(calls, judged)
  const { page } = await made(calls, {
    title: 'Flights',
    sections: [
      { title: 'Judgement', evaluation },
      {
        title: 'Data',
        dataset,
        charts: [
          { type: 'bar', x: 'name', y: ['price', 'gap'] },
          { type: 'line', x: 'at', y: ['price'] },
          { type: 'scatter', x: 'id', y: ['price'] },
          { type: 'histogram', x: 'price' },
        ],
      },
    ],
    provenance: run,
  })
  t.match(page, `content="${contentSecurityPolicy}"`)
  t.notMatch(page, /<script|<link|<img|<iframe|<object|@import|url\((?!#)|\ssrc=|\shref=|\son[a-z]+=/i)
  t.strictSame(
    [...page.matchAll(/https?:\/\/[^"'\s<]*/g)].map(([address]) => address),
    [],
    'no address, not even of a namespace',
  )
  const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id)
  t.equal(new Set(ids).size, ids.length, 'identifiers are unique on the page')
  for (const [, id] of page.matchAll(/url\(#([^)]+)\)/g)) t.ok(ids.includes(id), `${id} is defined`)
  const charts = [...page.matchAll(/<svg [^>]*>/g)].map(([tag]) => tag)
  t.equal(charts.length, 7)
  t.ok(
    charts.every(tag => /role="img" aria-label="[^"]{10,}"/.test(tag)),
    'every chart says in words what it shows',
  )
  t.equal([...page.matchAll(/<table/g)].length, [...page.matchAll(/<caption>/g)].length, 'every table has a caption')
})

t.test('nothing a user supplies becomes markup', async t => {
  const calls = await directCalls(t)
  const column = attack.slice(0, 100).replaceAll('"', '""')
  const dataset = await calls.table(`SELECT '${attack.replaceAll("'", "''")}' AS "${column}", 1 AS n`)
  const name = attack.slice(0, 100)
  const evaluation = await evaluationOf(calls, {
    ...judged,
    judged: { ...judged.judged, target: attack, score: attack, where: attack, positive: attack },
    confusion: {
      labels: [attack, attack],
      counts: [
        [1, 2],
        [3, 4],
      ],
    },
    slices: [{ by: attack, value: attack, rows: 1, metrics: {} }],
    gates: [{ metric: attack, slice: attack, value: 0, min: 0, max: null, passed: true }],
  })
  const many = await evaluationOf(calls, {
    ...judged,
    classes: { [attack]: {} },
    metrics: { [attack]: 1, accuracy: 1 },
  })
  const { page } = await made(calls, {
    title: attack,
    summary: attack,
    figures: [{ label: attack.slice(0, 60), value: attack.slice(0, 60), note: attack }],
    sections: [
      {
        title: attack,
        text: attack,
        dataset,
        charts: [
          { type: 'bar', x: name, y: ['n'], title: attack },
          { type: 'bar', x: name, y: ['n'], horizontal: true },
          { type: 'histogram', x: 'n', title: attack },
        ],
      },
      { title: 'a', evaluation },
      { title: 'b', evaluation: many },
    ],
    provenance: {
      ...run,
      id: attack.slice(0, 64),
      workflow: attack.slice(0, 64),
      params: { [attack]: attack, other: [attack], ref: { hash: attack, kind: attack, name: attack } },
      steps: [
        { ...run.steps[0]!, name: attack.slice(0, 64), stage: attack.slice(0, 64), version: attack.slice(0, 64) },
      ],
    },
    exports: { [attack.replaceAll('/', '').slice(0, 60)]: { dataset, format: 'csv' } },
  })
  t.notMatch(page, /<script|<img/i)
  t.ok([...page.matchAll(/&(?:#60|lt);script/g)].length > 20, 'it is all there, as text')
  const tags = new Set([...page.matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, tag]) => tag?.toLowerCase()))
  const known =
    'html head meta title style body header p h1 h2 h3 dl div dt dd small ol li b span main section table caption thead tbody tr th td time figure figcaption svg g path rect text defs clippath tspan footer'.split(
      ' ',
    )
  t.strictSame(
    [...tags].filter(tag => !known.includes(tag ?? '')),
    [],
  )
})

t.test('the key figures and where they came from stand before everything else', async t => {
  const calls = await directCalls(t)
  const evaluation = await evaluationOf(calls, judged)
  const { page, json } = await made(calls, {
    title: 'Flights',
    summary: 'Of what.\n\nAnd more.',
    figures: [{ label: 'Flights', value: 3_000_000 }],
    sections: [{ title: 'Judgement', evaluation }],
    provenance: run,
  })
  const head = page.slice(page.indexOf('<header>'), page.indexOf('</header>'))
  for (const words of [
    'flight-delays, version 3',
    'run-1',
    '2026-11-23 04:52:11 UTC',
    '<h1>Flights</h1>',
    'Of what.</p>',
    '3,000,000',
    '12,345',
    'ROC AUC',
    '0.7100',
    '25.0 %',
    '50.0 %',
    '1 of 2',
    '<b>ingest</b>',
  ])
    t.match(head, words)
  t.match(
    page,
    'Called positive from a score of 0.25 on, it finds 25.0 % of the positives, and 50.0 % of its calls are right.',
  )
  t.match(page, `title="${hash('c')}">${'c'.repeat(10)}<`, 'hashes are short, and whole in the title')
  t.match(page, /<td class="bad">✗ no<\/td>/)
  const slices = [...page.slice(page.indexOf('By origin')).matchAll(/<th scope="row">(.*?)<\/th>/g)]
    .slice(0, 4)
    .map(([, value]) => value)
  t.strictSame(slices, ['WORST', 'GOOD', '<span class="null">null</span>', 'all rows'], 'worst first, undefined last')
  t.match(json, {
    schema: 'meshwork.report/1',
    title: 'Flights',
    provenance: { id: 'run-1' },
    sections: [{ evaluation: { rows: 12345 } }],
  })
})

t.test('tables show nulls, align numbers and say what is not shown', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT * FROM (VALUES (1::BIGINT, 1234567.5, NULL, 'a', 2001), (9223372036854775807, 0.25, 'nan'::DOUBLE, NULL, 1999)) v(big, price, odd, name, year)`,
  )
  const { page, json } = await made(calls, {
    title: 'T',
    sections: [
      { title: 'all', dataset, limit: 1 },
      { title: 'some', dataset, columns: ['odd', 'big'], where: 'name IS NULL' },
    ],
  })
  t.match(page, 'The first 1 of 2 rows.')
  t.match(page, '<td class="n" title="1234567.5">1,234,568</td>')
  t.match(page, '<td class="n">2001</td>', 'years are not grouped')
  t.match(page, '<td class="n"><span class="null">null</span></td>')
  t.match(page, '9223372036854775807', 'integers that JavaScript cannot hold are exact')
  t.match(page, '<td class="n">nan</td>')
  t.match(json, {
    sections: [
      { table: { totalRows: 2, rows: [[1, 1234567.5, null, 'a', 2001]] } },
      { table: { totalRows: 1, columns: [{ name: 'odd' }, { name: 'big' }] } },
    ],
  })
})

t.test('long texts are cut in tables, and a timestamp shows no seconds where there are none', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    "SELECT string_agg('é', '') AS s, TIMESTAMP '2001-02-03 04:05:00' AS at, 'ab'::BLOB AS b FROM range(900)",
  )
  const { page, json } = await made(calls, { title: 'T', sections: [{ title: 'a', dataset }] })
  t.match(json, { sections: [{ table: { rows: [[`${'é'.repeat(300)}…`, '2001-02-03 04:05:00', '2 bytes']] } }] })
  t.match(page, '<td>2001-02-03 04:05</td>')
})

t.test('orderBy decides which rows are shown, also by a column that is not', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table('SELECT i, CASE WHEN i % 2 = 0 THEN i * 7 % 10 END AS v FROM range(10) r(i)', 4)
  const { json } = await made(calls, {
    title: 'T',
    sections: [{ title: 'a', dataset, columns: ['i'], orderBy: [{ column: 'v', direction: 'descending' }], limit: 2 }],
  })
  t.match(json, { sections: [{ table: { totalRows: 10, rows: [[4], [8]] } }] })
})

t.test('charts draw a bounded number of points of any number of rows', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    "SELECT i, i % 97 AS v, CASE WHEN i % 10 = 0 THEN 'nan'::DOUBLE ELSE i / 7 END AS f, TIMESTAMP '2001-01-01' + to_minutes(i) AS at, i > 5000 AS flag, 'n' || i AS s FROM range(10000) r(i)",
    3000,
  )
  const { json } = await made(calls, {
    title: 'T',
    sections: [
      {
        title: 'all',
        dataset,
        limit: 0,
        charts: [
          { type: 'line', x: 'at', y: ['v', 'flag'] },
          { type: 'scatter', x: 'i', y: ['f'] },
          { type: 'bar', x: 's', y: ['v'] },
          { type: 'histogram', x: 'f', bins: 7 },
          { type: 'line', x: 's', y: ['v'] },
        ],
      },
    ],
  })
  const [section] = json['sections'] as {
    charts: { x: unknown[]; note: string | null; series: { values: (number | null)[] }[] }[]
    table: unknown
  }[]
  const [line, scatter, bar, histogram, words] = section?.charts ?? []
  t.equal(section?.table, null)
  t.equal(line?.x.length, 600)
  t.ok(
    Math.abs((line?.series[1]?.values.reduce((a: number, b) => a + (b ?? 0), 0) ?? 0) - 300) < 3,
    'a boolean is drawn as its share',
  )
  t.equal(scatter?.x.length, 2000)
  t.equal(scatter?.series[0]?.values[0], null, 'NaN is a gap')
  t.equal(bar?.x.length, 60)
  t.equal(
    histogram?.series[0]?.values.reduce((a: number, b) => a + (b ?? 0), 0),
    9000,
  )
  t.match(histogram?.note, '1,000 rows without a number')
  t.equal(words?.x.length, 600)
  for (const chart of [line, scatter, bar, words]) t.match(chart?.note, /10,000 rows/)
})

t.test('no rows, one row, nulls only: a page all the same', async t => {
  const calls = await directCalls(t)
  const charts: ReportInput['sections'][number]['charts'] = [
    { type: 'bar', x: 's', y: ['n'] },
    { type: 'line', x: 'n', y: ['n'] },
    { type: 'scatter', x: 'n', y: ['n'] },
    { type: 'histogram', x: 'n' },
  ]
  for (const select of [
    'SELECT 1 AS n, NULL::VARCHAR AS s WHERE false',
    "SELECT 1 AS n, 'x' AS s",
    'SELECT NULL::DOUBLE AS n, NULL::VARCHAR AS s FROM range(5)',
  ]) {
    const { page } = await made(calls, {
      title: 'T',
      sections: [{ title: 'all', dataset: await calls.table(select), charts }],
    })
    t.match(page, '</html>')
    t.notMatch(page, /NaN|undefined|Infinity/)
  }
  const none = await evaluationOf(calls, {
    ...judged,
    rows: 0,
    metrics: { accuracy: null, rocAuc: null, baseRate: null },
    confusion: {
      labels: ['false', 'true'],
      counts: [
        [0, 0],
        [0, 0],
      ],
    },
    roc: null,
    precisionRecall: null,
    calibration: [],
    slices: [],
    gates: [],
  })
  t.match(
    (await made(calls, { title: 'T', sections: [{ title: 'e', evaluation: none }] })).page,
    'There was nothing to judge.',
  )
})

t.test('regression and many classes have their own figures', async t => {
  const calls = await directCalls(t)
  const bare = { ...judged, confusion: null, calibration: null, roc: null, precisionRecall: null, gates: [] }
  const regression = await evaluationOf(calls, {
    ...bare,
    task: 'regression',
    metrics: { mae: 12.5, rmse: 20, r2: 0.4, mape: 0.1, meanError: -0.5, mapeLeftOut: 3 },
    slices: [{ by: 'o', value: 'x', rows: 1, metrics: { mae: 1 } }],
  })
  const many = await evaluationOf(calls, {
    ...bare,
    metrics: { accuracy: 0.9, f1: 0.8 },
    confusion: {
      labels: ['a', 'b', 'c'],
      counts: [
        [5, 0, 0],
        [1, 3, 0],
        [0, 0, 0],
      ],
    },
    classes: { a: { rows: 5, precision: 0.8, recall: 1, f1: 0.9 } },
    slices: [],
  })
  const { page } = await made(calls, {
    title: 'T',
    sections: [
      { title: 'r', evaluation: regression },
      { title: 'm', evaluation: many },
    ],
  })
  for (const words of [
    'On average it is off by 12.50',
    '−0.5000',
    'It is right in 90.0 % of them.',
    'By class',
    'Mean error',
  ])
    t.match(page, words)
})

t.test('the same input gives the same bytes, however often and whatever was drawn before', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(table)
  const input: ReportInput = {
    title: 'T',
    sections: [{ title: 'a', dataset, charts: [{ type: 'line', x: 'at', y: ['price', 'gap'] }] }],
    exports: { 'a.csv': { dataset, format: 'csv' } },
  }
  const first = await calls.call(stage, input)
  await calls.call(stage, { ...input, title: 'another' })
  t.strictSame(await calls.call(stage, input), first)
})

t.test('exports are whole files in the asked format', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table('SELECT i AS n, \'ä,"b"\' AS s FROM range(2500) r(i)', 1000)
  const { exports } = await calls.call(stage, {
    title: 'T',
    sections: [{ title: 'a' }],
    exports: {
      'a.csv': { dataset, format: 'csv' },
      'a.json': { dataset, format: 'json' },
      'a.parquet': { dataset, format: 'parquet' },
    },
  })
  const read = async (name: string) => await readFile(await calls.store.localPath(exports[name]?.hash ?? ''))
  t.match(String(await read('a.csv')), /^n,s\n0,"ä,""b"""\n/)
  t.equal(
    String(await read('a.csv'))
      .trimEnd()
      .split('\n').length,
    2501,
  )
  t.equal((JSON.parse(String(await read('a.json'))) as unknown[]).length, 2500)
  t.equal((await read('a.parquet')).subarray(0, 4).toString(), 'PAR1')
  t.match(exports, { 'a.csv': { mediaType: 'text/csv', name: 'a.csv' } })
})

t.test('every wrong request has its code, and names what is wrong', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(table)
  const wide = await calls.table(
    `SELECT ${Array.from({ length: 1000 }, (_, i) => `i AS c${i}`).join(', ')} FROM range(1000) r(i)`,
  )
  const text = await evaluationOf(calls, { schema: 'something else' })
  type Sections = ReportInput['sections']
  const cases: [code: string, sections: Sections, words: RegExp][] = [
    ['MESHWORK_COLUMN_MISSING', [{ title: 'A', dataset, columns: ['nam'] }], /Section "A".*did you mean "name"/],
    ['MESHWORK_COLUMN_MISSING', [{ title: 'A', dataset, charts: [{ type: 'bar', x: 'nam', y: ['id'] }] }], /chart/],
    ['MESHWORK_COLUMN_MISSING', [{ title: 'A', dataset, orderBy: [{ column: 'ids' }] }], /orderBy.*did you mean "id"/],
    ['MESHWORK_COLUMN_MISSING', [{ title: 'A', dataset, where: 'prize > 1' }], /did you mean "price"/],
    ['MESHWORK_EXPRESSION_INVALID', [{ title: 'A', dataset, where: 'id' }], /condition/],
    [
      'MESHWORK_EXPRESSION_INVALID',
      [{ title: 'A', dataset, where: "len(read_text('/etc/passwd')) > 0" }],
      /allowed functions/,
    ],
    ['MESHWORK_REPORT_SECTION', [{ title: 'A', dataset, charts: [{ type: 'bar', x: 'name' }] }], /needs "y"/],
    [
      'MESHWORK_REPORT_SECTION',
      [{ title: 'A', dataset, charts: [{ type: 'bar', x: 'id', y: ['name'] }] }],
      /"name" is string/,
    ],
    [
      'MESHWORK_REPORT_SECTION',
      [{ title: 'A', dataset, charts: [{ type: 'scatter', x: 'name', y: ['id'] }] }],
      /scatter/,
    ],
    [
      'MESHWORK_REPORT_SECTION',
      [{ title: 'A', dataset, charts: [{ type: 'histogram', x: 'name' }] }],
      /histogram must be numbers/,
    ],
    [
      'MESHWORK_REPORT_SECTION',
      [{ title: 'A', dataset, charts: [{ type: 'histogram', x: 'id', y: ['id'] }] }],
      /takes no "y"/,
    ],
    ['MESHWORK_REPORT_SECTION', [{ title: 'A', limit: 3 }], /"limit" needs "dataset"/],
    ['MESHWORK_REPORT_EVALUATION', [{ title: 'A', evaluation: text }], /not an evaluation/],
    ['MESHWORK_ARTEFACT_MISSING', [{ title: 'A', evaluation: { ...text, hash: hash('d') } }], /not in the store/],
    [
      'MESHWORK_REPORT_TOO_LARGE',
      [
        { title: 'A', dataset: wide, limit: 1000 },
        { title: 'B', dataset: wide, limit: 1000 },
      ],
      /128000 cells/,
    ],
  ]
  for (const [code, sections, words] of cases)
    t.match(
      await calls.call(stage, { title: 'T', sections }).catch((error: unknown) => error),
      { code, message: words },
      JSON.stringify(sections).slice(-120),
    )
  const { page } = await made(calls, { title: 'T', sections: [{ title: 'A', dataset: wide }] })
  t.match(page, '936 more columns are not shown')
})

t.test('over HTTP a report is a reference, and a bad file name is refused', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(table)
  const { url } = await startStage(t, stage, new URL('../src/stage.ts', import.meta.url), { store: calls.store })
  const post = async (body: unknown) =>
    await fetch(`${url}/v1/report`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const good = await post({ title: 'T', sections: [{ title: 'A', dataset }] })
  t.equal(good.status, 200)
  t.match(await good.json(), { report: { mediaType: 'text/html', name: 'report.html' }, sections: 1 })
  const bad = await post({
    title: 'T',
    sections: [{ title: 'A' }],
    exports: { '../x.csv': { dataset, format: 'csv' } },
  })
  t.equal(bad.status, 400)
})

t.test('drift is told feature by feature, and what is no report of drift is refused', async t => {
  const calls = await directCalls(t)
  const bins = [
    { bin: `≤ 1 ${attack}`, share: 0.9, reference: 0.5 },
    { bin: '> 1', share: 0.1, reference: 0.5 },
  ]
  const feature = { rows: 900, threshold: 0.1, pValue: 0.001, ks: 0.4, missing: 0.25, unseen: 0, bins }
  const report = {
    schema: 'meshwork.drift/1',
    model: 'delays',
    version: 3,
    rows: 900,
    referenceRows: 50_000,
    verdict: 'drifted',
    drifted: [attack],
    features: [
      { ...feature, name: attack, side: 'input', verdict: 'drifted', psi: 0.879 },
      { ...feature, name: 'answer', side: 'output', verdict: 'steady', psi: 0.01 },
    ],
  }
  const put = async (value: unknown) => ({
    kind: 'artefact' as const,
    ...(await calls.store.put(JSON.stringify(value))),
    mediaType: 'application/json',
  })
  const told = async (value: unknown) =>
    await calls.call(stage, { title: 'Drift', sections: [{ title: 'Moved?', drift: await put(value) }] })
  const page = String(await calls.store.read((await told(report)).report.hash))
  t.match(page, /1 of 2 features have moved since delays was trained/)
  t.match(page, /<td class="n">0\.879<\/td><td class="n">0\.100<\/td><td class="n">25\.0 %<\/td>/)
  t.match(page, /✗ no/)
  t.match(page, /✓ yes/)
  t.notMatch(page, /<script/)
  for (const verdict of ['steady', 'too-few'])
    t.match(
      String(await calls.store.read((await told({ ...report, verdict, drifted: [] })).report.hash)),
      verdict === 'steady' ? /lie as they did in training/ : /too few rows to say/,
    )
  await t.rejects(told({ ...report, verdict: 'maybe' }), { code: 'MESHWORK_REPORT_DRIFT', message: /verdict/ })
  const none = await calls.call(stage, { title: 'Drift', sections: [{ title: 'Moved?', drift: null }] })
  t.equal(none.sections, 1)
})
