// Wrong workflows, each with the codes and places that must be told, and right ones that must pass.

import t from 'tap'
import { checkWorkflow } from '../../src/definition/check.ts'
import { readDocument } from '../../src/definition/read.ts'
import { catalog } from './catalog.ts'

const check = (source: string) => {
  const read = readDocument(source)
  if (read.kind === 'unreadable') throw new Error(read.items.map(({ detail }) => detail).join())
  return checkWorkflow(read.document, catalog).diagnostics
}

const head = `name: w
params:
  n: { type: integer }
  x: { type: number }
  s: { type: string }
  d: { type: dataset }
  f: { type: artefact }
  o: { type: object }
  five: { type: integer, default: 5 }
  model: { type: string, default: Flight }
steps:
  a: { stage: shapes@1 }
`
/** Line of the step that is added. */
const line = 13
const step = (input: string) => `${head}  b: { stage: shapes@1, with: ${input} }\n`
const flow = (stage: string, input: string) => `${head}  b: { stage: ${stage}, with: ${input} }\n`

const fallback = (output: string, onError = 'onError: fallback, ') =>
  `${head}  b: { stage: report@1, with: { title: T, sections: [{ title: S, text: x }] }, ${onError}fallback: ${output} }\n`
const noReport = (report: string) => `{ report: "${report}", json: "\${params.f}", exports: {}, sections: 0 }`
const wait = (of: string, more = '') => `${head}  b: { wait: ${of}${more} }\n`
const each = (list: string, input: string) => `${head}  b: { stage: shapes@1, forEach: "${list}", with: ${input} }\n`

/** What is added, the codes of what is told, and the text the first one points at. */
const when = (condition: string, rest = '') =>
  `${head}  b: { stage: shapes@1, when: "${condition}" }\n  c: { stage: shapes@1${rest} }\n`
