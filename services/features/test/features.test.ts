import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type {
  ArtefactRef,
  DatasetRef,
  FeatureSpec,
  FeaturesInputV2,
  FeaturesOutput,
  FittedFeatures,
} from '@meshwork/contracts'
import { ident, openStore, openTables, type Row, type StageContext, type Tables } from '@meshwork/kit'
import { logCapture, stageApp } from '@meshwork/kit/testing'
import t, { type Test } from 'tap'
import { stage } from '../src/stage.ts'

const resources = { cpus: 2, memoryBytes: 2e9 }
const modelFolder = new URL('../../../models/flight-delay/1/', import.meta.url)
let folders = 0

type Parameters = Omit<FeaturesInputV2, 'dataset'>

/** The stage in this process over a store of its own. */
async function bench(t: Test) {
  const store = await openStore(pathToFileURL(t.testdir()).href)
  const open = async (...datasets: DatasetRef[]): Promise<Tables> => {
    const scratch = join(store.scratchRoot, `scratch-${folders++}`)
    await mkdir(scratch)
    const tables = await openTables({ datasets, store, scratch, resources })
    t.teardown(() => tables.close())
    return tables
  }
  const context = (): StageContext => ({
    signal: new AbortController().signal,
    log: logCapture().log,
    store,
    scratch: store.scratchRoot,
    resources,
    run: undefined,
    idempotencyKey: undefined,
    progress: () => {},
    tables: open,
  })
  return {
    store,
    make: async (select: string, partRows = 4) => (await open()).create(select, { partRows }),
    rows: async (ref: DatasetRef): Promise<Row[]> => {
      const tables = await open(ref)
      return await tables.query(`SELECT * FROM ${tables.dataset(ref).from()}`)
    },
    features: (dataset: DatasetRef, parameters: Parameters) => stage.run({ dataset, ...parameters }, context()),
    artefact: async (ref: ArtefactRef) => JSON.parse(String(await store.read(ref.hash))) as FittedFeatures,
    fittedRef: async (value: unknown): Promise<ArtefactRef> => ({
      kind: 'artefact',
      ...(await store.put(JSON.stringify(value))),
      mediaType: 'application/json',
    }),
  }
}

/** x, word and when over rows i = 0, 1, …, in parts of four. */
const table = (xs: readonly (number | string | null)[], words: readonly (string | null)[] = []) =>
  `SELECT i::BIGINT AS i, x::DOUBLE AS x, word, TIMESTAMP '2001-01-07 23:59:58' + to_hours(i) AS at FROM (VALUES ${xs
    .map((x, i) => `(${i}, ${x === null ? 'NULL' : `'${x}'`}, ${words[i] == null ? 'NULL::VARCHAR' : `'${words[i]}'`})`)
    .join(', ')}) AS t(i, x, word) ORDER BY i`
const valuesOf = (rows: readonly Row[], name: string) => rows.map(row => row[name])

