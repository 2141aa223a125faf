// JSON Schema as it is read here, and what its references mean.

import type { JsonValue } from '../schema.ts'

/** JSON Schema 2020-12 (or the draft-07 tuples that TypeBox writes). It must not change once it was compared. */
export type JsonSchema = boolean | object

export interface Keywords {
  readonly type?: string | readonly string[]
  readonly nullable?: boolean
  readonly enum?: readonly JsonValue[]
  readonly const?: JsonValue
  readonly default?: JsonValue
  readonly not?: JsonSchema
  readonly allOf?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly $ref?: string
  readonly $id?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly items?: JsonSchema | readonly JsonSchema[]
  readonly prefixItems?: readonly JsonSchema[]
  readonly additionalItems?: JsonSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema
  readonly propertyNames?: JsonSchema
  readonly required?: readonly string[]
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly [keyword: string]: unknown
}

/** A schema that cannot be read as a set of values; the answer about it is "unknown". */
export class NotComparable extends Error {}

/** Keywords that constrain nothing. Every keyword that is neither here nor analysed counts as a constraint. */
export const annotations = new Set(
  `$schema $id $anchor $comment $defs definitions title description default example examples deprecated readOnly writeOnly
  contentEncoding contentMediaType contentSchema discriminator externalDocs xml`.split(/\s+/),
)
export const isAnnotation = (keyword: string): boolean =>
  annotations.has(keyword) || keyword.startsWith('x-') || keyword.startsWith('~')

/** Follows references that stand alone. */
export function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let current = schema
  for (let hops = 0; hops < 50; hops++) {
    if (typeof current === 'boolean') return current
    const { $ref } = current as Keywords
    if ($ref === undefined) return current
    if (!Object.keys(current).every(key => key === '$ref' || isAnnotation(key))) return current
    current = targetOf($ref, root)
  }
  throw new NotComparable('a $ref leads back to itself')
}

export function targetOf(ref: string, root: JsonSchema): JsonSchema {
  const { $id } = root as Keywords
  const local = $id && ref.startsWith(`${$id}#`) ? ref.slice($id.length) : ref
  if (local === '#' || local === $id) return root
  const found = local.startsWith('#/') ? atPointer(root, local.slice(2)) : namedIn(root).get(local)
  if (found === undefined || found === null) throw new NotComparable(`$ref "${ref}" leads nowhere`)
  return found
}

function atPointer(root: JsonSchema, pointer: string): JsonSchema | undefined {
  if (namedIn(root).has('#')) throw new NotComparable('a relative $ref stands inside a schema with its own $id')
  let current: unknown = root
  for (const part of pointer.split('/')) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined
    current = (current as Record<string, unknown>)[key]
  }
  return typeof current === 'object' || typeof current === 'boolean' ? (current as JsonSchema) : undefined
}

const named = new WeakMap<object, Map<string, JsonSchema | null>>()

/**
 * Schemas of a document by `$id` and by their key in `$defs`, as TypeBox refers to them; null where a name is used
 * twice. The key "#" says that a relative reference stands inside a schema with an `$id` of its own.
 */
function namedIn(root: JsonSchema): Map<string, JsonSchema | null> {
  if (typeof root === 'boolean') return new Map()
  const known = named.get(root)
  if (known) return known
  const names = new Map<string, JsonSchema | null>()
  named.set(root, names)
  const name = (key: string, schema: JsonSchema) =>
    names.set(key, names.has(key) && names.get(key) !== schema ? null : schema)
  const seen = new Set<object>()
  const visit = (node: unknown, owned: boolean): void => {
    if (typeof node !== 'object' || node === null || seen.has(node)) return
    seen.add(node)
    if (Array.isArray(node)) return node.forEach(each => visit(each, owned))
    const { $id, $ref, $defs } = node as Keywords
    const inside = owned || (typeof $id === 'string' && node !== root)
    if (typeof $id === 'string') name($id, node)
    if (inside && typeof $ref === 'string' && $ref.startsWith('#')) names.set('#', null)
    if (typeof $defs === 'object' && $defs !== null)
      for (const [key, schema] of Object.entries($defs)) name(key, schema as JsonSchema)
    for (const [key, inner] of Object.entries(node))
      if (!['enum', 'const', 'default', 'examples', 'example'].includes(key) || isSchemaMap(inner)) visit(inner, inside)
  }
  visit(root, false)
  return names
}

/** A property may be called "default" or "enum"; what stands there is a schema then. */
const isSchemaMap = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && ('$ref' in value || '$defs' in value)

/** The schema of the values that all the given ones accept. */
export function both(...schemas: (JsonSchema | undefined)[]): JsonSchema {
  const parts = [...new Set(schemas)].filter(
    (schema): schema is JsonSchema => schema !== undefined && schema !== true && !isEmpty(schema),
  )
  if (parts.includes(false)) return false
  return parts.length === 0 ? true : parts.length === 1 ? (parts[0] as JsonSchema) : { allOf: parts }
}

export const isEmpty = (schema: JsonSchema): boolean => typeof schema === 'object' && Object.keys(schema).length === 0