const wrong: readonly (readonly [title: string, source: string, codes: readonly string[], at: string])[] = [
  // Conditions and failures
  ['a condition that is a number', when('${steps.a.few}'), ['edge-mismatch'], 'steps.a.few'],
  ['a condition that is a text', when('yes'), ['invalid-value'], '"yes'],
  ['a condition among text', when('x ${params.n > 1}'), ['edge-mismatch'], 'params.n > 1'],
  ['a condition with an unknown parameter', when('${params.m}'), ['unknown-param'], 'params.m'],
  ['a condition on itself', when('${steps.b.flag}'), ['cycle'], 'steps.b'],
  [
    'an output of a step that may be skipped',
    `${when('${params.n > 1}')}outputs: { x: "\${steps.b.few}" }\n`,
    ['maybe-absent'],
    'steps.b',
  ],
  [
    'an output of one that needs it',
    `${when('${params.n > 1}', ', needs: [b]')}outputs: { x: "\${steps.c.few}" }\n`,
    ['maybe-absent'],
    'steps.c',
  ],
  [
    'an output of a step that may fail',
    `${head}  b: { stage: shapes@1, onError: continue }\noutputs: { x: "\${steps.b.few}" }\n`,
    ['maybe-absent'],
    'steps.b',
  ],
  [
    'a test that is not for the branch that reads',
    `${step("{ count: '${has(steps.c) ? 1 : steps.c.few}' }")}  c: { stage: shapes@1, when: "\${params.n > 1}" }\n`,
    ['maybe-absent'],
    'steps.c.few',
  ],
  [
    'a step that needs one which comes last',
    `${head}  b: { stage: shapes@1, needs: [c] }\n  c: { stage: shapes@1, finally: true }\n`,
    ['needs-finally'],
    'b',
  ],
  // Lists
  ['a list that is a number', each('${params.n}', '{ }'), ['edge-mismatch'], 'params.n'],
  ['a list that is a text', each('abc', '{ }'), ['invalid-value'], '"abc'],
  ['a list of a step that is not there', each('${steps.c.list}', '{ }'), ['unknown-step'], 'steps.c'],
  ['an item of the wrong type', each('${steps.a.list}', '{ text: "${item}" }'), ['edge-mismatch'], 'item'],
  ['an index as a text', each('${steps.a.list}', '{ text: "${index}" }'), ['edge-mismatch'], 'index'],
  ['an item where there is no list', step("{ count: '${item}' }"), ['unknown-name'], 'item'],
  [
    'an item in the condition',
    `${head}  b: { stage: shapes@1, forEach: [1], when: "\${item > 1}" }\n`,
    ['unknown-name'],
    'item',
  ],
  [
    'the output of one item for that of all',
    `${each('${steps.a.list}', '{ }')}outputs: { x: "\${steps.b.few}" }\n`,
    ['unknown-property'],
    'few',
  ],
  ['a concurrency without a list', `${head}  b: { stage: shapes@1, concurrency: 2 }\n`, ['concurrency-alone'], '2'],
  ['a concurrency of none', `${head}  b: { stage: shapes@1, forEach: [1], concurrency: 0 }\n`, ['shape'], '0'],
  ['a step that neither calls nor waits', `${head}  b: { needs: [a] }\n`, ['step-kind'], 'b:'],
  ['a step that calls and waits', `${head}  b: { stage: shapes@1, wait: { for: 1s } }\n`, ['step-kind'], 'b:'],
  ['a wait for nothing', wait('{ }'), ['shape'], 'wait'],
  ['a wait for two things', wait('{ for: 1s, signal: { } }'), ['shape'], 'wait'],
  [
    'a wait with an input',
    wait('{ for: 1s }', ', with: { x: 1 }, retry: { attempts: 2 }'),
    ['wait-calls-nothing', 'wait-calls-nothing'],
    'with',
  ],
  ['a wait of two years', wait('{ for: 730d }'), ['duration'], '730d'],
  ['an approval that expires at once', wait('{ approval: { expires: 0s } }'), ['duration'], '0s'],
  ['a time that is a number', wait('{ until: "${params.n}" }'), ['edge-mismatch'], 'params.n'],
  ['a time of an unknown step', wait('{ until: "${steps.z.at}" }'), ['unknown-step'], 'steps.z'],
  [
    'a message with a field that is not there',
    wait('{ approval: { message: "Use ${steps.a.fow}?" } }'),
    ['unknown-property'],
    'fow',
  ],
  [
    'an input whose default does not fit',
    wait('{ signal: { inputs: { x: { type: integer, default: a } } } }'),
    ['param-default'],
    'a }',
  ],
  [
    'an input that the wait does not have',
    `${wait('{ signal: { inputs: { x: { type: integer } } } }')}  i: { stage: shapes@1, with: { count: "\${steps.b.inputs.y}" } }\n`,
    ['unknown-property'],
    'y}',
  ],
  [
    'an input of another type than its use',
    `${wait('{ approval: { inputs: { x: { type: boolean } } } }')}  i: { stage: shapes@1, with: { count: "\${steps.b.inputs.x}" } }\n`,
    ['edge-mismatch'],
    'steps.b.inputs.x',
  ],
  ['a fallback that is not asked for', fallback(noReport('${params.f}'), ''), ['fallback-alone'], 'fallback'],
  [
    'a fallback that is missing',
    `${head}  b: { stage: shapes@1, onError: fallback }\n`,
    ['fallback-alone'],
    'fallback',
  ],
  ['a fallback that is not an output', fallback(noReport('${params.d}')), ['edge-mismatch'], 'params.d'],
  [
    'a fallback that lacks an output',
    fallback('{ report: "${params.f}", json: "${params.f}", exports: {} }'),
    ['missing-input'],
    'fallback',
  ],
  ['a fallback with an unknown step', fallback(noReport('${steps.c.report}')), ['unknown-step'], 'steps.c'],
  ['an onError that is not there', `${head}  b: { stage: shapes@1, onError: retry }\n`, ['shape'], 'retry'],
  // Names
  ['an unknown input', step('{ cuont: 5 }'), ['unknown-input'], '5'],
  ['an input of a nested object', step('{ settings: { depth: 1, lable: x } }'), ['unknown-input'], 'x'],
  ['a missing input', flow('shapes@2', '{ }'), ['missing-input'], 'with'],
  ['a step without its inputs', `${head}  b: { stage: shapes@2 }\n`, ['missing-input'], 'b'],
  ['a misspelt required input', flow('shapes@2', '{ requird: 1 }'), ['missing-input', 'unknown-input'], 'with'],
  ['a major that is not served', flow('shapes@3', '{ }'), ['unknown-major'], 'shapes@3'],
  ['a stage that nobody serves', flow('shape@1', '{ }'), ['unknown-stage'], 'shape@1'],
  ['an unknown step', step("{ count: '${steps.c.few}' }"), ['unknown-step'], 'steps.c'],
  ['an unknown parameter', step("{ count: '${params.m}' }"), ['unknown-param'], 'params.m'],
  ['an unknown output', step("{ count: '${steps.a.fewer}' }"), ['unknown-property'], 'fewer'],
  ['an unknown field of an output', step("{ count: '${steps.a.settings.dept}' }"), ['unknown-property'], 'dept'],
  ['a field of a value', step("{ count: '${steps.a.rows.count}' }"), ['not-an-object'], 'steps.a.rows.count'],
  ['an unknown root', step("{ count: '${step.a.few}' }"), ['unknown-name'], 'step.a.few'],
  ['a field of the run', step("{ text: '${run.ids}' }"), ['unknown-property'], 'ids'],
  ['itself', step("{ count: '${steps.b.few}' }"), ['cycle'], 'steps.b'],
  // Values that are written out
  ['a number that is too large', step('{ count: 101 }'), ['invalid-value'], '101'],
  ['a fraction for a whole number', step('{ count: 1.5 }'), ['invalid-value'], '1.5'],
  ['a text for a number', step('{ count: five }'), ['invalid-value'], 'five'],
  ['a value outside a closed set', step('{ mode: fats }'), ['invalid-value'], 'fats'],
  ['a text that does not match', step('{ name: Anna }'), ['invalid-value'], 'Anna'],
  ['an object for a text', step('{ text: { a: 1 } }'), ['invalid-value'], 'text'],
  ['a list that is too long', step('{ list: [1, 2, 3, 4] }'), ['invalid-value'], 'list'],
  ['a text in a list of numbers', step('{ list: [1, two] }'), ['invalid-value'], 'two'],
  ['equal items', step('{ names: [x, x] }'), ['invalid-value'], 'names'],
  ['null where none may be', step('{ data: null }'), ['invalid-value'], 'null'],
  ['an unknown kind of a union', step('{ action: { kind: mvoe, steps: 1 } }'), ['invalid-value'], 'mvoe'],
  ['a field of another kind', step('{ action: { kind: say, words: hi, steps: 1 } }'), ['invalid-value'], '1 }'],
  ['a kind without its field', step('{ action: { kind: move } }'), ['invalid-value'], 'action'],
  ['a wrong value deep in a tree', step('{ tree: { value: 1, children: [{ value: x }] } }'), ['invalid-value'], 'x'],
  ['too many entries', step('{ limits: { a: 1, b: 2, c: 3 } }'), ['invalid-value'], 'limits'],
  // Edges: references
  ['a text into a number', step("{ count: '${steps.a.text}' }"), ['edge-mismatch'], 'steps.a.text'],
  ['a number into a text', step("{ text: '${steps.a.rows}' }"), ['edge-mismatch'], 'steps.a.rows'],
  ['a fraction into a whole number', step("{ count: '${steps.a.share}' }"), ['edge-mismatch'], 'steps.a.share'],
  ['a number without the bounds', step("{ count: '${steps.a.rows}' }"), ['edge-mismatch'], 'steps.a.rows'],
  ['a wider set of values', step("{ mode: '${steps.a.wide}' }"), ['edge-mismatch'], 'steps.a.wide'],
  ['a text into a closed set', step("{ mode: '${steps.a.text}' }"), ['edge-mismatch'], 'steps.a.text'],
  ['what may be null', step("{ data: '${steps.a.maybe}' }"), ['edge-mismatch'], 'steps.a.maybe'],
  ['a union into one of its kinds', step("{ count: '${steps.a.either}' }"), ['edge-mismatch'], 'steps.a.either'],
  ['a list that may be too long', step("{ list: '${steps.a.long}' }"), ['edge-mismatch'], 'steps.a.long'],
  ['items that may be equal', step("{ names: '${steps.a.names}' }"), ['edge-mismatch'], 'steps.a.names'],
  ['a list of texts into one of numbers', step("{ list: '${steps.a.names}' }"), ['edge-mismatch'], 'steps.a.names'],
  ['a number into a dataset', step("{ data: '${steps.a.rows}' }"), ['edge-mismatch'], 'steps.a.rows'],
  ['an artefact into a dataset', step("{ data: '${params.f}' }"), ['edge-mismatch'], 'params.f'],
  ['a dataset into a number', step("{ count: '${steps.a.data}' }"), ['edge-mismatch'], 'steps.a.data'],
  ['an optional output', step("{ text: '${steps.a.note}' }"), ['maybe-absent'], 'steps.a.note'],
  ['a metric that may be null', step("{ share: '${steps.a.metrics.auc}' }"), ['edge-mismatch'], 'steps.a.metrics'],
  ['the whole answer of a step', step("{ data: '${steps.a}' }"), ['edge-mismatch'], 'steps.a'],
  ['an item past the end', step("{ count: '${steps.a.list[3]}' }"), ['out-of-range'], 'steps.a.list[3]'],
  ['an item of a pair', step("{ count: '${steps.a.pair[0]}' }"), ['edge-mismatch'], 'steps.a.pair[0]'],
  ['a text parameter into a number', step("{ count: '${params.s}' }"), ['edge-mismatch'], 'params.s'],
  ['a fraction parameter into a whole number', step("{ count: '${params.x}' }"), ['edge-mismatch'], 'params.x'],
  ['a default that does not fit', step("{ name: '${params.model}' }"), ['param-value'], 'params.model'],
  ['a text with a number in it for a number', step("{ count: 'n${params.n}' }"), ['edge-mismatch'], 'params.n'],
  ['a reference in a list', step("{ list: [1, '${steps.a.text}'] }"), ['edge-mismatch'], 'steps.a.text'],
  [
    'a reference in a union',
    step("{ action: { kind: move, steps: '${steps.a.text}' } }"),
    ['edge-mismatch'],
    'steps.a.text',
  ],
  [
    'a reference beside a wrong kind',
    step("{ action: { kind: run, steps: '${steps.a.rows}' } }"),
    ['invalid-value'],
    'run',
  ],
  ['a reference in a map', step("{ limits: { a: '${steps.a.flag}' } }"), ['edge-mismatch'], 'steps.a.flag'],
  ['a reference in a tree', step("{ tree: { value: '${steps.a.text}' } }"), ['edge-mismatch'], 'steps.a.text'],
  ['a list inside a text', step("{ text: 'x${steps.a.list}' }"), ['edge-mismatch'], 'steps.a.list'],
  // Expressions
  [
    'operands of unlike kinds',
    step("{ text: '${steps.a.rows + steps.a.text}' }"),
    ['no-overload'],
    'steps.a.rows + steps.a.text',
  ],
  ['a whole number and a fraction', step("{ share: '${steps.a.share * 2}' }"), ['no-overload'], 'steps.a.share * 2'],
  ['a comparison that is never true', step('{ flag: \'${steps.a.rows == "5"}\' }'), ['never-equal'], 'steps.a.rows'],
  ['a value that is not in the set', step('{ flag: \'${steps.a.mode == "fats"}\' }'), ['never-equal'], 'steps.a.mode'],
  ['a function that is not there', step("{ count: '${length(steps.a.list)}' }"), ['unknown-function'], 'length'],
  ['an argument of another kind', step("{ count: '${size(steps.a.rows)}' }"), ['no-overload'], 'size'],
  ['a condition that is none', step("{ count: '${steps.a.rows ? 1 : 2}' }"), ['wrong-type'], 'steps.a.rows'],
  ['branches of unlike kinds', step('{ count: \'${steps.a.flag ? 1 : "x"}\' }'), ['mixed-branches'], 'steps.a.flag'],
  [
    'arithmetic with what may be null',
    step("{ share: '${steps.a.metrics.auc + 0.1}' }"),
    ['no-overload'],
    'steps.a.metrics',
  ],
  ['a computed text into a number', step('{ count: \'${steps.a.text + "x"}\' }'), ['edge-mismatch'], 'steps.a.text'],
  ['a computed truth into a number', step("{ count: '${steps.a.rows > 5}' }"), ['edge-mismatch'], 'steps.a.rows'],
  ['a time, which JSON cannot hold', step("{ text: '${timestamp(run.startedAt)}' }"), ['not-json'], 'timestamp'],
  ['an optional value that is not ended', step("{ text: '${steps.a.?note}' }"), ['not-json'], 'steps.a'],
  ['a computed object without a field', step('{ settings: \'${ {"label": steps.a.text} }\' }'), ['edge-mismatch'], '{'],
  ['an expression that cannot be parsed', step("{ count: '${1 +}' }"), ['expression'], "'"],
  ['a reference that is not closed', step("{ count: '${steps.a.few' }"), ['unclosed'], "'"],
  ['a regular expression', step('{ flag: \'${steps.a.text.matches("x")}\' }'), ['expression'], "'"],
  ['an output of the workflow', `${head}outputs:\n  x: "\${steps.a.nope}"\n`, ['unknown-property'], 'nope'],
  // The real contracts
  [
    'rejects, which may be null, into clean',
    flow('clean@1', "{ dataset: '${steps.i.rejects}', rules: [{ rule: dropNulls }] }").replace(
      '  b:',
      '  i: { stage: ingest@1, with: { source: https://example.com/x.csv } }\n  b:',
    ),
    ['edge-mismatch'],
    'steps.i.rejects',
  ],
  [
    'a rule that is not there',
    flow('clean@1', "{ dataset: '${params.d}', rules: [{ rule: dropNull }] }"),
    ['invalid-value'],
    'dropNull }',
  ],
  ['a model for a dataset', flow('inference@1', "{ dataset: '${params.f}', model: m }"), ['edge-mismatch'], 'params.f'],
  ['a report of no section', flow('report@1', '{ title: x, sections: [] }'), ['invalid-value'], 'sections'],
  [
    'a gate on an unknown metric',
    flow(
      'evaluate@1',
      "{ dataset: '${params.d}', task: regression, target: y, prediction: p, gates: [{ metric: auc }] }",
    ),
    ['invalid-value'],
    'auc }',
  ],
  // Several at once
  [
    'several mistakes in one step',
    step("{ cuont: 1, mode: fats, count: '${steps.a.text}', flag: '${steps.a.nope}' }"),
    ['unknown-input', 'invalid-value', 'edge-mismatch', 'unknown-property'],
    '1, mode',
  ],
  [
    'several mistakes in one expression',
    step("{ flag: '${steps.a.nope > steps.a.none && steps.a.rows}' }"),
    ['unknown-property', 'unknown-property', 'wrong-type'],
    'nope',
  ],
]
t.ok(wrong.length >= 60, `${wrong.length} wrong workflows`)
for (const [title, source, codes, at] of wrong)
  t.test(`refused: ${title}`, async t => {
    const errors = check(source).filter(({ severity }) => severity === 'error')
    t.same(errors.map(({ code }) => code).sort(), [...codes].sort(), errors.map(({ message }) => message).join('\n'))
    const [first] = errors
    const text = source.split('\n')[(first?.line ?? 1) - 1]?.slice((first?.column ?? 1) - 1) ?? ''
    t.ok(text.startsWith(at), `points at ${JSON.stringify(text.slice(0, 40))}, not at ${JSON.stringify(at)}`)
    if (!source.includes('outputs:') && !source.includes('  i: ')) t.equal(first?.line, line)
  })

