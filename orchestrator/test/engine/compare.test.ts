import type { RunView, StepView } from '@meshwork/contracts'
import t from 'tap'
import { compareRuns } from '../../src/engine/compare.ts'

const run = (more: Partial<RunView> = {}): RunView => ({
  id: 'r',
  workflow: 'w',
  version: 1,
  status: 'succeeded',
  params: { x: 1, list: [1, { b: 2, a: 1 }] },
  outputs: { y: 1 },
  problem: null,
  forkedFrom: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  parent: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:02.500Z',
  ...more,
})
const step = (name: string, more: Partial<StepView> = {}): StepView => ({
  name,
  stage: 's',
  version: '1.0.0',
  status: 'succeeded',
  attempts: 1,
  generation: 1,
  rows: null,
  seconds: 1,
  progress: null,
  items: null,
  inputHash: 'i',
  outputHash: 'o',
  output: null,
  problem: null,
  startedAt: null,
  endedAt: null,
  ...more,
})

t.test('runs that came to the same are the same, whatever their times, ids and the order of keys', async t => {
  const left = { run: run(), steps: [step('a'), step('b')] }
  const right = {
    run: run({ id: 'other', params: { list: [1, { a: 1, b: 2 }], x: 1 }, endedAt: '2026-01-01T00:00:09.000Z' }),
    steps: [step('a', { status: 'reused', seconds: 0, attempts: 0 }), step('b', { seconds: 9 })],
  }
  t.match(compareRuns(left, right), {
    same: true,
    params: [],
    outputs: [],
    firstDifference: null,
    seconds: { left: 2.5, right: 9 },
  })
})

t.test('each difference is told in its place, and the first step that differs', async t => {
  const left = { run: run(), steps: [step('a'), step('b'), step('gone')] }
  const right = {
    run: run({
      version: 2,
      params: { x: 2, list: [1, { a: 1, b: 2 }], more: null },
      outputs: null,
      status: 'failed',
      endedAt: null,
    }),
    steps: [
      step('a', { inputHash: 'j', outputHash: 'p' }),
      step('b', { version: '1.1.0', status: 'failed', outputHash: null }),
      step('new'),
    ],
  }
  const compared = compareRuns(left, right)
  t.match(compared, {
    same: false,
    workflow: { same: false, left: 'w@1', right: 'w@2' },
    seconds: { left: 2.5, right: null },
    firstDifference: 'a',
  })
  t.same(compared.params, [
    { name: 'more', left: null, right: null },
    { name: 'x', left: 1, right: 2 },
  ])
  t.same(compared.outputs, [{ name: 'y', left: 1, right: null }])
  t.same(
    compared.steps.map(({ name, differs }) => [name, differs]),
    [
      ['a', ['input', 'output']],
      ['b', ['status', 'version', 'output']],
      ['gone', ['presence']],
      ['new', ['presence']],
    ],
  )
})