t.test('each kind makes the values that its contract says', async t => {
  const { make, rows, features } = await bench(t)
  const source = await make(table([1, 2, 3, 4, null, 6], ['b', 'a', 'b', null, 'c', 'b']))
  const third = Math.fround(1 / 3)
  const cases: [string, NonNullable<Parameters['columns']>[string], unknown[]][] = [
    ['expression', 'x * 2', [2, 4, 6, 8, null, 12]],
    [
      'expression with a type',
      { kind: 'expression', expression: 'i / 3', type: 'float32' },
      [0, third, Math.fround(2 / 3), 1, Math.fround(4 / 3), Math.fround(5 / 3)],
    ],
    ['hour', { kind: 'datePart', column: 'at', part: 'hour' }, [23, 0, 1, 2, 3, 4]],
    ['weekday: Sunday is 0', { kind: 'datePart', column: 'at', part: 'dayOfWeek' }, [0, 1, 1, 1, 1, 1]],
    [
      'minute of day',
      { kind: 'datePart', column: 'at', part: 'minuteOfDay', type: 'int32' },
      [1439, 59, 119, 179, 239, 299],
    ],
    ['epoch', { kind: 'datePart', column: 'at', part: 'epoch' }, [0, 1, 2, 3, 4, 5].map(h => 978911998 + h * 3600)],
    [
      'cyclic',
      { kind: 'datePart', column: 'at', part: 'hour', cyclic: 'cos', type: 'float64' },
      [23, 0, 1, 2, 3, 4].map(h => Math.cos((2 * Math.PI * h) / 24)),
    ],
    ['ordinal', { kind: 'ordinal', column: 'word' }, [1, 0, 1, null, 2, 1]],
    ['ordinal of numbers: by value, not by text', { kind: 'ordinal', column: 'i' }, [0, 1, 2, 3, 4, 5]],
    ['frequency', { kind: 'frequency', column: 'word', type: 'float64' }, [0.5, 1 / 6, 0.5, 0, 1 / 6, 0.5]],
    [
      'target',
      { kind: 'target', column: 'word', target: 'x > 2', smoothing: 1, type: 'float64' },
      [2.6 / 4, 0.3, 2.6 / 4, 0.6, 0.6, 2.6 / 4],
    ],
    [
      'standard',
      { kind: 'standard', column: 'i', type: 'float64' },
      [0, 1, 2, 3, 4, 5].map(i => (i - 2.5) / Math.sqrt(35 / 12)),
    ],
    [
      'minMax',
      { kind: 'minMax', column: 'x', min: -1, max: 1, type: 'float64' },
      [-1, -0.6, -0.19999999999999996, 0.19999999999999996, null, 1],
    ],
    ['bins by edges', { kind: 'bins', column: 'x', edges: [2, 4] }, [0, 1, 1, 2, null, 2]],
    ['bins by quantile', { kind: 'bins', column: 'x', count: 2 }, [0, 0, 1, 1, null, 1]],
    ['bins by width', { kind: 'bins', column: 'x', count: 5, strategy: 'uniform' }, [0, 1, 2, 3, null, 4]],
    [
      'rolling mean',
      { kind: 'rolling', column: 'x', measure: 'mean', rows: 2, orderBy: 'i' },
      [null, 1, 1.5, 2.5, 3.5, 4],
    ],
    [
      'rolling with the row itself',
      { kind: 'rolling', column: 'x', measure: 'sum', rows: 2, orderBy: 'i', includeCurrent: true },
      [1, 3, 5, 7, 4, 6],
    ],
    [
      'rolling in a partition',
      { kind: 'rolling', column: 'x', measure: 'max', rows: 9, orderBy: 'i', partitionBy: ['word'] },
      [null, null, 1, null, null, 3],
    ],
    ['rolling count', { kind: 'rolling', column: 'word', measure: 'count', rows: 3, orderBy: 'i' }, [0, 1, 2, 3, 2, 2]],
  ]
  for (const [name, spec, expected] of cases) {
    const answer = await features(source, { columns: { made: spec } })
    const made = valuesOf(await rows(answer.dataset), 'made')
    const near = made.every((value, i) => {
      const wanted = expected[i]
      return typeof wanted === 'number' && typeof value === 'number'
        ? Math.abs(value - wanted) <= 1e-12 * Math.max(1, Math.abs(wanted))
        : value === wanted
    })
    t.ok(near, `${name}: ${JSON.stringify(made)}`)
    t.equal(answer.columns.length, 1)
  }
})

t.test('one hot makes a column for each category, named after it and never twice', async t => {
  const { make, rows, features } = await bench(t)
  const source = await make(table([1, 2, 3, 4], ['a', 'A', 'ü "q"', null]))
  const answer = await features(source, { columns: { is: { kind: 'oneHot', column: 'word' } }, keep: [] })
  t.same(
    answer.columns.map(({ name }) => name),
    ['is_A', 'is_a_2', 'is_ü "q"'],
  )
  t.same(await rows(answer.dataset), [
    { is_A: 0, is_a_2: 1, 'is_ü "q"': 0 },
    { is_A: 1, is_a_2: 0, 'is_ü "q"': 0 },
    { is_A: 0, is_a_2: 0, 'is_ü "q"': 1 },
    { is_A: 0, is_a_2: 0, 'is_ü "q"': 0 },
  ])
  const few = await features(await make(table([1, 1, 1, 1, 1, 1], ['c', 'b', 'b', 'a', 'a', 'c'])), {
    columns: { is: { kind: 'oneHot', column: 'word', maxCategories: 2 } },
  })
  t.same(
    few.columns.map(({ name }) => name),
    ['is_a', 'is_b'],
  )
})

