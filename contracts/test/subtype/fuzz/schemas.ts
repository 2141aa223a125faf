// Random schemas that look like contracts, and pairs of them that are nearly equal.

import fc from 'fast-check'
import { Random } from './random.ts'

export type Schema = boolean | { [keyword: string]: unknown }

/** JSON of unknown shape, as a validator of it must take it. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Loose = any

export const strings = ['', 'a', 'b', 'ab', 'abc', 'x1', '2024-01-01']
export const numbers = [-1, 0, 1, 2, 3, 5, 0.5, 1.5]
export const keys = ['a', 'b', 'c']

export interface Kind {
  /** Also what contracts seldom say: not, if, contains, patternProperties, lists of types. */
  readonly wide: boolean
  readonly allOf: boolean
  readonly defaults: boolean
}

/** There in so many of ten. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, share = 5): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 10 - share }, { arbitrary, weight: share })
const number = fc.constantFrom(...numbers)

function record(model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Schema> {
  return fc
    .record(model)
    .map(schema => Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined)))
}

const string = record({
  type: fc.constant('string'),
  minLength: maybe(fc.nat(2), 3),
  maxLength: maybe(fc.integer({ min: 1, max: 4 }), 3),
  pattern: maybe(fc.constantFrom('^a', 'b$', '^[a-z]*$'), 2),
  format: maybe(fc.constant('date'), 1),
})
const numeric = record({
  type: fc.constantFrom('integer', 'number'),
  minimum: maybe(number, 3),
  maximum: maybe(number, 3),
  exclusiveMinimum: maybe(number, 2),
  exclusiveMaximum: maybe(number, 2),
  multipleOf: maybe(fc.constantFrom(1, 2, 3, 0.5, 0.1), 2),
})
const scalar = fc.oneof(
  string,
  numeric,
  fc.constantFrom<Schema>({ type: 'boolean' }, { type: 'null' }, {}, true),
  fc
    .uniqueArray(fc.constantFrom(...strings, ...numbers, null, true), { minLength: 1, maxLength: 4 })
    .map(values => ({ enum: values })),
  fc.constantFrom(...strings, ...numbers, null, true, { a: 1 }, [1]).map(value => ({ const: value })),
)

export function schemas(kind: Kind): fc.Arbitrary<Schema> {
  const { schema } = fc.letrec<{ schema: Schema }>(tie => {
    const inner = tie('schema')
    const several = fc.array(inner, { minLength: 2, maxLength: 3 })
    const property = kind.defaults
      ? fc
          .tuple(inner, maybe(fc.constantFrom(...strings, ...numbers, null, true, {}), 3))
          .map(([schema, value]) =>
            value === undefined || typeof schema === 'boolean' ? schema : { ...schema, default: value },
          )
      : inner
    const object = record({
      type: fc.constant('object'),
      properties: fc.dictionary(fc.constantFrom(...keys), property, { maxKeys: 3 }).map(map => ({ ...map })),
      required: fc.subarray(keys),
      additionalProperties: maybe(
        fc.oneof({ arbitrary: fc.constant<Schema>(false), weight: 4 }, { arbitrary: inner, weight: 1 }),
        5,
      ),
      propertyNames: maybe(fc.constantFrom<Schema>({ maxLength: 1 }, { pattern: '^[a-z]*$' }, { enum: ['a', 'b'] }), 1),
      minProperties: maybe(fc.nat(2), 1),
      maxProperties: maybe(fc.integer({ min: 1, max: 3 }), 1),
    })
    const array = record({
      type: fc.constant('array'),
      items: inner,
      minItems: maybe(fc.nat(2), 2),
      maxItems: maybe(fc.nat(3), 2),
      uniqueItems: maybe(fc.boolean(), 1),
    })
    const tuple = fc
      .tuple(fc.array(inner, { maxLength: 2 }), fc.oneof(fc.constant<Schema>(false), inner), fc.boolean())
      .map(
        ([prefixItems, items, full]): Schema => ({
          type: 'array',
          ...(prefixItems.length > 0 ? { prefixItems } : {}),
          items,
          ...(full ? { minItems: prefixItems.length } : {}),
        }),
      )
    const discriminated = fc
      .array(fc.tuple(fc.constantFrom('a', 'b', 'ab'), inner), { minLength: 2, maxLength: 3 })
      .chain(branches =>
        fc.constantFrom('anyOf', 'oneOf').map(
          (union): Schema => ({
            [union]: branches.map(([name, schema]) => ({
              type: 'object',
              properties: { a: { const: name }, b: schema },
              required: ['a'],
              additionalProperties: false,
            })),
          }),
        ),
      )
    const wide: fc.Arbitrary<Schema>[] = [
      fc.tuple(scalar, scalar).map(([schema, not]) => ({ ...(schema as object), not })),
      fc.tuple(inner, fc.nat(2)).map(([contains, minContains]) => ({
        type: 'array',
        contains,
        ...(minContains > 0 ? { minContains: minContains - 1 } : {}),
      })),
      fc
        .tuple(fc.subarray(['string', 'integer', 'number', 'null', 'object'], { minLength: 1 }), maybe(number))
        .map(([type, minimum]) => ({
          type,
          ...(minimum === undefined ? {} : { minimum }),
        })),
      fc
        .tuple(
          fc.constantFrom('^a', 'b'),
          inner,
          inner,
          fc.constantFrom('additionalProperties', 'unevaluatedProperties', 'x-none'),
        )
        .map(([pattern, schema, rest, where]) => ({
          type: 'object',
          properties: { a: rest },
          patternProperties: { [pattern]: schema },
          [where]: rest,
        })),
      fc.tuple(scalar, scalar).map(([test, met]) => ({ if: test, else: met })),
    ]
    return {
      schema: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'schema' },
        { arbitrary: scalar, weight: 6 },
        { arbitrary: object, weight: 5 },
        { arbitrary: array, weight: 2 },
        { arbitrary: tuple, weight: 1 },
        { arbitrary: discriminated, weight: 1 },
        {
          arbitrary: fc
            .tuple(fc.constantFrom('anyOf', 'oneOf'), several)
            .map(([union, branches]): Schema => ({ [union]: branches })),
          weight: 2,
        },
        { arbitrary: inner.map((schema): Schema => ({ anyOf: [schema, { type: 'null' }] })), weight: 1 },
        {
          arbitrary: inner.map((schema): Schema => ({ type: 'object', patternProperties: { '^.*$': schema } })),
          weight: 1,
        },
        { arbitrary: fc.constant<Schema>({ $ref: '#/$defs/T' }), weight: 1 },
        ...(kind.allOf ? [{ arbitrary: fc.tuple(inner, inner).map((allOf): Schema => ({ allOf })), weight: 1 }] : []),
        ...(kind.wide ? wide.map(arbitrary => ({ arbitrary, weight: 1 })) : []),
      ),
    }
  })
  return fc.tuple(schema, fc.nat(15)).map(([schema, choice]) => withTree(schema, choice))
}

/** What `#/$defs/T` means: a recursive object, of 16 kinds. */
function withTree(schema: Schema, choice: number): Schema {
  if (typeof schema === 'boolean' || !JSON.stringify(schema).includes('$ref')) return schema
  const bit = (i: number) => ((choice >> i) & 1) === 1
  const tree = {
    type: 'object',
    properties: { v: { type: bit(0) ? 'integer' : 'number' }, n: { $ref: '#/$defs/T' } },
    required: bit(1) ? ['v'] : [],
    ...(bit(2) ? { additionalProperties: false } : {}),
  }
  return { $defs: { T: { anyOf: [tree, { type: bit(3) ? 'null' : 'string' }] } }, ...schema }
}

