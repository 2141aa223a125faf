import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InferenceInput } from '@meshwork/contracts'
import { directCalls, startStage } from '@meshwork/kit/testing'
import t from 'tap'
import { inferenceStage, stage } from '../src/stage.ts'
import { float, publish } from './repository-folder.ts'

type Request = Omit<InferenceInput, 'dataset'>
const pairs = (rows: number) =>
  `SELECT range::FLOAT AS a, (range * 2)::BIGINT AS b, 'r' || range AS "row ""id""" FROM range(${rows})`
const sum = { inputs: [float('x', 2, ['a', 'b'])], outputs: [float('y', 1)] }
const modelsFolder = new URL('../../../models/', import.meta.url)

t.test('the golden rows of the models in the repository', async t => {
  const calls = await directCalls(t)
  for (const [model, output] of [
    ['flight-delay', 'probabilities'],
    ['seed', 'score'],
  ] as const) {
    const read = async (file: string) => JSON.parse(await readFile(new URL(`${model}/1/${file}`, modelsFolder), 'utf8'))
    const { inputs } = await read('manifest.json')
    const samples = await read('samples.json')
    const rows = Object.values(samples.inputs)[0] as number[][]
    const list = rows.map((row, i) => `(${i}, ${row.map(value => `${value}::FLOAT`).join(', ')})`)
    const names = ['row', ...inputs[0].columns].join(', ')
    const dataset = await calls.table(`SELECT * FROM (VALUES ${list.join(', ')}) AS v(${names})`, 24)
    const answer = await calls.call(stage, { dataset, model })
    t.match(answer, { rows: rows.length, model: { name: model, version: 1 } })
    const wanted = (samples.outputs[output] as (number | number[])[]).map(value => [value].flat().at(-1) as number)
    const column = answer.columns.at(-1)?.name as string
    const got = (await calls.rows(answer.dataset)).map(row => Number(row[column]))
    t.equal(got.length, wanted.length)
    t.ok(
      got.every((value, i) => Math.abs(value - (wanted[i] as number)) < 1e-5),
      `${model}: all within 1e-5`,
    )
  }
})

t.test('rows keep their order over parts and batches, and equal work has equal hashes', async t => {
  const calls = await directCalls(t)
  const folder = join(t.testdirName, 'models')
  await publish(folder, 'sum', 'sum', sum)
  for (const [name, batch] of [
    ['sum-of-one', 1],
    ['sum-of-four', 4],
  ] as const)
    await publish(folder, name, name, {
      inputs: [{ ...float('x', 2, ['a', 'b']), shape: [batch, 2] }],
      outputs: [{ ...float('y', 1), shape: [batch, 1] }],
    })
  const own = inferenceStage(folder)
  const dataset = await calls.table(pairs(10_007), 3000)
  const hashes = new Set<string>()
  for (const request of [
    { model: 'sum' },
    { model: 'sum', batchRows: 1 },
    { model: 'sum', batchRows: 777 },
    { model: 'sum-of-one' },
    { model: 'sum-of-four' },
  ]) {
    const answer = await calls.call(own, { dataset, ...request })
    const rows = await calls.rows(answer.dataset)
    t.ok(
      rows.every((row, i) => row['a'] === i && row['y'] === 3 * i && row['row "id"'] === `r${i}`),
      JSON.stringify(request),
    )
    hashes.add(answer.dataset.hash)
  }
  t.equal(hashes.size, 1)
  t.ok(calls.progress.every((fraction, i) => i === 0 || fraction >= 0))
})

