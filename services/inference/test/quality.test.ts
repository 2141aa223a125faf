// Labels that arrive later: what they may be, what follows from them, and the model that made the predictions.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ModelManifest } from '@meshwork/contracts'
import fc from 'fast-check'
import t from 'tap'
import { QualityBook } from '../src/quality/book.ts'
import { Predictions } from '../src/quality/memory.ts'
import { QualityMonitor } from '../src/quality/monitor.ts'
import { type QualityTask, readLabel, taskOf } from '../src/quality/task.ts'
import { QualityTally } from '../src/quality/tally.ts'
import { float, type Publication, publish } from './repository-folder.ts'
import { serve, type Server } from './serving.ts'

const output = (shape: number[], more: object = {}) => ({ name: 'y', type: 'float32', shape, ...more })
const manifest = (outputs: object[], more: object = {}) => ({ outputs, ...more }) as unknown as ModelManifest
const task = (outputs: object[], more: object = {}): QualityTask => {
  const found = taskOf(manifest(outputs, more))
  if (typeof found === 'string') throw new Error(found)
  return found
}
const binary = task([output([-1, 1])], { quality: { output: 'y', task: 'binary' } })
const regression = task([output([-1, 1])])
const colours = task([output([-1, 3], { labels: ['red', 'green', 'blue'] })])
const settings = { windowLabels: 10, windowMs: 1000 }

t.test('the task is found from the outputs, or said in the manifest', async t => {
  t.match(binary, { kind: 'binary', width: 1, classes: ['0', '1'], positive: 1, scoreAt: 0, threshold: 0.5 })
  t.match(regression, { kind: 'regression', width: 1 })
  t.match(colours, { kind: 'multiclass', width: 3 })
  const two = output([-1, 2], { labels: ['no', 'yes'] })
  t.match(task([two, { ...output([-1]), name: 'label', type: 'int64' }], { threshold: 0.2 }), {
    kind: 'binary',
    scoreAt: 1,
    threshold: 0.2,
  })
  t.match(task([two], { quality: { output: 'y', task: 'binary', positive: 0, threshold: 0.7 } }), {
    positive: 0,
    scoreAt: 0,
    threshold: 0.7,
  })
  for (const [outputs, more, says] of [
    [[output([-1, 1]), { ...output([-1, 1]), name: 'z' }], {}, /which of its outputs is the prediction is not clear/],
    [[output([-1, 4])], {}, /not clear/],
    [[output([-1, 1])], { quality: { output: 'x', task: 'binary' } }, /names output 'x'.*its outputs are 'y'/],
    [[output([-1, 3])], { quality: { output: 'y', task: 'regression' } }, /'y' of shape \[-1, 3\] is not one number/],
    [[output([-1, 3])], { quality: { output: 'y', task: 'binary' } }, /not one score or two/],
    [[output([-1, 1])], { quality: { output: 'y', task: 'multiclass' } }, /not a score for each of 2 to 1024/],
    [[output([-1, -1])], { quality: { output: 'y', task: 'multiclass' } }, /no numbers for each row/],
    [[output([-1], { type: 'string' })], { quality: { output: 'y', task: 'regression' } }, /type string/],
    [[output([-1], { type: 'float16' })], {}, /not clear/],
  ] as const)
    t.match(taskOf(manifest([...outputs], more)), says)
})

t.test('a label is a class, its place, a truth or a number', async t => {
  t.equal(readLabel(binary, true), 1)
  t.equal(readLabel(binary, '0'), 0)
  t.equal(readLabel(binary, 1), 1)
  t.equal(readLabel({ ...binary, positive: 0 }, 0), 1, 'the positive class may be the first')
  t.equal(readLabel({ ...binary, positive: 0 }, true), 1, 'true is the positive class wherever it stands')
  t.equal(readLabel(colours, 'blue'), 2)
  t.equal(readLabel(regression, -2.5), -2.5)
  for (const [of, label, says] of [
    [binary, 2, /must be true, false, a class \(0, 1\) or its place from 0, not 2/],
    [colours, 'pink', /must be a class \(red, green, blue\) or its place from 0, not "pink"/],
    [colours, 1.5, /not 1.5/],
    [colours, true, /not true/],
    [regression, 'red', /must be a number, not "red"/],
  ] as const)
    t.match(readLabel(of, label), says)
})