/** Three of four are a schema and a changed copy of it; the rest have nothing to do with each other. */
export function pairs(kind: Kind): fc.Arbitrary<[Schema, Schema]> {
  const one = schemas(kind)
  const edited = fc
    .tuple(one, fc.array(scalar, { minLength: 2, maxLength: 2 }), fc.integer(), fc.boolean())
    .map(([schema, spare, seed, turned]): [Schema, Schema] => {
      const other = changed(schema, spare, new Random(seed))
      return turned ? [other, schema] : [schema, other]
    })
  return fc.oneof({ arbitrary: edited, weight: 3 }, { arbitrary: fc.tuple(one, one), weight: 1 })
}

type Node = Record<string, unknown>

function changed(schema: Schema, spare: readonly Schema[], random: Random): Schema {
  if (typeof schema === 'boolean') return spare[0] ?? true
  const copy = structuredClone(schema)
  const nodes: [Node, (schema: Schema) => void][] = []
  const visit = (value: unknown, replace?: (schema: Schema) => void, isMap = false): void => {
    if (Array.isArray(value)) return value.forEach((each, i) => visit(each, next => (value[i] = next)))
    if (typeof value !== 'object' || value === null) return
    const node = value as Node
    if (!isMap && replace) nodes.push([node, replace])
    else if (!isMap) nodes.push([node, () => {}])
    for (const key of Object.keys(node))
      if (isMap || !['enum', 'const', 'required', 'default'].includes(key))
        visit(
          node[key],
          next => (node[key] = next),
          !isMap && ['properties', '$defs', 'patternProperties'].includes(key),
        )
  }
  visit(copy)
  for (let i = 0; i <= random.below(2); i++) {
    const [node, replace] = random.pick(nodes)
    edit(node, replace, random.pick(spare), random)
  }
  return copy
}

function edit(node: Node, replace: (schema: Schema) => void, spare: Schema, random: Random): void {
  const shuffle = (list: unknown[], add: unknown) =>
    void (random.chance(0.5) ? list.push(add) : list.length > 1 && list.pop())
  const { required, properties, anyOf } = node
  const bounds = [
    'maxLength',
    'minLength',
    'minItems',
    'maxItems',
    'pattern',
    'multipleOf',
    'maximum',
    'minimum',
    'minContains',
    'default',
  ]
  const edits: (() => void)[] = [() => replace(structuredClone(spare))]
  if (/integer|number/.test(String(node.type)))
    edits.push(
      () => (node.minimum = random.pick(numbers)),
      () => (node.maximum = random.pick(numbers)),
      () => (node.type = node.type === 'integer' ? 'number' : 'integer'),
    )
  if (Array.isArray(required))
    edits.push(() =>
      shuffle(
        required,
        random.pick(
          keys
            .concat('zz')
            .filter(key => !required.includes(key))
            .concat(`new${required.length}`),
        ),
      ),
    )
  if (properties)
    edits.push(
      () =>
        node.additionalProperties === false ? delete node.additionalProperties : (node.additionalProperties = false),
      () => {
        const map = properties as Node
        const key = random.pick(keys)
        if (map[key] === undefined) map[key] = structuredClone(spare)
        else delete map[key]
      },
    )
  if (Array.isArray(node.enum)) {
    const values = node.enum as unknown[]
    edits.push(() => shuffle(values, random.pick(strings.filter(value => !values.includes(value)).concat('new'))))
  }
  if (Array.isArray(anyOf)) edits.push(() => shuffle(anyOf, structuredClone(spare)))
  for (const bound of bounds) if (node[bound] !== undefined) edits.push(() => delete node[bound])
  random.pick(edits)()
}