t.test('every type of tensor goes in and comes out', async t => {
  const calls = await directCalls(t)
  const folder = join(t.testdirName, 'models')
  const casts = {
    float32: ['0.5::FLOAT', 0.5],
    float64: ['0.1::DOUBLE', 0.1],
    int8: ['(-128)::TINYINT', -128],
    int16: ['(-32768)::SMALLINT', -32768],
    int32: ['(-2147483648)::INTEGER', -2147483648],
    int64: ['9223372036854775807::BIGINT', '9223372036854775807'],
    uint8: ['255::UTINYINT', 255],
    uint16: ['65535::USMALLINT', 65535],
    uint32: ['4294967295::UINTEGER', 4294967295],
    uint64: ['18446744073709551615::UBIGINT', '18446744073709551615'],
    bool: ['true', true],
    string: [`'naïve ☂'`, 'naïve ☂'],
  } as const
  const shape = (kind: string) => (kind === 'int32' ? [-1] : [-1, 1])
  await publish(folder, 'kinds', 'kinds', {
    inputs: Object.keys(casts).map(kind => ({ name: `in_${kind}`, type: kind, shape: shape(kind), columns: [kind] })),
    outputs: Object.keys(casts).map(kind => ({ name: `out_${kind}`, type: kind, shape: shape(kind) })),
  })
  const list = Object.entries(casts).map(([kind, [sql]]) => `${sql} AS ${kind}`)
  const dataset = await calls.table(`SELECT ${list.join(', ')} FROM range(5000)`, 4000)
  const answer = await calls.call(inferenceStage(folder), { dataset, model: 'kinds' })
  const rows = await calls.rows(answer.dataset)
  t.equal(rows.length, 5000)
  for (const [kind, [, value]] of Object.entries(casts))
    t.ok(
      rows.every(row => row[`out_${kind}`] === value),
      `${kind}: ${String(rows[0]?.[`out_${kind}`])}`,
    )
  t.same(
    answer.columns.map(({ type }) => type),
    Object.keys(casts).map(kind => (kind === 'bool' ? 'boolean' : kind)),
  )
})

t.test('outputs become the columns that are asked for, or all of them by label', async t => {
  const calls = await directCalls(t)
  const folder = join(t.testdirName, 'models')
  const inputs = [float('x', 3, ['p', 'q', 'r'])]
  await publish(folder, 'plain', 'same', { inputs, outputs: [float('y', 3)] })
  await publish(folder, 'named', 'same', { inputs, outputs: [{ ...float('y', 3), labels: ['no', 'maybe', 'yes'] }] })
  const own = inferenceStage(folder)
  const dataset = await calls.table('SELECT 1::FLOAT AS p, 2::DOUBLE AS q, true AS r, 7::TINYINT AS s')
  const cases: [Request, Record<string, number>][] = [
    [{ model: 'plain' }, { y_0: 1, y_1: 2, y_2: 1 }],
    [{ model: 'named' }, { y_no: 1, y_maybe: 2, y_yes: 1 }],
    [
      { model: 'named', outputs: { second: { output: 'y', index: 1 }, 'a "b"': { output: 'y', index: 0 } } },
      { 'a "b"': 1, second: 2 },
    ],
    [
      { model: 'plain', inputs: { x: ['s', 's', 'p'] } },
      { y_0: 7, y_1: 7, y_2: 1 },
    ],
  ]
  for (const [request, wanted] of cases) {
    const answer = await calls.call(own, { dataset, ...request })
    t.same(
      answer.columns.map(({ name }) => name),
      Object.keys(wanted),
    )
    t.match((await calls.rows(answer.dataset))[0], wanted)
  }
})

t.test('nulls are refused with column and count, or sent as NaN where that was asked for', async t => {
  const calls = await directCalls(t)
  const folder = join(t.testdirName, 'models')
  await publish(folder, 'missing', 'missing', {
    inputs: [float('x', 1, ['a'])],
    outputs: [{ name: 'isnan', type: 'bool', shape: [-1, 1] }],
  })
  await publish(folder, 'pick', 'pick', {
    inputs: [{ name: 'i', type: 'int64', shape: [-1], columns: ['i'] }],
    outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
  })
  const own = inferenceStage(folder)
  const dataset = await calls.table(
    'SELECT CASE WHEN range % 1000 = 999 THEN NULL ELSE range END::FLOAT AS a, NULL::BIGINT AS i FROM range(3000)',
    1100,
  )
  await t.rejects(calls.call(own, { dataset, model: 'missing' }), {
    code: 'MESHWORK_INFERENCE_NULLS',
    message: /"a".* 3 nulls/,
  })
  const answer = await calls.call(own, { dataset, model: 'missing', nulls: 'nan' })
  t.ok((await calls.rows(answer.dataset)).every(row => row['isnan'] === (row['a'] === null)))
  await t.rejects(calls.call(own, { dataset, model: 'pick', nulls: 'nan' }), { code: 'MESHWORK_INFERENCE_NULLS' })
})

