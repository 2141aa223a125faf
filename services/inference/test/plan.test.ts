import { join } from 'node:path'
import type { InferenceInput } from '@meshwork/contracts'
import { comparePlan, directCalls, planned, seeded, shownPlan, unknownValue } from '@meshwork/kit/testing'
import t from 'tap'
import { inferenceStage } from '../src/stage.ts'
import { float, publish } from './repository-folder.ts'

async function stageOf(folder: string) {
  await publish(folder, 'sum', 'sum', { inputs: [float('x', 2, ['a', 'b'])], outputs: [float('y', 1)] })
  const same = { inputs: [float('x', 3)], outputs: [float('y', 3)] }
  await publish(folder, 'plain', 'same', same)
  await publish(folder, 'named', 'same', {
    inputs: [float('x', 3, ['a', 'b', 'c'])],
    outputs: [{ ...float('y', 3), labels: ['no', 'maybe', 'yes'] }],
  })
  return inferenceStage(folder)
}

t.test('the columns that the model adds, and every fault at its place', async t => {
  const calls = await directCalls(t)
  const stage = await stageOf(join(t.testdirName, 'models'))
  const table = 'a float32, b int32, c float64, word string'
  const cases: [title: string, dataset: string, request: object, columns: string, findings: string[]][] = [
    ['one value', table, { model: 'sum' }, `${table}, y float32`, []],
    ['labels', table, { model: 'named' }, `${table}, y_no float32, y_maybe float32, y_yes float32`, []],
    [
      'named outputs, by name',
      table,
      { model: 'named', outputs: { z: { output: 'y', index: 0 }, p: { output: 'y', index: 2 } } },
      `${table}, p float32, z float32`,
      [],
    ],
    [
      'every column that is not there',
      'a float32',
      { model: 'named' },
      'a float32, y_no float32, y_maybe float32, y_yes float32',
      ['error /dataset MESHWORK_COLUMN_MISSING', 'error /dataset MESHWORK_COLUMN_MISSING'],
    ],
    [
      'several at once',
      table,
      { model: 'sum', inputs: { x: ['a', 'word'] }, outputs: { p: { output: 'why' } } },
      `${table}, …`,
      ['error /inputs MESHWORK_COLUMN_TYPE', 'error /outputs MESHWORK_INFERENCE_OUTPUTS'],
    ],
    [
      'the place of a column that is not there',
      table,
      { model: 'sum', inputs: { x: ['a', 'd'] } },
      `${table}, y float32`,
      ['error /inputs/x/1 MESHWORK_COLUMN_MISSING'],
    ],
    [
      'widths that do not add up',
      table,
      { model: 'sum', inputs: { x: ['a', 'b', 'c'] } },
      `${table}, y float32`,
      ['error /inputs MESHWORK_INFERENCE_INPUTS'],
    ],
    ['an input without columns', table, { model: 'plain' }, '', ['error /dataset MESHWORK_INFERENCE_INPUTS']],
    [
      'a name that is taken',
      'a float32, b float32, Y int8',
      { model: 'sum' },
      '',
      ['error /model MESHWORK_COLUMN_EXISTS'],
    ],
    ['no such model', table, { model: 'sums' }, `${table}, …`, ['error /model MESHWORK_INFERENCE_MODEL_UNKNOWN']],
    [
      'no such version',
      table,
      { model: 'sum', version: 7 },
      `${table}, …`,
      ['error /version MESHWORK_INFERENCE_VERSION_UNKNOWN'],
    ],
    ['an unknown model', table, { model: unknownValue }, `${table}, …`, []],
    [
      'an open dataset',
      'a float32, …',
      { model: 'sum' },
      'a float32, y float32, …',
      ['warning /dataset MESHWORK_COLUMN_MISSING'],
    ],
  ]
  for (const [title, dataset, request, columns, findings] of cases) {
    const found = shownPlan(await calls.plan(stage, { dataset: planned(dataset), ...request }))
    t.strictSame(found.findings, findings, title)
    if (columns !== '') t.equal(found['/dataset'], columns, `${title}: columns`)
  }
})

t.test('generated requests: the plan and the call agree', async t => {
  const calls = await directCalls(t)
  const stage = await stageOf(join(t.testdirName, 'models'))
  const dataset = await calls.table(
    `SELECT i::FLOAT AS a, i::INTEGER AS b, i / 2.0::DOUBLE AS c, 'w' || i AS word, i > 2 AS ok FROM range(5) AS t(i)`,
  )
  const { next, pick } = seeded(23)
  const name = () => pick(['a', 'a', 'b', 'b', 'c', 'word', 'ok', 'none'])
  const output = () => ({ output: pick(['y', 'y', 'y', 'z']), ...(next() < 0.7 ? { index: pick([0, 1, 2, 3]) } : {}) })
  const seen = { done: 0, refused: 0 }
  for (let i = 0; i < 60; i++) {
    const input: InferenceInput = {
      dataset,
      model: pick(['sum', 'plain', 'named', 'named', 'none']),
      ...(next() < 0.4 ? { inputs: { x: Array.from({ length: pick([2, 3, 3]) }, name) } } : {}),
      ...(next() < 0.4 ? { outputs: { p: output(), [pick(['q', 'A'])]: output() } } : {}),
      ...(next() < 0.2 ? { version: pick([1, 2]) } : {}),
    }
    const { run, fault } = await comparePlan(calls, stage, input, new Set())
    seen[run]++
    t.equal(fault, undefined, JSON.stringify({ ...input, dataset: undefined }))
  }
  t.ok(seen.done > 8 && seen.refused > 8, `both happen: ${JSON.stringify(seen)}`)
})
