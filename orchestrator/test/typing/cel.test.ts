// Types of expressions: what is accepted and what it gives, and what is wrong and where.

import { DatasetRef, MapOf, Nullable } from '@meshwork/contracts'
import t from 'tap'
import Type from 'typebox'
import { parseExpression } from '../../src/definition/expression.ts'
import { checkCel } from '../../src/typing/cel/check.ts'
import { expand, type Schema, show } from '../../src/typing/schema.ts'

const Output = Type.Object({
  dataset: DatasetRef,
  rejects: Nullable(DatasetRef),
  rows: Type.Integer({ minimum: 0 }),
  share: Type.Number(),
  mode: Type.Unsafe<string>({ type: 'string', enum: ['fast', 'safe'] }),
  note: Type.Optional(Type.String()),
  metrics: MapOf(Nullable(Type.Number()), { maxProperties: 10 }),
  labels: Type.Array(Type.String(), { maxItems: 3 }),
  pair: Type.Union([Type.String(), Type.Integer()]),
  ready: Type.Boolean(),
  slices: Type.Array(Type.Object({ by: Type.String(), rows: Type.Integer() })),
})
const object = (properties: Record<string, Schema>): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
const variables = new Map<string, Schema>([
  ['params', object({ n: { type: 'integer' }, x: { type: 'number' }, s: { type: 'string' }, any: { type: 'object' } })],
  ['steps', object({ a: expand(Output as unknown as Schema) })],
])

const check = (source: string) => {
  const parsed = parseExpression(source)
  if (parsed.kind === 'wrong') throw new Error(parsed.reason)
  return checkCel(parsed.expression.node, variables)
}

const right: readonly [source: string, type: string][] = [
  ['steps.a.rows', 'int'],
  ['steps["a"].rows', 'int'],
  ['steps.a.dataset', 'DatasetRef'],
  ['steps.a.rejects', 'DatasetRef | null'],
  ['steps.a.rows + params.n * 2 - 1', 'int'],
  ['steps.a.share * 2.0', 'double'],
  ['double(steps.a.rows) / 2.0', 'double'],
  ['params.x > 1 && params.n < 2.5', 'bool'],
  ['"rows: " + string(steps.a.rows)', 'string'],
  ['steps.a.mode == "fast" ? 1 : 2', '1 | 2'],
  ['has(steps.a.note) ? steps.a.note : "none"', 'string | "none"'],
  ['steps.a.?note.orValue("none")', 'string | "none"'],
  ['steps.a.rejects != null ? steps.a.rejects.rows : 0', 'int | 0'],
  ['steps.a.rejects == null ? 0 : steps.a.rejects.rows', '0 | int'],
  ['!has(steps.a.note) || steps.a.note.size() > 2', 'bool'],
  ['steps.a.metrics["auc"]', 'double | null'],
  ['steps.a.metrics.auc != null && steps.a.metrics.auc > 0.5', 'bool'],
  ['steps.a.labels[0]', 'string'],
  ['steps.a.labels.map(l, l.size())', 'list'],
  ['steps.a.slices.filter(s, s.rows > 10).size()', 'int'],
  ['steps.a.slices.exists(s, s.by == "origin" && s.rows > params.n)', 'bool'],
  ['steps.a.labels.join(", ").upperAscii()', 'string'],
  ['"x" in steps.a.labels', 'bool'],
  ['"auc" in steps.a.metrics', 'bool'],
  ['params.any.whatever.it.is', 'any value'],
  ['{"rows": steps.a.rows, "of": [1, 2]}', '{rows, of}'],
  ['timestamp("2026-01-01T00:00:00Z").getFullYear()', 'int'],
  ['timestamp("2026-01-02T00:00:00Z") - timestamp("2026-01-01T00:00:00Z") > duration("1h")', 'bool'],
  ['cel.bind(r, steps.a.rows, r * r)', 'int'],
  ['-steps.a.rows', 'int'],
  ['int("12") + size("abc")', 'int'],
  ['type_of_nothing == 1 || true', 'error:unknown-name'],
]
for (const [source, type] of right)
  t.test(`${source} gives ${type}`, async t => {
    const { schema, faults } = check(source)
    if (type.startsWith('error:')) return void t.match(faults, [{ code: type.slice(6) }])
    t.same(faults, [])
    t.equal(show(schema), type)
  })