t.test('measures are those of their definitions', async t => {
  const near = (a: number | undefined, b: number) => Math.abs((a ?? Number.NaN) - b) <= 1e-9 * Math.max(1, Math.abs(b))
  const score = fc.integer({ min: 0, max: 1000 }).map(n => n / 1000)
  fc.assert(
    fc.property(fc.array(fc.tuple(score, fc.nat(1)), { minLength: 1, maxLength: 60 }), rows => {
      const tally = new QualityTally(binary)
      for (const [p, y] of rows) tally.add([p], 0, y)
      const { values, labels } = tally.measures()
      const mean = (of: (p: number, y: number) => number) => rows.reduce((sum, [p, y]) => sum + of(p, y), 0) / labels
      const yes = rows.filter(([, y]) => y === 1)
      const no = rows.filter(([, y]) => y === 0)
      let wins = 0
      for (const [a] of yes) for (const [b] of no) wins += a > b ? 1 : a === b ? 0.5 : 0
      const said = rows.filter(([p]) => p >= 0.5)
      const right = said.filter(([, y]) => y === 1).length
      return (
        near(
          values['accuracy'],
          mean((p, y) => Number(Number(p >= 0.5) === y)),
        ) &&
        near(
          values['brier'],
          mean((p, y) => (p - y) ** 2),
        ) &&
        near(
          values['log_loss'],
          mean((p, y) => -Math.log(Math.max(1e-15, y === 1 ? p : 1 - p))),
        ) &&
        near(values['precision'], said.length === 0 ? 0 : right / said.length) &&
        near(values['recall'], yes.length === 0 ? 0 : right / yes.length) &&
        (yes.length === 0 || no.length === 0
          ? values['roc_auc'] === undefined
          : near(values['roc_auc'], wins / (yes.length * no.length)))
      )
    }),
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -999, max: 999 }), fc.integer({ min: -999, max: 999 })), {
        minLength: 1,
        maxLength: 60,
      }),
      rows => {
        const tally = new QualityTally(regression)
        for (const [p, y] of rows) tally.add([p], 0, y)
        const { values, interval } = tally.measures()
        const n = rows.length
        const sum = (of: (p: number, y: number) => number) => rows.reduce((all, [p, y]) => all + of(p, y), 0)
        const mean = sum((_, y) => y) / n
        const spread = sum((_, y) => (y - mean) ** 2)
        return (
          near(values['mae'], sum((p, y) => Math.abs(p - y)) / n) &&
          near(values['rmse'], Math.sqrt(sum((p, y) => (p - y) ** 2) / n)) &&
          near(values['bias'], sum((p, y) => p - y) / n) &&
          (spread === 0 || Math.abs((values['r2'] ?? 0) - (1 - sum((p, y) => (p - y) ** 2) / spread)) < 1e-6) &&
          (interval === null ||
            (interval.low <= (values['mae'] as number) && interval.high >= (values['mae'] as number)))
        )
      },
    ),
  )
  const tally = new QualityTally(colours)
  for (const [row, label] of [
    [[0.7, 0.2, 0.1], 0],
    [[0.1, 0.8, 0.1], 1],
    [[0.5, 0.3, 0.2], 2],
    [[Number.NaN, 0, 0], 1],
  ] as const)
    tally.add(row, 0, label)
  const { values, labels, unusable } = tally.measures()
  t.equal(labels, 3)
  t.equal(unusable, 1, 'what is no number is in no measure')
  t.ok(near(values['accuracy'], 2 / 3))
  t.ok(near(values['macro_f1'], (2 / 3 + 1 + 0) / 3))
  t.ok(near(values['log_loss'], -(Math.log(0.7) + Math.log(0.8) + Math.log(0.2)) / 3))
  t.same(new QualityTally(binary).measures(), { labels: 0, unusable: 0, values: {}, interval: null })
})