t.test('features use each other whatever the order of the keys, and the answer does not depend on it', async t => {
  const { make, rows, features } = await bench(t)
  const source = await make(table([5, 3, 8, 1, 9, 2]))
  const specs: NonNullable<Parameters['columns']> = {
    a: 'scaled * 10',
    scaled: { kind: 'minMax', column: 'before', type: 'float64' },
    before: { kind: 'rolling', column: 'x', measure: 'sum', rows: 1, orderBy: 'i', type: 'float64' },
  }
  const answer = await features(source, { columns: specs })
  t.same(valuesOf(await rows(answer.dataset), 'a'), [null, 5, 2.5, 8.75, 0, 10])
  const turned = Object.fromEntries(Object.entries(specs).toReversed())
  t.same(await features(source, { columns: turned }), answer)
  await t.rejects(features(source, { columns: { a: 'b', b: 'a' } }), { code: 'MESHWORK_COLUMN_MISSING' })
})

t.test('a rolling feature stands in the order of the dataset, whatever the order it looks back in', async t => {
  const { make, rows, features } = await bench(t)
  const count = 5000
  const source = await make(
    `SELECT range AS i, (range * 7919) % ${count} AS place, range % 7 AS g, (range * 31) % 101 AS x FROM range(${count})`,
    600,
  )
  const spec: FeatureSpec = {
    kind: 'rolling',
    column: 'x',
    measure: 'sum',
    rows: 3,
    orderBy: 'place',
    partitionBy: ['g'],
  }
  const found = await rows((await features(source, { columns: { sum: spec } })).dataset)
  const all = Array.from({ length: count }, (_, i) => ({ i, place: (i * 7919) % count, g: i % 7, x: (i * 31) % 101 }))
  const expected = new Map<number, number | null>()
  for (let g = 0; g < 7; g++) {
    const group = all.filter(row => row.g === g).sort((a, b) => a.place - b.place)
    group.forEach((row, at) => {
      const before = group.slice(Math.max(0, at - 3), at)
      expected.set(row.i, before.length === 0 ? null : before.reduce((total, { x }) => total + x, 0))
    })
  }
  t.same(
    valuesOf(found, 'i'),
    all.map(({ i }) => i),
  )
  t.same(
    valuesOf(found, 'sum'),
    all.map(({ i }) => expected.get(i)),
  )
})

t.test('only the rows of fitWhere are learnt from, and what was learnt transforms other rows the same way', async t => {
  const { make, rows, features, artefact, fittedRef } = await bench(t)
  const training = await make(table([1, 2, 3, 100], ['a', 'a', 'b', 'z']))
  const columns: NonNullable<Parameters['columns']> = {
    share: { kind: 'frequency', column: 'word', type: 'float64' },
    place: { kind: 'ordinal', column: 'word' },
    rate: { kind: 'target', column: 'word', target: 'x', smoothing: 0, type: 'float64' },
    is: { kind: 'oneHot', column: 'word' },
    level: { kind: 'standard', column: 'x', type: 'float64' },
    bin: { kind: 'bins', column: 'x', count: 2 },
    twice: 'x * 2',
  }
  const fit = await features(training, { columns, fit: { where: 'x < 50' } })
  t.match(await artefact(fit.fitted), { fittedOn: { rows: 3, where: 'x < 50' } })
  const again = await features(training, { fit: { artefact: fit.fitted } })
  t.equal(again.dataset.hash, fit.dataset.hash)
  t.same(again.fitted, fit.fitted)

  const other = await make(table([7, 2], ['z', 'a']))
  const applied = await rows((await features(other, { fit: { artefact: fit.fitted }, keep: ['word'] })).dataset)
  const without = await make(`SELECT * EXCLUDE (x) FROM (${table([7], ['b'])})`)
  const rate = {
    schema: 'meshwork.features/1',
    columns: (await artefact(fit.fitted)).columns.filter(({ name }) => name === 'rate'),
  }
  const scored = await rows((await features(without, { fit: { artefact: await fittedRef(rate) }, keep: [] })).dataset)
  t.same(scored, [{ rate: 3 }], 'the target need not be there any more')
  t.match(applied, [
    { word: 'z', share: 0, place: -1, rate: 2, is_a: 0, is_b: 0, bin: 1, twice: 14 },
    { word: 'a', share: 2 / 3, place: 0, rate: 1.5, is_a: 1, is_b: 0, bin: 1, twice: 4 },
  ])
})