const wrong: readonly [source: string, code: string, at: string, detail: RegExp][] = [
  ['steps.a.rowz', 'unknown-property', 'rowz', /did you mean "rows"/],
  ['steps.a.dataset.row', 'unknown-property', 'row', /did you mean "rows"/],
  ['steps.a.rows.size', 'not-an-object', 'steps.a.rows.size', /int has no "size"/],
  ['steps.a.note + "x"', 'maybe-absent', 'steps.a.note', /\.\?note\.orValue/],
  ['steps.a.rejects.rows', 'maybe-not-object', 'steps.a.rejects.rows', /may be null/],
  ['steps.a.rows + "x"', 'no-overload', 'steps.a.rows + "x"', /string\(x\)/],
  ['steps.a.share * 2', 'no-overload', 'steps.a.share * 2', /write 2\.0/],
  ['steps.a.metrics.auc > 0.5', 'no-overload', 'steps.a.metrics.auc > 0.5', /test it first/],
  ['steps.a.mode == "fats"', 'never-equal', 'steps.a.mode == "fats"', /did you mean "fast"/],
  ['steps.a.rows == "200"', 'never-equal', 'steps.a.rows == "200"', /never equal/],
  ['steps.a.rows == null', 'never-equal', 'steps.a.rows == null', /never equal/],
  ['steps.a.rows && true', 'wrong-type', 'steps.a.rows', /true or false/],
  ['!steps.a.rows', 'wrong-type', 'steps.a.rows', /true or false/],
  ['steps.a.ready ? 1 : "x"', 'mixed-branches', 'steps.a.ready ? 1 : "x"', /different types/],
  ['steps.a.labels[9]', 'out-of-range', 'steps.a.labels[9]', /at most 3/],
  ['steps.a.labels["x"]', 'not-an-object', 'steps.a.labels["x"]', /list has no "x"/],
  ['steps.a.rows[0]', 'not-indexable', 'steps.a.rows[0]', /no items/],
  ['sizes(steps.a.labels)', 'unknown-function', 'sizes(steps.a.labels)', /did you mean size\(\)/],
  ['steps.a.labels.first()', 'unknown-function', 'steps.a.labels.first()', /no function first/],
  ['size(steps.a.rows)', 'no-overload', 'size(steps.a.rows)', /does not exist/],
  ['steps.a.labels.map(l, l.rows)', 'not-an-object', 'l.rows', /string has no "rows"/],
  ['steps.a.rows.map(r, r)', 'wrong-type', 'steps.a.rows', /goes over a list/],
  ['steps.a.labels.filter(l, l.size())', 'wrong-type', 'l.size()', /true or false/],
  ['1 in steps.a.labels', 'never-equal', '1 in steps.a.labels', /never in/],
  ['"x" in steps.a.rows', 'wrong-type', 'steps.a.rows', /list or a map/],
  ['has(steps.a)', 'ok', '', /./],
  ['has(steps.a.nope)', 'unknown-property', 'nope', /no "nope"/],
  ['step.a.rows', 'unknown-name', 'step', /did you mean "steps"/],
  ['steps.a.pair + 1', 'no-overload', 'steps.a.pair + 1', /there is no/],
  ['steps.a.share % 2.0', 'no-overload', 'steps.a.share % 2.0', /there is no/],
  ['steps.a.note.orValue("x")', 'maybe-absent', 'steps.a.note', /orValue/],
  ['-steps.a.mode', 'no-overload', '-steps.a.mode', /no - before/],
]
for (const [source, code, at, detail] of wrong)
  t.test(`${source} is told as ${code}`, async t => {
    const { faults } = check(source)
    if (code === 'ok') return void t.same(faults, [])
    t.match(faults[0], { code, detail })
    t.equal(source.slice(faults[0]?.start, faults[0]?.end), at)
  })

t.test('every fault of an expression is told', async t => {
  const { faults } = check('steps.a.rowz + steps.a.shares > params.nn')
  t.same(
    faults.map(({ code }) => code),
    ['unknown-property', 'unknown-property', 'unknown-property'],
  )
})