t.test('a dataset without rows gets the columns, and one row is enough', async t => {
  const calls = await directCalls(t)
  const folder = join(t.testdirName, 'models')
  await publish(folder, 'sum', 'sum', sum)
  const own = inferenceStage(folder)
  const none = await calls.call(own, { dataset: await calls.table(pairs(0)), model: 'sum' })
  t.match(none, { rows: 0, columns: [{ name: 'y', type: 'float32' }] })
  t.equal(none.dataset.columns.length, 4)
  const one = await calls.call(own, { dataset: await calls.table(`${pairs(8)} WHERE range = 7`), model: 'sum' })
  t.match(await calls.rows(one.dataset), [{ a: 7, y: 21 }])
})

t.test('what cannot be run is refused by its code, and the service goes on', async t => {
  const calls = await directCalls(t)
  const folder = join(t.testdirName, 'models')
  const put = async (name: string, model: string, about: Partial<Parameters<typeof publish>[3]> = {}) =>
    await publish(folder, name, model, { ...sum, ...about })
  const one = { inputs: [float('x', 1, ['a'])], outputs: [float('y', 1)] }
  await put('sum', 'sum')
  await put('sum', 'sum', { version: 3 })
  await put('text', 'sum', { content: () => 'this is not a model' })
  await put('cut', 'sum', { content: whole => whole.subarray(0, whole.length >> 1) })
  await put('changed', 'sum', { manifest: manifest => ({ ...manifest, sha256: 'a'.repeat(64) }) })
  await put('no-json', 'sum', { manifest: () => '{' })
  await put('half-manifest', 'sum', { manifest: manifest => ({ ...manifest, inputs: [] }) })
  await put('other-name', 'sum', { manifest: manifest => ({ ...manifest, name: 'sum' }) })
  await put('up', 'sum', { manifest: manifest => ({ ...manifest, file: '../../sum/1/model.onnx' }) })
  await put('gone', 'sum', { manifest: manifest => ({ ...manifest, file: 'other.onnx' }) })
  await put('typed', 'sum', { inputs: [{ ...float('x', 2), type: 'float64' }] })
  await put('narrow', 'sum', { inputs: [float('x', 5)] })
  await put('renamed', 'sum', { outputs: [float('z', 1)] })
  await put('sequence', 'sequence', one)
  await put('half', 'half', {
    inputs: [{ ...float('x', 1, ['a']), type: 'float16' }],
    outputs: [{ ...float('y', 1), type: 'float16' }],
  })
  await put('total', 'total', one)
  await put('silent', 'sum', { inputs: [float('x', 2)] })
  await put('pick', 'pick', {
    inputs: [{ name: 'i', type: 'int64', shape: [-1], columns: ['b'] }],
    outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
  })
  const own = inferenceStage(folder)
  const dataset = await calls.table(pairs(1000))
  const named = 'row "id"'
  const cases: [Request, code: string, says: RegExp][] = [
    [{ model: 'summ' }, 'MODEL_UNKNOWN', /did you mean "sum"/],
    [{ model: 'sum', version: 2 }, 'VERSION_UNKNOWN', /1, 3/],
    [{ model: 'text' }, 'MODEL_UNREADABLE', /ONNX Runtime/],
    [{ model: 'cut' }, 'MODEL_UNREADABLE', /ONNX Runtime/],
    [{ model: 'changed' }, 'MODEL_CORRUPT', /aaaa/],
    [{ model: 'no-json' }, 'MANIFEST_INVALID', /not JSON/],
    [{ model: 'half-manifest' }, 'MANIFEST_INVALID', /inputs/],
    [{ model: 'other-name' }, 'MANIFEST_INVALID', /it is of sum/],
    [{ model: 'up' }, 'MANIFEST_INVALID', /file/],
    [{ model: 'gone' }, 'MODEL_UNREADABLE', /: the file cannot be read \(ENOENT\)/],
    [{ model: 'typed' }, 'SIGNATURE', /float32.*float64/],
    [{ model: 'narrow' }, 'SIGNATURE', /shape/],
    [{ model: 'renamed' }, 'SIGNATURE', /"z"/],
    [{ model: 'sequence' }, 'MODEL_UNSUPPORTED', /zipmap/],
    [{ model: 'half' }, 'MODEL_UNSUPPORTED', /float16/],
    [{ model: 'total' }, 'BATCH_MISMATCH', /\[1, 1\]/],
    [{ model: 'pick' }, 'RUN_FAILED', /Gather|index|bounds/i],
    [{ model: 'silent' }, 'INPUTS', /no columns are named/],
    [{ model: 'sum', inputs: { y: ['a'] } }, 'INPUTS', /no input "y"/],
    [{ model: 'sum', inputs: { x: ['a'] } }, 'INPUTS', /takes \[2\]/],
    [{ model: 'sum', inputs: { x: ['a', 'bb'] } }, 'MESHWORK_COLUMN_MISSING', /did you mean "b"/],
    [{ model: 'sum', inputs: { x: ['a', named] } }, 'MESHWORK_COLUMN_TYPE', /string/],
    [{ model: 'pick', inputs: { i: ['a'] } }, 'MESHWORK_COLUMN_TYPE', /integer/],
    [{ model: 'sum', outputs: { a: { output: 'y' } } }, 'MESHWORK_COLUMN_EXISTS', /"a"/],
    [{ model: 'sum', outputs: { c: { output: 'yy' } } }, 'OUTPUTS', /did you mean "y"/],
    [{ model: 'sum', outputs: { c: { output: 'y', index: 1 } } }, 'OUTPUTS', /no index 1/],
  ]
  for (const [request, code, says] of cases)
    await t.rejects(
      calls.call(own, { dataset, ...request }),
      { code: code.startsWith('MESHWORK_') ? code : `MESHWORK_INFERENCE_${code}`, message: says },
      JSON.stringify(request),
    )
  t.match(await calls.call(own, { dataset, model: 'sum' }), { rows: 1000, model: { version: 3 } })
})

