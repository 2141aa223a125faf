// Drift: what unchanged data says, what a shift says, and what is made of it in the service and in a workflow's step.

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DriftReport, ModelReference } from '@meshwork/contracts'
import { directCalls } from '@meshwork/kit/testing'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { chiSquareAbove, chiSquareQuantile } from '../src/drift/chi-square.ts'
import { alpha, compare, rowsMin } from '../src/drift/compare.ts'
import { DriftMonitor } from '../src/drift/monitor.ts'
import { readReference } from '../src/drift/reference.ts'
import { binOf, Tally } from '../src/drift/tally.ts'
import { inferenceStage } from '../src/stage.ts'
import { serve } from './serving.ts'

const models = fileURLToPath(new URL('../../../models/', import.meta.url))
const seedColumns = ['f1', 'f2', 'f3', 'feature_sum']

/** Numbers in [0, 1) that are the same in every run of the test (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Draw = () => number[]
/** A reference of `rows` draws: ten bins of a number, the days of the week, and one that is often missing. */
function referenceOf(draw: Draw, rows: number): ModelReference {
  const drawn = Array.from({ length: rows }, draw)
  const column = (place: number) => drawn.map(row => row[place] as number)
  const sorted = column(0).sort((a, b) => a - b)
  const edges = Array.from({ length: 9 }, (_, i) => sorted[Math.floor(((i + 1) * rows) / 10)] as number)
  const feature = (place: number, name: string, bins: { edges?: number[]; values?: number[] }) => {
    const about = { side: 'input' as const, tensor: 'x', place, name, ...bins, counts: [] as number[], missing: 0 }
    const size = bins.values?.length ?? (bins.edges?.length ?? 0) + 1
    about.counts = Array.from({ length: size }, () => 0)
    for (const value of column(place)) {
      const bin = binOf(about, value)
      if (bin < size) about.counts[bin] = (about.counts[bin] as number) + 1
      else about.missing++
    }
    return about
  }
  return {
    schema: 'meshwork.reference/1',
    rows,
    features: [
      feature(0, 'length', { edges }),
      feature(1, 'weekday', { values: [0, 1, 2, 3, 4, 5, 6] }),
      feature(2, 'age', { edges: [0.25, 0.5, 0.75] }),
    ],
  }
}
const same =
  (next: () => number): Draw =>
  () => [-Math.log(1 - next()), Math.floor(next() * 7), next() < 0.1 ? Number.NaN : next()]

function reportOf(reference: ModelReference, draw: Draw, rows: number): DriftReport {
  const tally = new Tally(reference)
  const data = Float64Array.from(Array.from({ length: rows }, draw).flat())
  tally.add(
    'input',
    'x',
    data,
    3,
    Array.from({ length: rows }, (_, i) => i),
  )
  return compare({ name: 'm', version: 1 }, reference, tally.counts)
}

t.test('the chi-square distribution, against the tables (scipy 1.17)', async t => {
  for (const [df, alpha, quantile] of [
    [2, 0.01, 9.21],
    [4, 0.05, 9.488],
    [9, 0.01, 21.666],
    [9, 0.001, 27.877],
    [99, 0.01, 134.642],
  ] as const) {
    const found = chiSquareQuantile(df, alpha)
    t.ok(Math.abs(found / quantile - 1) < 0.01, `${df}, ${alpha}: ${found}`)
    t.ok(Math.abs(chiSquareAbove(df, quantile) / alpha - 1) < 0.1, `${df}, ${alpha}`)
  }
  t.equal(chiSquareAbove(5, 0), 1)
})

t.test('a value is in the bin that a search from the first edge finds', async () => {
  const edges = [-2, -0.5, 0, 1, 7]
  const feature = {
    side: 'input' as const,
    tensor: 'x',
    place: 0,
    name: 'x',
    edges,
    counts: [1, 1, 1, 1, 1, 1],
    missing: 0,
  }
  fc.assert(
    fc.property(fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(...edges)), value => {
      const wanted = edges.findIndex(edge => value <= edge)
      return binOf(feature, value) === (wanted < 0 ? edges.length : wanted)
    }),
  )
})

t.test('200 windows of the same data alarm no more often than is said, whatever their size', async t => {
  const reference = referenceOf(same(random(1)), 50_000)
  const draw = same(random(2))
  for (const rows of [rowsMin, 500, 5000]) {
    const alarms = Array.from({ length: 200 }, () => reportOf(reference, draw, rows)).filter(
      ({ verdict }) => verdict !== 'steady',
    )
    t.ok(alarms.length <= 200 * alpha * 2, `${alarms.length} alarms in 200 windows of ${rows} rows`)
  }
  t.equal(reportOf(reference, draw, rowsMin - 1).verdict, 'too-few')
})

