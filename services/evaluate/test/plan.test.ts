import type { EvaluateInput } from '@meshwork/contracts'
import { comparePlan, directCalls, planned, seeded, shownPlan, unknownValue } from '@meshwork/kit/testing'
import t from 'tap'
import { stage } from '../src/stage.ts'

const judged = 'truth boolean, p float64, team string, n int32'

t.test('every fault at its place', async t => {
  const calls = await directCalls(t)
  const two = { task: 'classification', target: 'truth', score: 'p' }
  const cases: [title: string, dataset: string, request: object, findings: string[]][] = [
    ['nothing', judged, { ...two, where: 'n > 1', slices: ['team'], gates: [{ metric: 'rocAuc', min: 0.5 }] }, []],
    [
      'several at once',
      judged,
      {
        ...two,
        score: 'team',
        where: 'n',
        slices: ['tema', { expression: 'n +', as: 'x' }],
        gates: [{ metric: 'rocAuc', min: 0.5 }, { metric: 'mae', max: 1 }, { metric: 'f1' }],
      },
      [
        'error /where MESHWORK_EXPRESSION_INVALID',
        'error /slices/0 MESHWORK_COLUMN_MISSING',
        'error /slices/1 MESHWORK_EXPRESSION_INVALID',
        'error /score MESHWORK_EVALUATE_REQUEST',
        'error /gates/1 MESHWORK_EVALUATE_REQUEST',
        'error /gates/2 MESHWORK_EVALUATE_REQUEST',
      ],
    ],
    ['a target that is not there', judged, { ...two, target: 'trut' }, ['error /target MESHWORK_COLUMN_MISSING']],
    ['labels need a positive one', judged, { ...two, target: 'team' }, ['error /target MESHWORK_EVALUATE_REQUEST']],
    [
      'regression of words',
      judged,
      { task: 'regression', target: 'team', prediction: 'truth' },
      ['error /target MESHWORK_EVALUATE_REQUEST', 'error /prediction MESHWORK_EVALUATE_REQUEST'],
    ],
    [
      'scores of classes',
      judged,
      { task: 'classification', target: 'team', scores: { a: 'p', 'b/c': 'q', d: 'team' } },
      ['error /scores/b~1c MESHWORK_COLUMN_MISSING', 'error /scores/d MESHWORK_EVALUATE_REQUEST'],
    ],
    ['nothing to judge', judged, { task: 'regression', target: 'p' }, ['error  MESHWORK_EVALUATE_REQUEST']],
    [
      'two slicings of one name',
      judged,
      { ...two, slices: ['team', { expression: 'n', as: 'team' }] },
      ['error /slices MESHWORK_EVALUATE_REQUEST'],
    ],
    ['an open dataset', 'p float64, …', two, ['warning /target MESHWORK_COLUMN_MISSING']],
    ['an unknown threshold', judged, { ...two, threshold: unknownValue }, []],
  ]
  for (const [title, dataset, request, findings] of cases)
    t.strictSame(shownPlan(await calls.plan(stage, { dataset: planned(dataset), ...request })), { findings }, title)
})

const ofData = new Set(['MESHWORK_EVALUATE_LABELS', 'MESHWORK_EVALUATE_SCORE_RANGE', 'MESHWORK_EVALUATE_GATE'])

t.test('generated requests: the plan and the call agree', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT i % 2 = 0 AS truth, i / 20.0::DOUBLE AS p, 'w' || i % 3 AS team, (i % 2)::INTEGER AS n FROM range(20) AS t(i)`,
  )
  const { next, pick } = seeded(13)
  const term = () => pick(['truth', 'p', 'p', 'team', 'n', 'p > 0.5', 'none'])
  const maybe = <T extends object>(share: number, value: T): Partial<T> => (next() < share ? value : {})
  const seen = { done: 0, refused: 0 }
  for (let i = 0; i < 120; i++) {
    const input = {
      dataset,
      task: pick(['classification', 'classification', 'regression'] as const),
      target: term(),
      ...maybe(0.5, { prediction: term() }),
      ...maybe(0.5, { score: pick(['p', 'p', 'n', 'team']) }),
      ...maybe(0.15, { scores: { w0: pick(['p', 'team']), w1: 'p' } }),
      ...maybe(0.15, { positive: pick(['w1', 'true']) }),
      ...maybe(0.1, { threshold: 0.3 }),
      ...maybe(0.2, { where: pick(['n = 1', 'n']) }),
      ...maybe(0.3, { slices: [pick(['team', 'n', 'none'])] }),
      ...maybe(0.3, { gates: [{ metric: pick(['f1', 'rocAuc', 'mae'] as const), min: 0 }] }),
    } as EvaluateInput
    const { run, fault } = await comparePlan(calls, stage, input, ofData)
    seen[run]++
    t.equal(fault, undefined, JSON.stringify({ ...input, dataset: undefined }))
  }
  t.ok(seen.done > 10 && seen.refused > 10, `both happen: ${JSON.stringify(seen)}`)
})