t.test('many categories are looked up as few are', async t => {
  const { make, features, store } = await bench(t)
  const source = await make(
    "SELECT 'k' || (range % 1000) AS word, range % 1000 AS n, range AS i FROM range(4000)",
    1500,
  )
  const answer = await features(source, {
    columns: { place: { kind: 'ordinal', column: 'n' }, share: { kind: 'frequency', column: 'word', type: 'float64' } },
  })
  const scratch = join(store.scratchRoot, 'many')
  await mkdir(scratch)
  const tables = await openTables({ datasets: [answer.dataset], store, scratch, resources })
  t.teardown(() => tables.close())
  const wrong = `SELECT count(*) AS n FROM ${tables.dataset(answer.dataset).from()} WHERE place <> n OR share <> 0.001`
  t.same(await tables.query(wrong), [{ n: 0 }])
})

t.test('the fitted features of the flight model are accepted and give the values the model was trained on', async t => {
  const { make, rows, features, fittedRef } = await bench(t)
  const fitted = JSON.parse(await readFile(new URL('features.json', modelFolder), 'utf8')) as FittedFeatures
  const samples = JSON.parse(await readFile(new URL('samples.json', modelFolder), 'utf8')) as {
    inputs: { X: number[][] }
  }
  const rate = (name: string) =>
    new Map(
      Object.entries(fitted.columns.find(column => column.name === name)?.fitted?.categories ?? {}).map(
        ([key, value]) => [Math.fround(value), key],
      ),
    )
  // Golden rows hold features, not flights: the airports are found by their rates, the time by hour, minute and weekday.
  const origins = rate('origin_rate')
  const destinations = rate('destination_rate')
  const flights = samples.inputs.X.flatMap(([, minutes = 0, weekday = 0, miles, from = 0, to = 0]) => {
    const airports = [origins.get(from), destinations.get(to)]
    return airports.includes(undefined) || (miles ?? 0) % 1 !== 0
      ? []
      : [
          `(TIMESTAMP '2001-06-03 00:00:00' + to_days(${weekday}) + to_minutes(${minutes}), ${miles}::BIGINT, '${airports[0]}', '${airports[1]}')`,
        ]
  })
  t.ok(flights.length >= 55, `${flights.length} golden rows are real flights`)
  const source = await make(
    `SELECT d AS date, 0::BIGINT AS delay, m AS distance, o AS origin, e AS destination FROM (VALUES ${flights.join(', ')}) AS t(d, m, o, e)`,
    20,
  )
  const answer = await features(source, { fit: { artefact: await fittedRef(fitted) }, keep: [] })
  const names = [
    'hour',
    'minute_of_day',
    'weekday',
    'distance_miles',
    'origin_rate',
    'destination_rate',
    'origin_frequency',
  ]
  const known = new Set(samples.inputs.X.map(row => JSON.stringify(row)))
  const made = await rows(answer.dataset)
  t.equal(made.filter(row => known.has(JSON.stringify(names.map(name => row[name])))).length, flights.length)
  t.same(
    answer.columns.map(({ name, type }) => `${name} ${type}`),
    [...names.map(name => `${name} float32`), 'delayed boolean'],
  )
})

t.test('a table without rows gets its columns, one row and odd names are no trouble', async t => {
  const { make, features, rows } = await bench(t)
  const columns: NonNullable<Parameters['columns']> = {
    a: { kind: 'standard', column: 'x' },
    b: { kind: 'target', column: 'word', target: 'x > 1' },
    c: { kind: 'rolling', column: 'x', measure: 'stddev', rows: 3, orderBy: 'at' },
    d: { kind: 'bins', column: 'x', count: 3 },
    e: { kind: 'oneHot', column: 'word' },
  }
  const empty = await make(`SELECT * FROM (${table([1], ['a'])}) WHERE false`)
  const none = await features(empty, { columns })
  t.match(none, { rows: 0, columns: [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }] })
  t.equal((await features(empty, { fit: { artefact: none.fitted } })).rows, 0)
  const one = await features(await make(table([1], ['a'])), { columns })
  t.match(await rows(one.dataset), [{ a: 0, b: 0, c: null, d: 1, e_a: 1 }])
  const odd = 'größe "π" \'x\''
  const strange = await features(await make(`SELECT 1.5::DOUBLE AS ${ident(odd)}`), {
    columns: { 'neu "1"': { kind: 'minMax', column: odd } },
  })
  t.same(await rows(strange.dataset), [{ [odd]: 1.5, 'neu "1"': 0 }])
})

