// The type of an expression is a JSON Schema: this is how one is read. Pure.
//
// Invariant: everything here may widen a schema (say less than it does), never narrow it. What is not understood is
// `anything`, so that a check over it ends in "cannot be proven", not in a pass.

export interface Schema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly required?: readonly string[]
  readonly items?: boolean | Schema
  readonly prefixItems?: readonly Schema[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly title?: string
  readonly $ref?: string
  /** A kind of CEL that JSON does not have; no JSON value has this type. */
  readonly 'x-cel'?: Kind
  readonly [keyword: string]: unknown
}

/** Kinds of values that CEL tells apart; `dyn` is any of them. */
export type Kind =
  | 'null'
  | 'bool'
  | 'int'
  | 'double'
  | 'string'
  | 'list'
  | 'map'
  | 'timestamp'
  | 'duration'
  | 'bytes'
  | 'uint'
  | 'optional'
  | 'dyn'

export interface Alternative {
  readonly kind: Kind
  readonly schema: Schema
}

export const anything: Schema = {}
/** Anything that a schema may say more of: a comparison that fails on it is no proof. */
export const unsaid: Schema = { if: true }
const depthMax = 12
const kinds: Record<string, Kind> = {
  null: 'null',
  boolean: 'bool',
  integer: 'int',
  number: 'double',
  string: 'string',
  array: 'list',
  object: 'map',
}

const expanded = new WeakMap<object, Schema>()

/**
 * A producer's schema without references, its objects closed: what a contract does not name is taken away from an
 * answer before it is passed on. Recursion ends in what is not said.
 */
export function expand(root: Schema): Schema {
  const known = expanded.get(root)
  if (known) return known
  const whole = expandAt(root, root, 0)
  expanded.set(root, whole)
  return whole
}

function expandAt(
  schema: Schema | boolean | undefined,
  root: Schema,
  depth: number,
  within: readonly string[] = [],
): Schema {
  if (typeof schema !== 'object') return anything
  if (depth > depthMax) return unsaid
  if (schema.$ref !== undefined) {
    const target = within.includes(schema.$ref) ? undefined : resolve(schema.$ref, root)
    return target ? expandAt(target, root, depth + 1, [...within, schema.$ref]) : unsaid
  }
  const inner = (part: Schema) => expandAt(part, root, depth + 1, within)
  const each = (parts: Readonly<Record<string, Schema>>) =>
    Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, inner(part)]))
  const closed = schema.properties !== undefined && schema.additionalProperties === undefined
  return {
    ...schema,
    ...(schema.anyOf && { anyOf: schema.anyOf.map(inner) }),
    ...(schema.oneOf && { oneOf: schema.oneOf.map(inner) }),
    ...(schema.allOf && { allOf: schema.allOf.map(inner) }),
    ...(schema.properties && { properties: each(schema.properties) }),
    ...(schema.patternProperties && { patternProperties: each(schema.patternProperties) }),
    ...(typeof schema.additionalProperties === 'object' && {
      additionalProperties: inner(schema.additionalProperties),
    }),
    ...(typeof schema.items === 'object' && !Array.isArray(schema.items) && { items: inner(schema.items) }),
    ...(schema.prefixItems && { prefixItems: schema.prefixItems.map(inner) }),
    ...(closed && !schema.patternProperties && { additionalProperties: false }),
  }
}

/** What a reference inside a document points to: `#`, a JSON pointer, or the name or `$id` of a definition. */
export function resolve(ref: string, root: Schema): Schema | undefined {
  if (ref === '#') return root
  if (ref.startsWith('#/')) {
    let found: unknown = root
    for (const token of ref.slice(2).split('/'))
      found = (found as Record<string, unknown> | undefined)?.[token.replaceAll('~1', '/').replaceAll('~0', '~')]
    return found as Schema | undefined
  }
  const definitions = (root['$defs'] ?? root['definitions'] ?? {}) as Record<string, Schema>
  return definitions[ref] ?? Object.values(definitions).find(definition => definition['$id'] === ref)
}