t.test('a shift is an alarm, and names the feature that moved', async t => {
  const next = random(3)
  const reference = referenceOf(same(next), 50_000)
  const usual = same(next)
  for (const [what, feature, changed] of [
    ['longer by half', 'length', ([a = 0, b = 0, c = 0]: number[]) => [a * 1.5 + 0.2, b, c]],
    ['only workdays', 'weekday', ([a = 0, b = 0, c = 0]) => [a, b % 5, c]],
    ['a value that training never had', 'weekday', ([a = 0, b = 0, c = 0]) => [a, next() < 0.1 ? 9 : b, c]],
    ['missing more often', 'age', ([a = 0, b = 0, c = 0]) => [a, b, next() < 0.3 ? Number.NaN : c]],
  ] as [string, string, (row: number[]) => number[]][])
    for (let i = 0; i < 20; i++) {
      const report = reportOf(reference, () => changed(usual()), 1000)
      t.same([report.verdict, report.drifted], ['drifted', [feature]], what)
      t.equal(report.features[0]?.name, feature, 'what moved most comes first')
      t.ok((report.features[0]?.pValue ?? 1) < 0.001)
    }
})

t.test('of what was not seen nothing is said', async t => {
  const reference = referenceOf(same(random(8)), 1000)
  t.match(compare({ name: 'm', version: 1 }, reference, new Tally(reference).counts), {
    verdict: 'too-few',
    rows: 0,
    features: [],
  })
  const tally = new Tally(reference)
  tally.addPlace(
    'input',
    'x',
    1,
    Float32Array.from({ length: 300 }, (_, i) => i % 7),
    Array(300).keys(),
  )
  t.match(compare({ name: 'm', version: 1 }, reference, tally.counts), {
    verdict: 'steady',
    features: [{ name: 'weekday', rows: 300 }],
  })
})

t.test('a sure but small change is no alarm', async t => {
  const next = random(4)
  const reference = referenceOf(same(next), 50_000)
  const usual = same(next)
  const shift: Draw = () => {
    const [a = 0, b = 0, c = 0] = usual()
    return [a * 1.05, b, c]
  }
  const report = reportOf(reference, shift, 50_000)
  t.equal(report.verdict, 'steady')
  t.ok((report.features.find(({ name }) => name === 'length')?.pValue ?? 1) < 0.01)
})

t.test('a monitor looks at a bounded number of rows, and closes windows', async t => {
  const reference = referenceOf(same(random(5)), 1000)
  const settings = { rowsPerSecond: 100, windowRows: 151, windowMs: 60_000 }
  const monitor = new DriftMonitor({ name: 'm', version: 1 }, reference, settings, 0)
  t.same(monitor.choose(3, 0), [0, 1, 2])
  const chosen = monitor.choose(1000, 0)
  t.equal(chosen.length, 97)
  t.equal(new Set(chosen).size, 97)
  t.ok(chosen.every(row => row >= 0 && row < 1000) && (chosen.at(-1) as number) > 900, 'spread over the request')
  t.same(monitor.choose(5, 0), [], 'there were enough')
  t.equal(monitor.choose(1000, 500).length, 50, 'as time goes there are more')
  t.equal(monitor.view(500).closed.length, 0)
  t.equal(monitor.choose(1, 1500).length, 1)
  t.equal(monitor.view(1500).closed.length, 1, 'it was full')
  t.equal(monitor.choose(1, 2000).length, 1)
  t.equal(monitor.view(1500 + 60_000).closed.length, 2, 'it was old')
  t.equal(monitor.view(1e9).closed.length, 2, 'an empty one is no window')
})

