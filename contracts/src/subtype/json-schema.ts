// What the checker reads of a JSON Schema, and where references lead.

import { canonicalJson } from '../canonical.ts'
import type { JsonValue } from '../schema.ts'

export type JsonSchema = { readonly [keyword: string]: unknown }
export type SchemaLike = JsonSchema | boolean

export const shapeTypes = ['null', 'boolean', 'number', 'string', 'array', 'object'] as const
export type ShapeType = (typeof shapeTypes)[number]

export const equal = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b)

export function typeOfValue(value: unknown): ShapeType {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : (typeof value as ShapeType)
}

export class Undecidable extends Error {}

const notConstraints = /^(?:title|description|default|examples|deprecated|readOnly|writeOnly|\$.*|~.*|x-.*)$/

/** Follows references that stand alone. Throws Undecidable where one leads nowhere or in a circle. */
export function dereference(schema: SchemaLike, root: SchemaLike): SchemaLike {
  let found = schema
  for (let hops = 0; typeof found === 'object' && typeof found['$ref'] === 'string'; hops++) {
    if (hops > 50) throw new Undecidable('a reference goes round in a circle')
    const others = Object.keys(found).filter(key => key !== '$ref' && key !== '$defs' && !notConstraints.test(key))
    if (others.length > 0) return found
    found = lookUp(found['$ref'], root)
  }
  return found
}

export function lookUp(ref: string, root: SchemaLike): SchemaLike {
  if (ref === '#') return root
  const document = typeof root === 'object' ? root : {}
  if (ref.startsWith('#/')) {
    let found: unknown = document
    for (const token of ref.slice(2).split('/')) {
      const key = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')
      found =
        found !== null && typeof found === 'object' && Object.hasOwn(found, key)
          ? (found as JsonSchema)[key]
          : undefined
    }
    if (found !== undefined) return found as SchemaLike
  }
  for (const key of ['$defs', 'definitions']) {
    const definitions = (document[key] ?? {}) as Record<string, JsonSchema>
    if (Object.hasOwn(definitions, ref)) return definitions[ref] as SchemaLike
    const named = Object.values(definitions).find(definition => definition['$id'] === ref)
    if (named) return named
  }
  throw new Undecidable(`the reference ${ref} leads nowhere`)
}

/** Both schemas at once. */
export function both(a: SchemaLike | undefined, b: SchemaLike | undefined): SchemaLike {
  const said = [a, b].filter(
    part => part !== undefined && part !== true && !(typeof part === 'object' && Object.keys(part).length === 0),
  )
  if (said.includes(false)) return false
  const [first, second] = said as SchemaLike[]
  if (first === undefined) return true
  return second === undefined || second === first ? first : { allOf: [first, second] }
}

export type { JsonValue }