const alternativesOf = new WeakMap<object, readonly Alternative[]>()

/** The kinds of values a schema (without references) allows, each with what is known of it. */
export function alternatives(schema: Schema): readonly Alternative[] {
  const known = alternativesOf.get(schema)
  if (known) return known
  const found = read(schema)
  alternativesOf.set(schema, found)
  return found
}

const dyn: readonly Alternative[] = [{ kind: 'dyn', schema: anything }]

function read(schema: Schema): readonly Alternative[] {
  if (schema['x-cel'] !== undefined) return [{ kind: schema['x-cel'], schema }]
  if (schema.$ref !== undefined) return dyn
  if ('const' in schema) return [{ kind: kindOfValue(schema.const), schema }]
  if (schema.enum) {
    const kindsOfValues = [...new Set(schema.enum.map(kindOfValue))]
    return kindsOfValues.map(kind => ({
      kind,
      schema: { enum: schema.enum?.filter(value => kindOfValue(value) === kind) ?? [] },
    }))
  }
  const union = schema.anyOf ?? schema.oneOf
  if (union) {
    const all = union.flatMap(branch => [...alternatives(branch)])
    return all.some(({ kind }) => kind === 'dyn') ? dyn : all
  }
  if (schema.allOf) {
    const [only] = schema.allOf
    return schema.allOf.length === 1 && only && schema.type === undefined ? alternatives(only) : dyn
  }
  if (schema.type === undefined) return dyn
  return [schema.type].flat().map(type => ({ kind: kinds[type] ?? 'dyn', schema: { ...schema, type } }))
}

function kindOfValue(value: unknown): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'double'
  if (typeof value === 'object') return 'map'
  return typeof value === 'boolean' ? 'bool' : 'string'
}

export const isDyn = (schema: Schema): boolean => alternatives(schema).some(({ kind }) => kind === 'dyn')
export const kindsOf = (schema: Schema): ReadonlySet<Kind> => new Set(alternatives(schema).map(({ kind }) => kind))

/** The values of a schema that has finitely many of them. */
export function valuesOf(schema: Schema): readonly unknown[] | undefined {
  const found: unknown[] = []
  for (const { kind, schema: part } of alternatives(schema)) {
    if ('const' in part) found.push(part.const)
    else if (part.enum) found.push(...part.enum)
    else if (kind === 'null') found.push(null)
    else return undefined
  }
  return found
}

export const itemsOf = (list: Schema): Schema => (typeof list.items === 'object' ? list.items : anything)

/** The union of schemas. */
export function join(schemas: readonly Schema[]): Schema {
  if (schemas.length === 1) return schemas[0] as Schema
  const different = [...new Map(schemas.map(schema => [JSON.stringify(schema), schema])).values()]
  if (different.length === 0) return anything
  return different.length === 1 ? (different[0] as Schema) : { anyOf: different }
}

const shownMax = 6

/** A schema in a few words: `int`, `string | null`, `{rows, dataset}`, `"a" | "b"`. */
export function show(schema: Schema): string {
  if (isDyn(schema)) return 'any value'
  const words = alternatives(schema).map(({ kind, schema: part }) => {
    if ('const' in part) return JSON.stringify(part.const)
    if (part.enum)
      return part.enum
        .slice(0, shownMax)
        .map(value => JSON.stringify(value))
        .join(' | ')
    if (kind === 'map') return part.title ?? (part.properties ? `{${shownKeys(part.properties)}}` : 'map')
    return kind
  })
  return [...new Set(words)].join(' | ') || 'nothing'
}

function shownKeys(properties: Readonly<Record<string, Schema>>): string {
  const keys = Object.keys(properties)
  return keys.slice(0, shownMax).join(', ') + (keys.length > shownMax ? ', …' : '')
}
