import type { JsonValue, Param } from '@meshwork/contracts'
import t from 'tap'
import { checkWorkflow } from '../../src/definition/check.ts'
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
  ['${params.big + 1}', /cannot hold exactly/],
  ['${1.0 / 0.0}', /cannot hold|failed/],
  ['${timestamp("2026-01-01T00:00:00Z")}', /JSON cannot hold/],
  ['${b"bytes"}', /JSON cannot hold/],
  ['${"\\u0000" + params.text}', /not stored/],
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
  t.same(reads('size(steps["clean"].list)'), [['steps', 'clean', 'list']])
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
  t.same(read('a: !thing 1\n'), [['tag', 1]])
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

const stages = [{ name: 'echo', majors: [1, 2] }]
const check = (source: string) => {
  const read = readDocument(source)
  if (read.kind === 'unreadable') throw new Error('unreadable')
  return checkWorkflow(read.document, stages).diagnostics
}
const head = 'name: w\nparams: { n: { type: integer } }\nsteps:\n  a: { stage: echo@1 }\n'

const faults: readonly [title: string, source: string, line: number, code: string, detail: RegExp][] = [
  ['an unknown key', `${head}  b: { stage: echo@1, nees: [a] }\n`, 5, 'shape', /did you mean "needs"/],
  ['an unknown step in needs', `${head}  b: { stage: echo@1, needs: [aa] }\n`, 5, 'unknown-step', /did you mean "a"/],
  [
    'a step named like a method',
    `${head}  b: { stage: echo@1, needs: [constructor] }\n`,
    5,
    'unknown-step',
    /constructor/,
  ],
  [
    'an unknown step in a reference',
    `${head}  b:\n    stage: echo@1\n    with:\n      x: "\${steps.c.y}"\n`,
    8,
    'unknown-step',
    /its steps are: a, b/,
  ],
  [
    'an unknown step between brackets of an expression',
    `${head}  b: { stage: echo@1, with: { x: '\${size(steps["c"].y)}' } }\n`,
    5,
    'unknown-step',
    /"c"/,
  ],
  ['an unknown parameter', `${head}  b: { stage: echo@1, with: { x: "\${params.nn}" } }\n`, 5, 'unknown-param', /"n"/],
  [
    'a key of the prototype',
    `${head}  b: { stage: echo@1, with: { x: "\${params.toString}" } }\n`,
    5,
    'unknown-param',
    /./,
  ],
  ['an unknown root', `${head}  b: { stage: echo@1, with: { x: "\${step.a.y}" } }\n`, 5, 'unknown-name', /"steps"/],
  ['an unknown stage', `${head}  b: { stage: ecko@1 }\n`, 5, 'unknown-stage', /did you mean "echo"/],
  ['an unknown major', `${head}  b: { stage: echo@3 }\n`, 5, 'unknown-major', /@1, @2, not @3/],
  ['a reference to itself', `${head}  b: { stage: echo@1, with: { x: "\${steps.b.y}" } }\n`, 5, 'cycle', /itself/],
  ['an unclosed reference', `${head}  b: { stage: echo@1, with: { x: "\${params.n" } }\n`, 5, 'unclosed', /not closed/],
  ['outputs of an unknown step', `${head}outputs: { x: "\${steps.z.y}" }\n`, 5, 'unknown-step', /"z"/],
  [
    'a default of another type',
    'name: w\nparams:\n  n: { type: integer, default: x }\nsteps: { a: { stage: echo@1 } }\n',
    3,
    'param-default',
    /whole number/,
  ],
  [
    'a parameter that no object can have',
    'name: w\nparams:\n  __proto__: { type: string }\nsteps: { a: { stage: echo@1 } }\n',
    3,
    'param-name',
    /__proto__/,
  ],
  ['a timeout longer than a day', `${head}  b: { stage: echo@1, timeout: 1000h }\n`, 5, 'duration', /at most 24h/],
  ['a timeout of nothing', `${head}  b: { stage: echo@1, timeout: 0s }\n`, 5, 'duration', /at least 1ms/],
  [
    'a run longer than a day',
    `${head}  b: { stage: echo@1 }\ntimeout: 25h\n`,
    6,
    'duration',
    /the workflow: timeout is 25h/,
  ],
  ['outputs reused for two years', `${head}  b: { stage: echo@1, cache: { maxAge: 730d } }\n`, 5, 'duration', /365d/],
  ['outputs reused for no time', `${head}  b: { stage: echo@1, cache: { maxAge: 0s } }\n`, 5, 'duration', /from 1ms/],
  ['a backoff longer than a day', `${head}  b: { stage: echo@1, retry: { maxBackoff: 25h } }\n`, 5, 'duration', /24h/],
]
for (const [title, source, line, code, detail] of faults)
  t.test(`${title} is refused at its place`, async t => {
    const items = check(source)
    t.match(items[0], { severity: 'error', code, line, message: detail })
    t.equal(items.length, 1)
  })

