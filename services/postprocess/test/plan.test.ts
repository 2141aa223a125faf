import type { PostprocessInput, PostprocessOperation } from '@meshwork/contracts'
import {
  comparePlan,
  directCalls,
  planned,
  plannedArtefact,
  seeded,
  shownPlan,
  unknownValue,
} from '@meshwork/kit/testing'
import t from 'tap'
import { stage } from '../src/stage.ts'

const scored = 'id int64, word string, p float32, q float64, ok boolean'
const labels = ['no', 'yes']

t.test('the columns with the new ones, and every fault at its place', async t => {
  const calls = await directCalls(t)
  const cases: [
    title: string,
    dataset: string,
    operations: unknown,
    columns: string | undefined,
    findings: string[],
  ][] = [
    [
      'each sees what those before it made',
      scored,
      [
        { operation: 'calibrate', column: 'p', as: 'fair', method: 'platt', target: 'ok', where: 'id > 2' },
        { operation: 'threshold', column: 'fair', as: 'band', thresholds: [0.5], labels },
        { operation: 'label', column: 'ok', as: 'said', labels },
        { operation: 'argmax', columns: ['p', 'q'], as: 'best', scoreAs: 'most' },
        { operation: 'topK', columns: ['p', 'fair'], k: 1, as: 'top' },
      ],
      `${scored}, fair float64, band string, said string, best string, most float64, top_1 string, top_1_score float64`,
      [],
    ],
    [
      'several at once',
      scored,
      [
        { operation: 'threshold', column: 'word', as: 'a', thresholds: [0.5], labels },
        { operation: 'threshold', column: 'p', as: 'b', thresholds: [0.5, 0.4], labels: ['x', 'y', 'z'] },
        { operation: 'label', column: 'q', as: 'c', labels },
        { operation: 'argmax', columns: ['p', 'r'], as: 'd' },
        { operation: 'topK', columns: ['p', 'q'], k: 3, as: 'e' },
        { operation: 'calibrate', column: 'p', as: 'f', method: 'platt' },
        { operation: 'calibrate', column: 'p', as: 'g', method: 'platt', target: 'id' },
        { operation: 'label', column: 'ok', as: 'WORD', labels },
      ],
      undefined,
      [
        'error /operations/0/column MESHWORK_COLUMN_TYPE',
        'error /operations/1 MESHWORK_POSTPROCESS_OPERATION',
        'error /operations/2/column MESHWORK_COLUMN_TYPE',
        'error /operations/3/columns/1 MESHWORK_COLUMN_MISSING',
        'error /operations/4 MESHWORK_POSTPROCESS_OPERATION',
        'error /operations/5 MESHWORK_POSTPROCESS_OPERATION',
        'error /operations/6 MESHWORK_EXPRESSION_INVALID',
        'error /operations/7 MESHWORK_COLUMN_EXISTS',
      ],
    ],
    [
      'the edges may be a parameter, the column is known all the same',
      scored,
      [{ operation: 'threshold', column: 'p', as: 'band', thresholds: unknownValue, labels }],
      `${scored}, band string`,
      [],
    ],
    [
      'a calibration that a step before makes',
      scored,
      [{ operation: 'calibrate', column: 'p', as: 'fair', method: 'platt', fitted: plannedArtefact }],
      `${scored}, fair float64`,
      [],
    ],
    [
      'an open dataset',
      'id int64, …',
      [{ operation: 'label', column: 'class', as: 'said', labels }],
      'id int64, …',
      ['warning /operations/0/column MESHWORK_COLUMN_MISSING'],
    ],
  ]
  for (const [title, dataset, operations, columns, findings] of cases) {
    const found = shownPlan(await calls.plan(stage, { dataset: planned(dataset), operations }))
    t.strictSame(found.findings, findings, title)
    if (columns !== undefined) t.equal(found['/dataset'], columns, `${title}: columns`)
  }
})

const ofData = new Set(['MESHWORK_POSTPROCESS_NO_LABEL', 'MESHWORK_POSTPROCESS_NOTHING_TO_FIT'])

t.test('generated operations: the plan and the call agree', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT i % 2 AS id, 'w' || i AS word, (i / 20)::FLOAT AS p, i / 30.0::DOUBLE AS q, i % 3 = 0 AS ok FROM range(9) AS t(i)`,
  )
  const { next, pick } = seeded(3)
  const name = () => pick(['id', 'p', 'p', 'q', 'q', 'ok', 'word', 'a', 'b', 'none'])
  const as = () => pick(['a', 'b', 'c', 'd', 'P'])
  const some = () => Array.from({ length: pick([2, 3]) }, name)
  const operations: (() => PostprocessOperation)[] = [
    () => ({
      operation: 'threshold',
      column: name(),
      as: as(),
      thresholds: [pick([0.1, 0.3]), 0.2],
      labels: ['x', 'y', 'z'],
    }),
    () => ({
      operation: 'threshold',
      column: name(),
      as: as(),
      thresholds: [0.2],
      labels: pick([labels, ['x', 'y', 'z']]),
    }),
    () => ({ operation: 'label', column: pick(['id', 'ok', 'p']), as: as(), labels }),
    () => ({ operation: 'argmax', columns: some(), as: as(), ...(next() < 0.5 ? { scoreAs: as() } : {}) }),
    () => ({ operation: 'topK', columns: some(), k: pick([1, 2, 3]), as: as() }),
    () => ({
      operation: 'calibrate',
      column: name(),
      as: as(),
      method: pick(['platt', 'isotonic']),
      target: pick(['ok', 'p > 0.2', 'id']),
    }),
  ]
  const seen = { done: 0, refused: 0 }
  for (let i = 0; i < 120; i++) {
    const chosen = Array.from({ length: pick([1, 1, 2]) }, () => pick(operations)())
    const input: PostprocessInput = { dataset, operations: chosen }
    const { run, fault } = await comparePlan(calls, stage, input, ofData)
    seen[run]++
    t.equal(fault, undefined, JSON.stringify(chosen))
  }
  t.ok(seen.done > 15 && seen.refused > 15, `both happen: ${JSON.stringify(seen)}`)
})
