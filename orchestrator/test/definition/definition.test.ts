import type { JsonValue } from '@meshwork/contracts'
import t from 'tap'
import { EvaluationError, parseExpression } from '../../src/definition/expression.ts'
import { checkParams } from '../../src/definition/params.ts'
import { readDocument } from '../../src/definition/read.ts'
import { fill, readTemplate, type TemplateFault } from '../../src/definition/template.ts'
import { durationMs } from '../../src/plan/duration.ts'

const scope = {
  params: {
    n: 3,
    half: 0.5,
    text: 'héllo',
    list: [1, 2, 3],
    flag: true,
    nothing: null,
    big: 9007199254740991,
    object: { a: { b: [10, { c: 'deep' }] }, 'odd key': 1 },
  },
  steps: { clean: { rows: 7, dataset: { kind: 'dataset', hash: 'x' } } },
  run: { id: 'r', steps: [] },
}
const value = (text: JsonValue) => {
  const faults: TemplateFault[] = []
  const template = readTemplate(text, '', faults)
  if (faults.length > 0) throw new Error(faults.map(({ detail }) => detail).join())
  return fill(template, scope)
}

const values: readonly [text: JsonValue, expected: JsonValue][] = [
  ['plain', 'plain'],
  [5, 5],
  [null, null],
  ['${params.n}', 3],
  ['${params.half}', 0.5],
  ['${params.nothing}', null],
  ['${params.big}', 9007199254740991],
  ['${params.object.a.b[1].c}', 'deep'],
  ['${params.object["odd key"]}', 1],
  ['${steps.clean.dataset}', { kind: 'dataset', hash: 'x' }],
  ['n is ${params.n}, ${params.text}!', 'n is 3, héllo!'],
  ['$${params.n}', '${params.n}'],
  ['cost: $5', 'cost: $5'],
  ['${ params.n + 1 }', 4],
  ['${params.half * 2.0}', 1],
  ['${steps.clean.rows > 5 ? "many" : "few"}', 'many'],
  ['${params.list.map(x, x * 2)}', [2, 4, 6]],
  ['${params.list.filter(x, x > 1).size()}', 2],
  ['${ {"a": params.n, "b": [params.text]} }', { a: 3, b: ['héllo'] }],
  ['${"}" + params.text}', '}héllo'],
  ['${has(params.absent)}', false],
  [{ a: ['${params.n}', { b: '${params.flag}' }] }, { a: [3, { b: true }] }],
]
for (const [text, expected] of values)
  t.test(`${JSON.stringify(text)} gives ${JSON.stringify(expected)}`, async t => void t.same(value(text), expected))

const failing: readonly [text: string, message: RegExp][] = [
  ['${params.absent}', /has no "absent"/],
  ['${params.list[9]}', /has no item 9/],
  ['${params.text.length}', /has no "length"/],
  ['${params.object.constructor}', /has no "constructor"/],
  ['${params.object.__proto__}', /has no "__proto__"/],
  ['a ${params.object} b', /cannot stand inside a text/],
  ['${params.n + "x"}', /failed/],
  ['${params.n / 0}', /failed/],
  ['${params.absent + 1}', /failed/],
]
for (const [text, message] of failing)
  t.test(
    `${text} fails when it is filled in`,
    async t => void t.throws(() => value(text), { name: 'EvaluationError', message }),
  )

const unreadable: readonly [text: string, detail: RegExp][] = [
  ['${params.n', /not closed/],
  ['${}', /is empty/],
  ['${1 +}', /cannot be parsed/],
  ['${params.text.matches("(a+)+$")}', /matches\(\), which is not allowed/],
  [`\${${'1+'.repeat(2000)}1}`, /longer than 2048/],
]
for (const [text, detail] of unreadable)
  t.test(`${text.slice(0, 40)} is refused when it is read`, async t => {
    const faults: TemplateFault[] = []
    readTemplate({ a: [text] }, '/with', faults)
    t.match(faults, [{ pointer: '/with/a/0', detail }])
  })

t.test('what an expression reads is known without evaluating it', async t => {
  const reads = (source: string) => {
    const parsed = parseExpression(source)
    return parsed.kind === 'parsed' ? parsed.expression.reads : parsed.reason
  }
  t.same(reads('steps.clean.dataset'), [['steps', 'clean', 'dataset']])
  t.same(reads('steps.a.rows + steps.b.rows * params.n'), [
    ['steps', 'a', 'rows'],
    ['steps', 'b', 'rows'],
    ['params', 'n'],
  ])
  t.ok(EvaluationError)
})

t.test('documents', async t => {
  const read = (source: string) => {
    const result = readDocument(source)
    return result.kind === 'read' ? result.document.value : result.items.map(({ code, line }) => [code, line])
  }
  t.same(read('a: [1, "2", null, no, 012]'), { a: [1, '2', null, 'no', 12] })
  t.same(read('{"a": {"b": 1}}'), { a: { b: 1 } })
  t.same(read('a: 1\nb: 2\na: 3\n'), [['syntax', 3]])
  t.same(read('a: &x 1\nb: *x\n'), [['alias', 2]])
  t.same(read('a: !thing 1\n'), [['syntax', 1]])
  t.same(read('a: 1\nb: 90071992547409931\n'), [['number', 2]])
  t.same(read('a: .inf\n'), [['number', 1]])
  t.same((read(`a: ${'['.repeat(200)}${']'.repeat(200)}`) as [string, number][])[0]?.[0], 'too-deep')
  t.same(read(`a: ${'x'.repeat(300_000)}`), [['too-large', 1]])
  const result = readDocument('steps:\n  a:\n    with:\n      rules:\n        - { rule: x }\n        - where: 1\n')
  t.same(
    result.kind === 'read' && [
      result.document.place('/steps/a/with/rules/1/where'),
      result.document.place('/steps/a'),
      result.document.place('/steps/zz'),
    ],
    [
      { line: 6, column: 18 },
      { line: 2, column: 3 },
      { line: 1, column: 1 },
    ],
  )
})

t.test('parameters', async t => {
  const ref = { kind: 'artefact', hash: 'a'.repeat(64), bytes: 1, mediaType: 'text/csv' }
  const declared = { s: { type: 'string', default: 'x' }, i: { type: 'integer' }, f: { type: 'artefact' } } as const
  const check = (given: Record<string, JsonValue>) => {
    const result = checkParams(declared, given)
    return result.kind === 'right' ? result.params : result.items.map(({ pointer }) => pointer)
  }
  t.same(check({ i: 1, f: ref }), { s: 'x', i: 1, f: ref })
  t.same(check({ i: 1.5, f: 'file.csv', s: null, ii: 1 }), ['/params/s', '/params/i', '/params/f', '/params/ii'])
  t.same(check({}), ['/params/i', '/params/f'])
})

t.test('durations', async t => {
  t.same(
    [durationMs('500ms'), durationMs('1.5s'), durationMs('10m'), durationMs('2h'), durationMs(0.25)],
    [500, 1500, 600_000, 7_200_000, 250],
  )
})