t.test('the interval of the accuracy holds as often as it says', async t => {
  let random = 12_345
  const next = () => (random = (random * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
  let held = 0
  for (let trial = 0; trial < 1000; trial++) {
    const tally = new QualityTally(binary)
    for (let i = 0; i < 50; i++) tally.add([1], 0, Number(next() < 0.8))
    const { low = 1, high = 0 } = tally.measures().interval ?? {}
    if (low <= 0.8 && 0.8 <= high) held++
  }
  t.ok(held > 920 && held < 985, `${held} of 1,000`)
})

t.test('what waits for a label is bounded, and the oldest is forgotten first', async t => {
  const predictions = new Predictions(2000)
  const said = (rows: number) => ({
    name: 'y',
    datatype: 'FP32' as const,
    shape: [rows, 1],
    data: Float32Array.from({ length: rows }, (_, i) => i),
  })
  for (let i = 0; i < 20; i++) predictions.remember('m/1', `r${i}`, said(1), 1)
  t.ok(predictions.bytes <= 2000)
  t.equal(predictions.find('m/1', 'r0'), undefined)
  t.ok(predictions.find('m/1', 'r19'))
  t.equal(predictions.find('m/2', 'r19'), undefined, 'another version said nothing')
  const before = predictions.bytes
  predictions.remember('m/1', 'large', said(1000), 1)
  t.equal(predictions.bytes, before, 'what takes all of the room is not remembered')
  predictions.remember('m/1', 'wide', said(4), 2)
  t.equal(predictions.find('m/1', 'wide'), undefined, 'nor what is not a row for each row')
  predictions.remember('m/1', 'r19', said(2), 1)
  t.equal(predictions.find('m/1', 'r19')?.rows, 2, 'an id that comes again is another request')
})

t.test('a window is closed by labels or by time; a label counts once', async t => {
  const predictions = new Predictions(100_000)
  const monitor = new QualityMonitor('m/1', binary, predictions, settings, 0)
  monitor.remember('a', [{ name: 'y', datatype: 'FP32', shape: [12, 1], data: new Float32Array(12).fill(0.9) }])
  for (let row = 0; row < 12; row++) t.equal(monitor.label('a', row, Number(row < 9), 10), 'matched')
  t.equal(monitor.label('a', 3, 0, 10), 'repeated')
  t.equal(monitor.label('a', 12, 0, 10), 'unmatched')
  t.equal(monitor.label('b', 0, 0, 10), 'unmatched')
  const { open, closed } = monitor.view(20)
  t.match(closed, [{ labels: 10, values: { accuracy: 0.9 } }])
  t.match(open, { labels: 2, values: { accuracy: 0 } })
  t.match(monitor.view(2000).closed, [{ labels: 2 }, { labels: 10 }])
  t.equal(monitor.view(9000).closed.length, 2, 'windows without labels are not told')
})

t.test('versions that answer no more are remembered, a bounded number of them', async t => {
  const book = new QualityBook({ ...settings, rememberBytes: 1000 })
  const version = (number: number, sha256 = String(number)) =>
    manifest([output([-1, 1])], { name: 'm', version: number, sha256 })
  const first = book.open(version(1))
  t.equal(book.open(version(1)), first, 'the same file goes on')
  t.not(book.open(version(1, 'other')), first, 'another file begins anew')
  for (let number = 2; number < 20; number++) book.open(version(number))
  t.equal(book.versionsOf('m').length, 8)
  t.equal(book.find('m', '1'), undefined)
  t.equal(book.open(manifest([output([-1, 4])], { name: 'n', version: 1, sha256: '' })), undefined)
  t.match(book.find('n', '1')?.monitor, /not clear/)
})

const sum: Publication = { inputs: [float('x', 2)], outputs: [float('y', 1)] }
const row = (...data: number[]) => ({ name: 'x', shape: [data.length / 2, 2], datatype: 'FP32', data })
const post = async (server: Server, path: string, body: unknown) =>
  await server.call(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })

t.test('labels for requests over the protocol, through a change of the version', { timeout: 60_000 }, async t => {
  const server = await serve(t, { sum: ['sum', sum] }, { MESHWORK_INFERENCE_QUALITY_LABELS: '3' })
  const path = '/v2/models/sum'
  t.match((await server.infer('sum', [row(1, 2, 3, 4)], { id: 'a' })).json, { id: 'a' })
  await server.infer('sum', [row(5, 6)], { id: 'b' })
  await publish(server.folder, 'sum', 'sum', { ...sum, version: 2 })
  await server.until('sum', 2, 'READY')
  await server.infer('sum', [row(7, 8)], { id: 'c' })
  const taken = await post(server, `${path}/labels`, {
    labels: [
      { id: 'a', label: 4 },
      { id: 'a', row: 1, label: 7 },
      { id: 'b', label: 11 },
      { id: 'c', label: 17 },
      { id: 'a', row: 2, label: 0 },
      { id: 'gone', label: 0 },
      { id: 'b', label: 12 },
      { prediction: 3, label: 1 },
      { prediction: [3], label: 3 },
    ],
  })
  t.equal(taken.status, 200, taken.json.error ?? '')
  t.match(taken.json, {
    model_name: 'sum',
    model_version: '2',
    matched: 6,
    repeated: 1,
    unmatched: 2,
    unmatched_first: [
      { id: 'a', row: 2 },
      { id: 'gone', row: 0 },
    ],
  })
  const old = (await server.call(`${path}/versions/1/quality`)).json
  t.match(old, {
    model_version: '1',
    task: 'regression',
    labels: { matched: 3, repeated: 1 },
    all: { labels: 3, values: { mae: 1 / 3, bias: -1 / 3 } },
    open: { labels: 0 },
    last: { labels: 3 },
    trained: null,
  })
  const now = (await server.call(`${path}/quality`)).json
  t.match(now, { model_version: '2', all: { labels: 3, values: { mae: (2 + 2 + 0) / 3, bias: 0 } } })
  await post(server, `${path}/labels`, { labels: [{ prediction: 1, label: 1 }] })
  t.match((await server.call(`${path}/quality`)).json, { last: { labels: 3 }, open: { labels: 1 }, history: [{}] })
  const metrics = await server.metrics()
  for (const line of [
    'meshwork_inference_labels_total{model="sum",version="1",result="matched"} 3',
    'meshwork_inference_labels_total{model="sum",version="1",result="repeated"} 1',
    'meshwork_inference_labels_total{model="sum",version="2",result="unmatched"} 2',
    'meshwork_inference_label_error_total{model="sum",version="1",kind="absolute"} 1',
    'meshwork_inference_quality{model="sum",version="2",measure="mae"} 1.3333333333333333',
  ])
    t.ok(metrics.includes(line), line)
  await server.end()
})

t.test('labels that are wrong are refused with their place, and none of them counts', { timeout: 60_000 }, async t => {
  const server = await serve(t, { sum: ['sum', sum] })
  const path = '/v2/models/sum'
  const good = { prediction: 1, label: 1 }
  for (const [body, says] of [
    ['', /the request .*labels/],
    ['{"labels": [{"id": "a", "label": 1}', /not JSON/],
    ['[]', /object/],
    [{ labels: [] }, /labels .*1/],
    [{ labels: [good, { prediction: 1, label: 'x' }] }, /labels\[1\]\.label must be a number, not "x"/],
    [{ labels: [good, { prediction: [1, 2], label: 1 }] }, /labels\[1\]\.prediction has 2 numbers, .*'y' has 1/],
    [{ labels: [good, { id: '', label: 1 }] }, /labels\[1\]/],
    [{ labels: [good, { id: 'a', row: -1, label: 1 }] }, /labels\[1\]/],
    [{ labels: [good, { label: 1 }] }, /labels\[1\]/],
    [{ labels: [good, { prediction: 1, label: null }] }, /labels\[1\]/],
    [{ labels: [good], more: 1 }, /more/],
    [{ labels: Array.from({ length: 10_001 }, () => good) }, /labels/],
  ] as const) {
    const { status, json } = await post(server, `${path}/labels`, body)
    t.equal(status, 400, JSON.stringify(body).slice(0, 80))
    t.match(json.error, says)
  }
  t.match((await server.call(`${path}/quality`)).json, { all: { labels: 0 }, labels: { matched: 0, unmatched: 0 } })
  t.equal((await post(server, '/v2/models/none/labels', { labels: [good] })).status, 404)
  t.equal((await post(server, `${path}/versions/9/labels`, { labels: [good] })).status, 404)
  const wrongVerb = await server.call(`${path}/labels`)
  t.equal(wrongVerb.status, 405)
  t.equal(wrongVerb.headers.get('allow'), 'POST')
  t.equal((await server.call(`${path}/quality`, { method: 'POST' })).status, 405)
  await server.end()
})

t.test('real flights: the live quality is what the labels say', { timeout: 60_000 }, async t => {
  const models = fileURLToPath(new URL('../../../models/', import.meta.url))
  const server = await serve(t, {}, { MESHWORK_MODELS_DIR: models })
  await server.until('flight-delay', 1, 'READY')
  const flights = JSON.parse(
    await readFile(new URL('../../../node_modules/vega-datasets/data/flights-2k.json', import.meta.url), 'utf8'),
  ) as { date: string; distance: number; origin: string; destination: string; delay: number }[]
  const records = flights.map(({ date, distance, origin, destination }) => ({
    date: date.replaceAll('/', '-'),
    distance,
    origin,
    destination,
  }))
  const answer = await server.call('/v1/inference/online', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'flight-delay', id: 'today', records }),
  })
  t.equal(answer.status, 200, JSON.stringify(answer.json).slice(0, 500))
  const said = answer.json['records'] as { probabilities_delayed: number }[]
  const late = flights.map(({ delay }) => delay > 15)
  const labels = late.map((label, row) => ({ id: 'today', row, label }))
  t.match((await post(server, '/v2/models/flight-delay/labels', { labels })).json, { matched: 2000, unmatched: 0 })
  const right = said.filter(({ probabilities_delayed: p }, i) => p >= 0.21 === late[i]).length
  const { json } = await server.call('/v2/models/flight-delay/quality')
  const seen = json as unknown as {
    all: { values: Record<string, number>; interval: { low: number; high: number } }
    trained: Record<string, number>
  }
  t.match(seen, { task: 'binary', output: 'probabilities', threshold: 0.21, classes: ['on_time', 'delayed'] })
  t.equal(seen.all.values['accuracy'], right / 2000)
  t.ok((seen.all.values['roc_auc'] ?? 0) > 0.6, `it tells late flights from others: ${seen.all.values['roc_auc']}`)
  t.ok(seen.trained['rocAuc'], 'the figures of the training stand beside')
  t.match(
    await server.metrics(),
    /meshwork_inference_label_outcomes_total\{model="flight-delay",version="1",label="delayed",said="delayed"\} \d+/,
  )
  await server.end()
})