const right: readonly (readonly [title: string, source: string])[] = [
  ['nothing', head],
  ['a condition', when('${params.n > 1 && steps.a.flag}')],
  ['what stands for an output', fallback(noReport('${params.f}'))],
  ['a wait until a time that is given', wait('{ until: "${params.s}" }')],
  [
    'an approval with inputs that are used',
    `${wait('{ approval: { message: "Use ${string(steps.a.few)}?", inputs: { x: { type: integer, default: 1 } }, expires: 7d } }', ', onError: continue')}  c: { stage: shapes@1, with: { anything: "\${steps.b.inputs.x}" } }\n`,
  ],
  ['an item of a typed list', each('${steps.a.list}', '{ text: "${string(index)}", anything: "${item}" }')],
  [
    'items of items',
    `${each('${steps.a.list}', '{ }')}  c: { stage: shapes@1, forEach: "\${steps.b.items}", with: { data: "\${item.data}" } }\n`,
  ],
  [
    'the outputs of all items as one list',
    `${each('${steps.a.list}', '{ }')}outputs: { x: "\${steps.b.items.map(i, i.data)}" }\n`,
  ],
  ['a list written out', `${head}  b: { stage: shapes@1, forEach: [1, 2], with: { anything: "\${item}" } }\n`],
  ['what needs a step that may be skipped', when('${params.n > 1}', ", with: { count: '${steps.b.few}' }")],
  ['a step with or without another', when('${params.n > 1}', ", with: { count: '${has(steps.b) ? steps.b.few : 1}' }")],
  [
    'one of two branches',
    `${when('${params.n > 1}', ", when: '${params.n <= 1}'")}  e: { stage: shapes@1, with: { data: "\${has(steps.b) ? steps.b.data : steps.a.data}" } }\n`,
  ],
  ['an output that is tested for', `${when('${params.n > 1}')}outputs: { x: "\${has(steps.b) ? steps.b.few : 0}" }\n`],
  [
    'what may be missing, with what stands for it',
    when('${params.n > 1}', ", with: { flag: '${steps.?b.flag.orValue(false)}' }"),
  ],
  [
    'a last step that looks whether another has ended well',
    `${head}  b: { stage: shapes@1, finally: true, with: { flag: "\${has(steps.a)}" } }\n`,
  ],
  ['exact values', step("{ count: '${steps.a.few}', share: 0.5, mode: '${steps.a.mode}', flag: '${steps.a.flag}' }")],
  ['a dataset', step("{ data: '${steps.a.data}' }")],
  ['a dataset into what may be null', step("{ maybe: '${steps.a.data}' }")],
  ['what may be null into what may be null', step("{ maybe: '${steps.a.maybe}' }")],
  ['an integer where a number goes', step("{ limits: { a: '${steps.a.few}', b: 1.5 } }")],
  ['a list', step("{ list: '${steps.a.list}', names: ['${steps.a.text}', x] }")],
  ['a closed object', step("{ settings: '${steps.a.settings}' }")],
  ['an open object, closed when it is passed on', step("{ settings: '${steps.a.loose}' }")],
  ['an object put together', step("{ settings: { depth: '${steps.a.rows}', label: '${steps.a.text}' } }")],
  ['two of three kinds of a union', step("{ action: '${steps.a.action}' }")],
  ['one kind of a union with a reference', step("{ action: { kind: move, steps: '${steps.a.few}' } }")],
  ['a tree with a reference deep in it', step("{ tree: { value: 1, children: [{ value: '${steps.a.rows}' }] } }")],
  ['an item of a pair', step("{ text: '${steps.a.pair[0]}', anything: '${steps.a.pair[1]}' }")],
  ['anything', step("{ anything: '${steps.a}', after: ['${steps.a.maybe}'] }")],
  ['an optional output with what stands for it', step('{ text: \'${steps.a.?note.orValue("none")}\' }')],
  ['an optional output that is asked for first', step('{ text: \'${has(steps.a.note) ? steps.a.note : "none"}\' }')],
  ['a text made of several', step("{ text: '${steps.a.rows} rows of ${params.s}, ${steps.a.share}' }")],
  [
    'a parameter that is checked when a run starts',
    step("{ count: '${params.n}', name: '${params.s}', mode: '${params.s}' }"),
  ],
  ['a parameter with a default that fits', step("{ count: '${params.five}' }")],
  ['an object parameter', step("{ settings: '${params.o}' }")],
  ['parameters computed with', step("{ text: '${params.s + string(params.n * 2)}' }")],
  ['a dataset parameter', flow('clean@1', "{ dataset: '${params.d}', rules: [{ rule: filter, where: x > 0 }] }")],
  ['a metric that is asked for first', step("{ flag: '${steps.a.metrics.auc != null && steps.a.metrics.auc > 0.7}' }")],
  ['the run', flow('report@1', "{ title: x, sections: [{ title: s, text: 'run ${run.id}' }], provenance: '${run}' }")],
  ['an escaped expression', step("{ text: '$${steps.z}' }")],
  [
    'a wide fan-in',
    `${head}${Array.from({ length: 100 }, (_, i) => `  c${i}: { stage: shapes@1, with: { count: "\${steps.a.few}" } }\n`).join('')}  z: { stage: shapes@1, with: { after: [${Array.from({ length: 100 }, (_, i) => `"\${steps.c${i}.data}"`).join(', ')}] } }\n`,
  ],
]
t.ok(right.length >= 20, `${right.length} right workflows`)
for (const [title, source] of right) t.test(`taken: ${title}`, async t => void t.same(check(source), []))