t.test('a call that is cancelled ends, and the next one works', async t => {
  const calls = await directCalls(t)
  const folder = join(t.testdirName, 'models')
  await publish(folder, 'sum', 'sum', sum)
  const own = inferenceStage(folder)
  const dataset = await calls.table(pairs(200_000), 20_000)
  const gone = new AbortController()
  const calling = calls.call(own, { dataset, model: 'sum', batchRows: 1 }, gone.signal)
  const reason = new Error('the caller went away')
  gone.abort(reason)
  await t.rejects(calling, reason)
  t.match(await calls.call(own, { dataset, model: 'sum' }), { rows: 200_000 })
})

t.test('as a service: two models at a time, metrics, and an end that waits for the threads', async t => {
  const calls = await directCalls(t)
  const folder = join(t.testdirName, 'models')
  await publish(folder, 'sum', 'sum', sum)
  await publish(folder, 'one', 'sum-of-one', {
    inputs: [{ ...float('x', 2, ['a', 'b']), shape: [1, 2] }],
    outputs: [{ ...float('y', 1), shape: [1, 1] }],
  })
  const dataset = await calls.table(pairs(20_000), 7000)
  const service = await startStage(t, inferenceStage(), new URL('../src/stage.ts', import.meta.url), {
    store: calls.store,
    environment: { MESHWORK_MODELS_DIR: folder },
  })
  const ask = async (body: object) => {
    const response = await fetch(`${service.url}/v1/inference`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const [first, second, third] = await Promise.all([
    ask({ dataset, model: 'sum' }),
    ask({ dataset, model: 'one' }),
    ask({ dataset, model: 'two' }),
  ])
  t.match(first, { status: 200, body: { rows: 20_000 } })
  t.match(second, { status: 200, body: { rows: 20_000 } })
  t.same(first.body['dataset'], second.body['dataset'])
  t.match(third, { status: 404, body: { code: 'MESHWORK_INFERENCE_MODEL_UNKNOWN', retryable: false } })
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  t.match(metrics, /meshwork_inference_rows_total\{[^}]*model="sum",version="1"[^}]*\} 20000/)
  t.match(metrics, /meshwork_inference_models_loaded(\{[^}]*\})? 2/)
  t.match(metrics, /meshwork_inference_batch_duration_seconds_count\{[^}]*model="one"/)
})