t.test('a document that is right has no faults, and a cycle is named whole and once', async t => {
  t.same(
    check(
      `${head}  b: { stage: echo@2, needs: [a], timeout: 24h, retry: { backoff: 0s }, with: { x: "\${params.n}" } }\n`,
    ),
    [],
  )
  const ring =
    'name: w\nsteps:\n  c: { stage: echo@1, needs: [b] }\n  b: { stage: echo@1, with: { x: "${steps.a.y}" } }\n  a: { stage: echo@1, needs: [c] }\n'
  t.match(check(ring), [{ code: 'cycle', message: /c → b → a → c/ }])
  t.equal(check(ring).length, 1)
})

t.test('all faults are told at once', async t => {
  const items = check(`${head}  b: { stage: nope@1, needs: [zz], with: { x: "\${params.q}", y: "\${" } }\n`)
  t.same(
    new Set(items.map(({ code }) => code)),
    new Set(['unclosed', 'unknown-param', 'unknown-stage', 'unknown-step']),
  )
})

t.test('what JSON and the database cannot hold is not read', async t => {
  const codes = (source: string) => {
    const result = readDocument(source)
    return result.kind === 'read' ? [] : result.items.map(({ code }) => code)
  }
  t.same(codes('a: !!binary aGVsbG8=\n'), ['tag'])
  t.same(codes('a: !!set { x }\n')[0], 'tag')
  t.same(codes('a: "x\\0"\n'), ['text'])
  t.same(codes('"x\\0": 1\n'), ['text'])
  t.same(codes('{"a": "\\ud800"}'), ['text'])
  t.same(codes('a: !!str 5\nb: "😀 \\\\u0000"\n'), [])
})

const artefact = { kind: 'artefact', hash: 'a'.repeat(64), bytes: 1, mediaType: 'text/csv' }
const typed: readonly [type: Param['type'], right: JsonValue, wrong: readonly JsonValue[]][] = [
  ['string', 'x', [1, null, ['x'], 'x\0', '\ud800']],
  ['integer', -3, [1.5, '1', 2 ** 53]],
  ['number', 1.5, ['1.5', true]],
  ['boolean', false, [0, 'false']],
  ['array', [1], [{ 0: 1 }, 'x', ['\0']]],
  ['object', { a: 1 }, [[1], null, { '\0': 1 }]],
  ['artefact', artefact, ['file.csv', { kind: 'artefact' }, { ...artefact, hash: 'short' }]],
  [
    'dataset',
    { kind: 'dataset', hash: 'a'.repeat(64), rows: 1, bytes: 1, parts: 1, columns: [{ name: 'f', type: 'float64' }] },
    ['file.csv', artefact, { kind: 'dataset' }],
  ],
]
for (const [type, right, wrong] of typed)
  t.test(`a parameter of type ${type} takes nothing else`, async t => {
    const kind = (value: JsonValue) => checkParams({ p: { type } }, { p: value }).kind
    t.equal(kind(right), 'right')
    for (const value of wrong) t.equal(kind(value), 'wrong', JSON.stringify(value))
  })