t.test('what cannot be done is refused with a code, and says where', async t => {
  const { make, features, fittedRef } = await bench(t)
  const source = await make(table([null, null, null], ['a', 'b', 'c']))
  const cases: [Parameters, code: string, message?: RegExp][] = [
    [{}, 'MESHWORK_FEATURES_INPUT'],
    [{ columns: { a: '1' }, fit: { artefact: await fittedRef({}) } }, 'MESHWORK_FEATURES_INPUT'],
    [{ fit: { artefact: await fittedRef({}), where: 'true' } }, 'MESHWORK_FEATURES_INPUT'],
    [{ fit: { artefact: await fittedRef({ schema: 'other' }) } }, 'MESHWORK_FEATURES_FITTED_INVALID'],
    [
      {
        fit: {
          artefact: await fittedRef({
            schema: 'meshwork.features/1',
            columns: [{ name: 'a', spec: { kind: 'standard', column: 'i' } }],
          }),
        },
      },
      'MESHWORK_FEATURES_FITTED_INVALID',
      /nothing fitted/,
    ],
    [
      {
        fit: {
          artefact: await fittedRef({
            schema: 'meshwork.features/1',
            columns: Array.from({ length: 60 }, (_, n) => ({
              name: `f${n}`,
              spec: { kind: 'standard', column: n === 0 ? 'i' : `f${n - 1}` },
              fitted: { mean: 0, stddev: 1 },
            })),
          }),
        },
      },
      'MESHWORK_FEATURES_SPEC',
      /more than 50/,
    ],
    [{ columns: { a: 'wrod' } }, 'MESHWORK_COLUMN_MISSING', /Feature "a".*did you mean "word"/],
    [{ columns: { word: '1' } }, 'MESHWORK_COLUMN_EXISTS', /Feature "word"/],
    [{ columns: { a: '1', A: '2' } }, 'MESHWORK_COLUMN_EXISTS'],
    [{ columns: { a: '1' }, keep: ['y'] }, 'MESHWORK_COLUMN_MISSING', /"keep"/],
    [{ columns: { a: { kind: 'standard', column: 'word' } } }, 'MESHWORK_COLUMN_TYPE'],
    [{ columns: { a: { kind: 'datePart', column: 'i', part: 'hour' } } }, 'MESHWORK_COLUMN_TYPE'],
    [{ columns: { a: { kind: 'datePart', column: 'at', part: 'year', cyclic: 'sin' } } }, 'MESHWORK_FEATURES_SPEC'],
    [{ columns: { a: { kind: 'bins', column: 'i' } } }, 'MESHWORK_FEATURES_SPEC'],
    [{ columns: { a: { kind: 'bins', column: 'i', edges: [2, 1] } } }, 'MESHWORK_FEATURES_SPEC'],
    [{ columns: { a: { kind: 'minMax', column: 'i', min: 1, max: 1 } } }, 'MESHWORK_FEATURES_SPEC'],
    [{ columns: { a: { kind: 'target', column: 'word', target: 'word' } } }, 'MESHWORK_FEATURES_SPEC'],
    [{ columns: { a: { kind: 'target', column: 'word', target: 'x > 1' } } }, 'MESHWORK_FEATURES_NO_VALUES'],
    [{ columns: { a: { kind: 'standard', column: 'x' } } }, 'MESHWORK_FEATURES_NO_VALUES', /column "x"/],
    [{ columns: { a: { kind: 'ordinal', column: 'word', maxCategories: 2 } } }, 'MESHWORK_FEATURES_CATEGORIES'],
    [
      { columns: { a: { kind: 'ordinal', column: 'word' } }, fit: { where: 'i > 5' } },
      'MESHWORK_FEATURES_NOTHING_TO_FIT',
    ],
    [{ columns: { a: '1' }, fit: { where: 'i + 1' } }, 'MESHWORK_EXPRESSION_INVALID'],
    [{ columns: { a: "read_text('/etc/passwd')" } }, 'MESHWORK_EXPRESSION_INVALID'],
    [{ columns: { a: 'sum(i) over ()' } }, 'MESHWORK_EXPRESSION_INVALID'],
    [{ columns: { a: 'cast(word as integer)' } }, 'MESHWORK_EXPRESSION_FAILED', /Feature "a"/],
    [
      { columns: { b: { kind: 'target', column: 'word', target: 'cast(word as integer)' } } },
      'MESHWORK_EXPRESSION_FAILED',
      /Feature "b"/,
    ],
  ]
  for (const [parameters, code, message] of cases)
    await t.rejects(features(source, parameters), { code, ...(message && { message }) }, JSON.stringify(parameters))
})

