// Records that come by themselves get what a workflow over a dataset gives them.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { OnlineOutput } from '@meshwork/contracts'
import { directCalls, startStage } from '@meshwork/kit/testing'
import t, { type Test } from 'tap'
import { stage as features } from '../../features/src/stage.ts'
import { inferenceStage } from '../src/stage.ts'
import { float, publish } from './repository-folder.ts'

const models = fileURLToPath(new URL('../../../models/', import.meta.url))
const columns = [
  { name: 'date', type: 'timestamp' },
  { name: 'distance', type: 'int64' },
  { name: 'origin', type: 'string' },
  { name: 'destination', type: 'string' },
]
/** Flights of which some leave from where the model has never been. */
const flights = (rows: number) => `SELECT
  TIMESTAMP '2001-01-01' + to_minutes((range * 7919) % 525600) AS date, (100 + (range * 37) % 2500)::BIGINT AS distance,
  ['ABQ', 'ATL', 'BOS', 'DEN', 'LAX', 'ORD', 'SEA', 'nowhere'][1 + range % 8] AS origin,
  ['ANC', 'DFW', 'JFK', 'MIA', 'SFO', 'TUS', ''][1 + range % 7] AS destination, (range % 90)::BIGINT - 20 AS delay FROM range(${rows})`

async function service(t: Test, folder = models) {
  const started = await startStage(t, inferenceStage(folder), new URL('../src/stage.ts', import.meta.url))
  const ready = async () => (await fetch(`${started.url}/v2/health/ready`)).status === 200
  while (!(await ready())) continue
  const ask = async (body: object) => {
    const answer = await fetch(`${started.url}/v1/inference/online`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const json = (await answer.json()) as OnlineOutput & { code: string; detail: string }
    return { status: answer.status, json }
  }
  return { ...started, ask }
}

t.test(
  '10,000 records one request after another: equal to the bit to the workflow over a dataset',
  { timeout: 120_000 },
  async t => {
    const rows = 10_000
    const calls = await directCalls(t)
    const { hash, bytes } = await calls.store.put(await readFile(`${models}/flight-delay/1/features.json`))
    const artefact = { kind: 'artefact' as const, hash, bytes, mediaType: 'application/json' }
    const dataset = await calls.table(flights(rows), 3000)
    const made = await calls.call(features, { dataset, fit: { artefact } })
    const outputs = { probability: { output: 'probabilities', index: 1 }, label: { output: 'label' } }
    const stage = inferenceStage(models)
    const batch = await calls.call(stage, { dataset: made.dataset, model: 'flight-delay', outputs })
    const expected = await calls.rows(batch.dataset)
    const { ask } = await service(t)
    const records = expected.map(({ date, distance, origin, destination }) => ({ date, distance, origin, destination }))
    const got: object[] = []
    for (let from = 0, size = 1; from < rows; from += size, size = Math.min(2500, size * 3)) {
      const { status, json } = await ask({
        model: 'flight-delay',
        outputs,
        columns,
        records: records.slice(from, from + size),
      })
      t.equal(status, 200, json.detail)
      got.push(...(json.records ?? []))
    }
    t.equal(got.length, rows)
    const different = expected.findIndex(
      ({ probability, label }, i) =>
        !Object.is(probability, (got[i] as (typeof expected)[0])['probability']) ||
        label !== (got[i] as (typeof expected)[0])['label'],
    )
    t.equal(different, -1, different < 0 ? 'all equal' : JSON.stringify([expected[different], got[different]]))
    t.ok(new Set(got.map(record => JSON.stringify(record))).size > 1000, 'and not all the same')
  },
)

t.test(
  'what does not fit is told with the record and the column, and the next request is answered',
  { timeout: 120_000 },
  async t => {
    const { ask } = await service(t)
    const record = { date: '2001-06-01T18:05:00', distance: 300, origin: 'ABQ', destination: 'SFO' }
    const one = (change: object, more: object = {}) =>
      ask({ model: 'flight-delay', columns, records: [record, { ...record, ...change }], ...more })
    t.match(await one({}), {
      status: 200,
      json: { model: { name: 'flight-delay', version: 1 }, columns: [{ name: 'label' }, {}, {}], records: [{}, {}] },
    })
    for (const [what, answer, status, code, says] of [
      [
        'a time that is none',
        one({ date: 'yesterday' }),
        422,
        'MESHWORK_RECORD_INVALID',
        /Record 1 .*"yesterday" is not a timestamp.*"date"/,
      ],
      ['a fraction', one({ distance: 1.5 }), 422, 'MESHWORK_RECORD_INVALID', /1.5 is not a int64.*"distance"/],
      [
        'an unknown column',
        one({ orign: 'A' }),
        422,
        'MESHWORK_RECORD_INVALID',
        /"orign" is not one of its columns.*"origin"/,
      ],
      ['a null', one({ date: null }), 422, 'MESHWORK_INFERENCE_NULLS', /Column "hour".*1 nulls/],
      ['a list', one({ origin: [] }), 400, 'MESHWORK_REQUEST_INVALID', /origin/],
      ['no such model', one({}, { model: 'none' }), 404, 'MESHWORK_INFERENCE_MODEL_UNKNOWN', /flight-delay/],
      ['no such version', one({}, { version: 7 }), 404, 'MESHWORK_INFERENCE_VERSION_UNKNOWN', /no version 7/],
      ['no such output', one({}, { outputs: { a: { output: 'b' } } }), 422, 'MESHWORK_INFERENCE_OUTPUTS', /"b"/],
      [
        'a column that features need',
        ask({ model: 'flight-delay', columns: columns.slice(1), records: [{ distance: 1 }] }),
        422,
        'MESHWORK_COLUMN_MISSING',
        /"date"/,
      ],
      [
        'nobody says the columns',
        ask({ model: 'seed', records: [{ f1: 1 }] }),
        422,
        'MESHWORK_INFERENCE_RECORD_COLUMNS',
        /"columns"/,
      ],
    ] as const) {
      const { status: got, json } = await answer
      t.equal(got, status, what)
      t.equal(json.code, code, what)
      t.match(json.detail, says, what)
    }
    t.equal((await one({})).status, 200)
  },
)

t.test(
  'a model without features takes its inputs from the records, as its manifest describes them',
  { timeout: 120_000 },
  async t => {
    const folder = t.testdir()
    await publish(folder, 'sum', 'sum', {
      inputs: [float('x', 2, ['a', 'b'])],
      outputs: [float('y', 1)],
      manifest: m => ({
        ...m,
        records: [
          { name: 'a', type: 'int32' },
          { name: 'b', type: 'float64' },
        ],
      }),
    })
    const { ask } = await service(t, folder)
    const { json } = await ask({
      model: 'sum',
      records: [
        { a: 1, b: 0.5 },
        { b: -1, a: '2' },
      ],
    })
    t.same(json.records, [{ y: 1.5 }, { y: 1 }])
  },
)
