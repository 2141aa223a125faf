import t from 'tap'
import Type from 'typebox'
import { CleanInput, closest, compile, FeaturesInput, IngestInput, sentence } from '../src/index.ts'

const dataset = {
  kind: 'dataset',
  hash: 'a'.repeat(64),
  rows: 1,
  bytes: 1,
  parts: 1,
  columns: [{ name: 'a', type: 'int64' }],
}
const clean = (...rules: unknown[]) => compile(CleanInput).check({ dataset, rules })

t.test('a value that fits has no faults', async t => {
  t.same(clean({ rule: 'dropNulls' }, { rule: 'filter', where: 'a > 1' }), [])
  t.same(compile(FeaturesInput).check({ dataset, columns: { h: 'hour(d)', r: { kind: 'standard', column: 'a' } } }), [])
})

const faults: readonly [title: string, found: unknown, expected: unknown][] = [
  [
    'only the branch that was meant is explained',
    clean({ rule: 'filter', wher: 'a' }),
    [
      { pointer: '/rules/0', detail: 'needs "where" (found "wher")' },
      { pointer: '/rules/0/wher', detail: 'is not a known key; did you mean "where"?' },
    ],
  ],
  [
    'an unknown branch is told the known ones',
    clean({ rule: 'dropNull' }).map(({ pointer }) => pointer),
    ['/rules/0/rule'],
  ],
  [
    'a missing discriminator is asked for',
    clean({ where: 'a' }).map(({ detail }) => detail.slice(0, 12)),
    ['needs "rule"'],
  ],
  [
    'values of a closed set are suggested',
    clean({ rule: 'cast', columns: { a: 'flaot64' } }).map(({ pointer, detail }) => [
      pointer,
      /did you mean "float64"/.test(detail),
    ]),
    [['/rules/0/columns/a', true]],
  ],
  [
    'several faults come at once',
    clean({ rule: 'drop', columns: [] }, { rule: 'clip', columns: ['a'], min: '1' }).map(({ pointer }) => pointer),
    ['/rules/0/columns', '/rules/1/min'],
  ],
  [
    'a wrong type is named',
    compile(Type.Object({ n: Type.Integer() })).check({ n: 1.5 }),
    [{ pointer: '/n', detail: 'must be an integer, not 1.5' }],
  ],
  [
    'a union of unlike kinds names them',
    compile(IngestInput).check({ source: 5 }),
    [{ pointer: '/source', detail: 'must be a string or an object, not 5' }],
  ],
  [
    'keys are escaped in pointers',
    compile(Type.Object({}, { additionalProperties: false }))
      .check({ 'a/b~c': 1 })
      .map(({ pointer }) => pointer),
    ['/a~1b~0c'],
  ],
]
for (const [title, found, expected] of faults) t.test(title, async t => void t.same(found, expected))

t.test('a thousand faults are told as a hundred', async t => {
  t.equal(compile(Type.Array(Type.Integer())).check(Array.from({ length: 1000 }, () => 'x')).length, 100)
  t.match(sentence(compile(Type.Array(Type.Integer())).check(Array.from({ length: 9 }, () => 'x'))), /and 4 more$/)
})

t.test('the nearest name is suggested, and none where none is near', async t => {
  t.equal(closest('lable', ['label', 'table']), 'label')
  t.equal(closest('DELAY', ['delay']), 'delay')
  t.equal(closest('x', ['destination']), undefined)
})