t.test('a call over the protocol runs in a worker process, and a bad spec is a problem', async t => {
  const { store, make } = await bench(t)
  const dataset = await make(table([1, 2, 3], ['a', 'b', 'a']))
  const { app } = await stageApp(t, stage, new URL('../src/stage.ts', import.meta.url), { store })
  const call = async (columns: unknown) =>
    await app.inject({ method: 'POST', url: '/v2/features', payload: { dataset, columns } })
  const good = await call({ share: { kind: 'frequency', column: 'word' } })
  t.equal(good.statusCode, 200)
  t.match(good.json(), { rows: 3, columns: [{ name: 'share', type: 'float32' }], fitted: { kind: 'artefact' } })
  t.match((await call({ share: { kind: 'frequenzy', column: 'word' } })).json(), { status: 400, retryable: false })
  t.match((await call({ share: 'wrod' })).json(), { status: 422, code: 'MESHWORK_COLUMN_MISSING' })
})

t.test('contract 1 is served beside contract 2 until its sunset: other words for the same work', async t => {
  const { store, make } = await bench(t)
  const dataset = await make(table([1, 2, 3], ['a', 'b', 'a']))
  const { app } = await stageApp(t, stage, new URL('../src/stage.ts', import.meta.url), { store })
  const post = async (url: string, payload: object, key?: string) =>
    await app.inject({ method: 'POST', url, payload, headers: key === undefined ? {} : { 'idempotency-key': key } })
  const columns = { share: { kind: 'frequency', column: 'word' } }
  const old = await post('/v1/features', { dataset, columns, fitWhere: 'x < 3' }, 'one')
  const now = await post('/v2/features', { dataset, columns, fit: { where: 'x < 3' } })
  t.equal(old.statusCode, 200, old.body)
  t.same(old.json(), now.json())
  t.match(old.headers, { deprecation: /^@\d{10}$/, sunset: 'Tue, 30 Nov 2027 00:00:00 GMT' })
  t.notOk('deprecation' in now.headers || 'sunset' in now.headers)
  t.same((await post('/v1/features', { dataset, columns, fitWhere: 'x < 3' }, 'one')).json(), old.json())

  const { fitted } = old.json<FeaturesOutput>()
  t.equal((await post('/v1/features', { dataset, fitted })).statusCode, 200)
  t.equal((await post('/v1/features', { dataset, fit: { artefact: fitted } })).statusCode, 400, 'a word of contract 2')
  t.equal((await post('/v2/features', { dataset, fitted })).statusCode, 400, 'a word of contract 1')
  t.match((await post('/v1/features', { dataset, fitted, fitWhere: 'x < 3' })).json(), {
    code: 'MESHWORK_FEATURES_INPUT',
  })

  const plan = await post('/v1/features/plan', { dataset, columns, fitWhere: 'y < 3' })
  t.match(plan.json(), { findings: [{ pointer: '/fitWhere', code: 'MESHWORK_COLUMN_MISSING' }] })
  t.match(plan.headers, { deprecation: /^@/ })
  t.match((await post('/v2/features/plan', { dataset, columns, fit: { where: 'y < 3' } })).json(), {
    findings: [{ pointer: '/fit/where', code: 'MESHWORK_COLUMN_MISSING' }],
  })
  t.match((await post('/v1/features/plan', { dataset, fit: {} })).json(), { findings: [{ pointer: '/fit' }] })
  t.match((await app.inject('/v1/stage')).json(), {
    version: '2.0.0',
    contracts: [
      { major: 2, path: '/v2/features' },
      { major: 1, path: '/v1/features', deprecated: '2026-11-23', sunset: '2027-11-30' },
    ],
  })
})