async function referenceFile(t: Test, change: (reference: ModelReference) => unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-reference-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const value = change(referenceOf(same(random(6)), 100))
  const path = join(folder, 'reference.json')
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

t.test('a reference that is wrong is told', async t => {
  for (const [change, told] of [
    [() => '{', /is not JSON/],
    [of => ({ ...of, rows: 0 }), /\/rows/],
    [of => ({ ...of, features: [{ ...of.features[0], values: [1] }] }), /"length" has either edges or values/],
    [of => ({ ...of, features: [{ ...of.features[0], counts: [1] }] }), /has 1 counts for 10 bins/],
    [of => ({ ...of, features: [{ ...of.features[1], values: [0, 2, 1, 3, 4, 5, 6] }] }), /is not ascending/],
  ] as [(of: ModelReference) => unknown, RegExp][])
    await t.rejects(readReference(await referenceFile(t, change)), { message: told })
})

/** The seed model, whose f1, f2 and f3 are uniform in training, in a folder of its own. */
async function seedFolder(t: Test, change?: (reference: string) => string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-models-'))
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  await mkdir(join(folder, 'seed'))
  await cp(join(models, 'seed/1'), join(folder, 'seed/1'), { recursive: true })
  const path = join(folder, 'seed/1/reference.json')
  if (change) await writeFile(path, change(await readFile(path, 'utf8')))
  return folder
}

t.test('the service tells the drift of what it is asked, and its metrics do', async t => {
  const folder = await seedFolder(t)
  const server = await serve(t, {}, { MESHWORK_MODELS_DIR: folder })
  await server.until('seed', 1, 'READY')
  const next = random(7)
  const ask = async (rows: number, move: number) => {
    const data = Array.from({ length: rows }, () => {
      const [a, b, c] = [next() + move, next(), next()]
      return [a, b, c, a + b + c]
    })
    const answer = await server.infer('seed', [
      { name: 'input', datatype: 'FP32', shape: [rows, 4], data: data.flat() },
    ])
    t.equal(answer.status, 200)
  }
  const drift = async () => (await server.call('/v2/models/seed/drift')).json
  await ask(300, 0)
  t.match(await drift(), {
    model_name: 'seed',
    model_version: '1',
    open: { verdict: 'steady', rows: 300, referenceRows: 800, drifted: [] },
    last: null,
    history: [],
  })
  await ask(500, 0.5)
  const moved = await drift()
  t.match(moved, { open: { verdict: 'drifted', rows: 800 } })
  const { drifted, features } = moved['open'] as DriftReport
  t.ok(drifted.includes('f1') && drifted.includes('score') && !drifted.includes('f2'), drifted.join())
  t.match(
    features.find(({ name }) => name === 'score'),
    { side: 'output', rows: 800 },
  )
  const metrics = await server.metrics()
  t.match(metrics, /meshwork_inference_feature_rows_total\{model="seed",version="1",feature="f1",bin="> [\d.]+"\} \d+/)
  t.equal((await server.call('/v2/models/seed/versions/1/drift')).status, 200)
  t.equal((await server.call('/v2/models/seed/drift', { method: 'POST' })).status, 405)
})

t.test('a version with a wrong reference is not served, and one without has no drift', async t => {
  const folder = await seedFolder(t, text => text.replace('"tensor": "input"', '"tensor": "other"'))
  const server = await serve(t, {}, { MESHWORK_MODELS_DIR: folder })
  await server.until('seed', 1, 'UNAVAILABLE')
  const { bytes } = await server.call('/v2/repository/index', { method: 'POST' })
  t.match(String(bytes), /the reference is of another model: feature \\"f1\\" is of input \\"other\\"/)
  const manifest = join(folder, 'seed/1/manifest.json')
  const { reference: _, ...without } = JSON.parse(await readFile(manifest, 'utf8')) as Record<string, unknown>
  await writeFile(manifest, JSON.stringify(without))
  await server.call('/v2/repository/models/seed/load', { method: 'POST' })
  await server.until('seed', 1, 'READY')
  const answer = await server.call('/v2/models/seed/drift')
  t.match(answer, { status: 404, json: { error: /has no training reference: put reference\.json beside the model/ } })
})

t.test('a step tells the drift of its dataset, and keeps the whole report', async t => {
  const calls = await directCalls(t)
  const stage = inferenceStage(await seedFolder(t))
  const table = async (f1: string, rows = 250_000) =>
    await calls.table(
      `SELECT f1, f2, f3, f1 + f2 + f3 AS feature_sum FROM (SELECT (${f1})::FLOAT AS f1, (hash(range + 7) % 1000 / 1000.0)::FLOAT AS f2, (hash(range + 1000003) % 1000 / 1000.0)::FLOAT AS f3 FROM range(${rows}))`,
      50_000,
    )
  const usual = await calls.call(stage, { dataset: await table('hash(range) % 1000 / 1000.0'), model: 'seed' })
  t.match(usual.drift, { verdict: 'steady', drifted: [] })
  t.ok((usual.drift?.rows ?? 0) > 80_000 && (usual.drift?.rows ?? 0) <= 100_000, `${usual.drift?.rows} were looked at`)
  const moved = await calls.call(stage, { dataset: await table('0.4 + hash(range) % 1000 / 1000.0'), model: 'seed' })
  t.match(moved.drift, { verdict: 'drifted' })
  t.ok(moved.drift?.drifted.includes('f1'))
  const report = JSON.parse(String(await calls.store.read(moved.driftReport?.hash ?? ''))) as DriftReport
  t.match(report, {
    schema: 'meshwork.drift/1',
    model: 'seed',
    version: 1,
    verdict: 'drifted',
    rows: moved.drift?.rows,
  })
  t.same(new Set(report.features.map(({ name }) => name)), new Set([...seedColumns, 'score']))
  const asked = { score: { output: 'score' } }
  t.match(await calls.call(stage, { dataset: await table('0.5', 300), model: 'seed', outputs: asked }), { rows: 300 })
  const broken = inferenceStage(await seedFolder(t, () => '{'))
  await t.rejects(calls.call(broken, { dataset: await table('0.5', 300), model: 'seed' }), {
    code: 'MESHWORK_INFERENCE_MANIFEST_INVALID',
    message: /seed.*the reference is not JSON/,
  })
  const few = await calls.call(stage, { dataset: await table('0.9', 50), model: 'seed' })
  t.match(few.drift, { verdict: 'too-few', rows: 50, drifted: [] })
})