const unsure: readonly (readonly [title: string, source: string])[] = [
  ['a computed number into a narrow one', step("{ count: '${steps.a.rows + 1}' }")],
  ['a computed text into a pattern', step('{ name: \'${steps.a.text + "x"}\' }')],
  ['a text with a reference into a pattern', step("{ name: 'x${steps.a.text}' }")],
  ['a value of unknown type', step("{ count: '${steps.a.anything}' }")],
  ['a tree that goes on without end', step("{ tree: '${steps.a.tree}' }")],
]
for (const [title, source] of unsure)
  t.test(`not proven, and said: ${title}`, async t => {
    const found = check(source)
    t.match(found, [{ severity: 'warning', code: 'not-proven', line }])
    t.equal(found.length, 1)
  })

t.test('a contract that will go is said, with the day and the one to use', async t => {
  t.match(check(`${head}  b: { stage: old@1 }\n`), [
    {
      severity: 'warning',
      code: 'deprecated-major',
      line,
      message: /since 2026-01-01 .* from 2027-01-01; the newest is old@2/,
    },
  ])
  t.same(check(`${head}  b: { stage: old@2 }\n`), [])
})

t.test('the other end of an edge is told', async t => {
  t.match(check(step("{ count: '${steps.a.text}' }"))[0], { related: { line: 12, column: 3, message: /step "a"/ } })
})

t.test('what was perhaps meant stands by itself', async t => {
  t.equal(check(step("{ count: '${steps.a.fewe}' }"))[0]?.suggestion, 'few')
  t.equal(check(step('{ cuont: 1 }'))[0]?.suggestion, 'count')
})

t.test('a circle and a shape that is wrong end the check, with their own places', async t => {
  t.match(check(`${head}  b: { stage: shapes@1, needs: [c] }\n  c: { stage: shapes@1, needs: [b] }\n`), [
    { code: 'cycle' },
  ])
  t.match(check(`${head}  b: { stage: 5 }\n`), [{ code: 'shape', line }])
})
