import type { CleanInput, CleanRule } from '@meshwork/contracts'
import { comparePlan, directCalls, planned, seeded, shownPlan, unknownValue } from '@meshwork/kit/testing'
import t from 'tap'
import { stage } from '../src/stage.ts'

const flights = 'id int64, name string, score float64, day date, ok boolean'

t.test('the columns after the rules, and every fault at its place', async t => {
  const calls = await directCalls(t)
  const cases: [title: string, dataset: string, rules: unknown, columns: string | undefined, findings: string[]][] = [
    [
      'types and names through the rules in order',
      flights,
      [
        { rule: 'cast', columns: { id: 'int32', day: 'timestamp' } },
        { rule: 'rename', columns: { id: 'number', name: 'id' } },
        { rule: 'drop', columns: ['ok'] },
        { rule: 'filter', where: 'number > 3 and length(id) > 1' },
      ],
      'number int32, id string, score float64, day timestamp',
      [],
    ],
    [
      'several at once, each at its value',
      flights,
      [
        { rule: 'filter', where: 'scoer > 1' },
        { rule: 'filter', where: 'score + 1' },
        { rule: 'filter', where: 'score >' },
        { rule: 'drop', columns: ['ok', 'okay'] },
        { rule: 'dropNulls', columns: ['ok'] },
        { rule: 'trim', columns: ['score'] },
        { rule: 'clip', columns: ['score'], min: 2, max: 1 },
        { rule: 'fillNulls', columns: ['id'], with: 'constant', value: 'x' },
        { rule: 'rename', columns: { id: 'NAME' } },
      ],
      undefined,
      [
        'error /rules/0/where MESHWORK_COLUMN_MISSING',
        'error /rules/1/where MESHWORK_EXPRESSION_INVALID',
        'error /rules/2/where MESHWORK_EXPRESSION_INVALID',
        'error /rules/3/columns/1 MESHWORK_COLUMN_MISSING',
        'error /rules/4/columns/0 MESHWORK_COLUMN_MISSING',
        'error /rules/5 MESHWORK_COLUMN_TYPE',
        'error /rules/6 MESHWORK_CLEAN_RULE_INVALID',
        'error /rules/7/value MESHWORK_CLEAN_FILL_VALUE',
        'error /rules/8 MESHWORK_COLUMN_EXISTS',
      ],
    ],
    [
      'what is missing in an open dataset is a warning',
      'id int64, …',
      [{ rule: 'filter', where: 'delay > 1' }],
      'id int64, …',
      ['warning /rules/0/where MESHWORK_COLUMN_MISSING'],
    ],
    [
      'of nothing known, one warning',
      '…',
      [{ rule: 'drop', columns: ['a', 'b'] }],
      '…',
      ['warning /rules/0/columns/0 MESHWORK_STAGE_COLUMNS_UNKNOWN'],
    ],
    [
      'a rule that names what is missing is still judged by the rest',
      'id int64',
      [
        { rule: 'winsorise', columns: ['di'], lower: 1, upper: 0 },
        { rule: 'drop', columns: ['id', 'di'] },
      ],
      'id int64',
      [
        'error /rules/0/columns/0 MESHWORK_COLUMN_MISSING',
        'error /rules/0 MESHWORK_CLEAN_RULE_INVALID',
        'error /rules/1/columns/1 MESHWORK_COLUMN_MISSING',
        'error /rules/1 MESHWORK_CLEAN_RULE_INVALID',
      ],
    ],
    [
      'every column that is known of an open dataset may go',
      'id int64, …',
      [{ rule: 'drop', columns: ['id'] }],
      '…',
      [],
    ],
    [
      'an unknown value is not judged',
      'id int64',
      [{ rule: 'clip', columns: ['id'], max: unknownValue }],
      'id int64',
      [],
    ],
    ['an unknown cast hides the columns', 'id int64', [{ rule: 'cast', columns: unknownValue }], undefined, []],
    [
      'a body that does not fit',
      'id int64',
      [{ rule: 'clip', columns: 'id' }],
      undefined,
      ['error /rules/0/columns MESHWORK_REQUEST_INVALID'],
    ],
  ]
  for (const [title, dataset, rules, columns, findings] of cases) {
    const found = shownPlan(await calls.plan(stage, { dataset: planned(dataset), rules }))
    t.strictSame(found.findings, findings, title)
    if (findings.length < 5) t.equal(found['/dataset'], columns, `${title}: columns`)
  }
})

const ofData = new Set(['MESHWORK_CLEAN_CAST_FAILED', 'MESHWORK_CLEAN_NO_VALUES', 'MESHWORK_EXPRESSION_FAILED'])

t.test('generated rules: the plan and the call agree', async t => {
  const calls = await directCalls(t)
  const dataset = await calls.table(
    `SELECT i AS id, 'n' || i AS name, i / 3.0::DOUBLE AS score, DATE '2001-01-01' + i::INTEGER AS day, i % 2 = 0 AS ok
     FROM range(9) AS t(i)`,
  )
  const { next, pick } = seeded(7)
  const name = () => pick(['id', 'id', 'name', 'score', 'score', 'day', 'ok', 'other', 'ID'])
  const type = () => pick(['int32', 'int64', 'float32', 'float64', 'string', 'boolean', 'date', 'timestamp'] as const)
  const rules: (() => CleanRule)[] = [
    () => ({ rule: 'dropNulls', columns: [name()] }),
    () => ({ rule: 'fillNulls', columns: [name()], with: pick(['mean', 'median', 'mode'] as const) }),
    () => ({ rule: 'fillNulls', columns: [name()], with: 'constant', value: pick([1, 'x', '2001-01-01', true, 1.5]) }),
    () => ({ rule: 'deduplicate', columns: [name()] }),
    () => ({ rule: 'filter', where: pick(['id > 1', 'ok', 'name = 1', 'score', 'other > 1', 'year(day) = 2001']) }),
    () => ({ rule: 'cast', columns: { [name()]: type() }, onError: 'null' }),
    () => ({ rule: 'trim', columns: [name()] }),
    () => ({ rule: 'clip', columns: [name()], min: pick([0, 0.5, 3]), max: pick([1, 0.7, 200]) }),
    () => ({ rule: 'winsorise', columns: [name()], lower: 0.1, upper: pick([0.9, 0.05]) }),
    () => ({ rule: 'rename', columns: { [name()]: name() } }),
    () => ({ rule: 'drop', columns: [name()] }),
    () => ({ rule: 'outliers', columns: [name()], method: 'iqr' }),
  ]
  const seen = { done: 0, refused: 0 }
  for (let i = 0; i < 120; i++) {
    const input: CleanInput = {
      dataset,
      rules: Array.from({ length: 1 + Math.floor(next() * 2) }, () => pick(rules)()),
    }
    const { run, fault } = await comparePlan(calls, stage, input, ofData)
    seen[run]++
    t.equal(fault, undefined, JSON.stringify(input.rules))
  }
  t.ok(seen.done > 25 && seen.refused > 25, `both happen: ${JSON.stringify(seen)}`)
})
