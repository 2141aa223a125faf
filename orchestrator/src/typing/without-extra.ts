// An answer without what its contract does not name: what is passed on is what was promised. Pure.

import type { JsonValue } from '@meshwork/contracts'
import { alternatives, expand, itemsOf, type Schema } from './schema.ts'

const openSchemas = new WeakMap<object, boolean>()

/** `contract` is the schema as the stage published it; the value fits it. */
export function withoutExtra(value: JsonValue, contract: Schema): JsonValue {
  const open = openSchemas.get(contract) ?? isOpen(contract)
  openSchemas.set(contract, open)
  return open ? project(value, expand(contract)) : value
}

/** Whether an object somewhere in it leaves undeclared keys open. */
function isOpen(schema: unknown): boolean {
  if (schema === null || typeof schema !== 'object') return false
  if (Array.isArray(schema)) return schema.some(isOpen)
  const { properties, additionalProperties } = schema as Schema
  if (properties !== undefined && additionalProperties === undefined) return true
  return Object.values(schema).some(isOpen)
}

function project(value: JsonValue, schema: Schema): JsonValue {
  if (value === null || typeof value !== 'object') return value
  const shape = shapeOf(value, schema)
  if (!shape) return value
  if (Array.isArray(value)) return value.map((item, i) => project(item, shape.prefixItems?.[i] ?? itemsOf(shape)))
  const properties = shape.properties ?? {}
  const rest = typeof shape.additionalProperties === 'object' ? shape.additionalProperties : undefined
  const kept = Object.entries(value).flatMap(([key, inner]): [string, JsonValue][] => {
    const known = Object.hasOwn(properties, key) ? properties[key] : rest
    if (known) return [[key, project(inner, known)]]
    return shape.additionalProperties === false && !shape.patternProperties ? [] : [[key, inner]]
  })
  return Object.fromEntries(kept)
}

/** The shape that the value was promised in; undefined where that cannot be told, and then nothing is taken away. */
function shapeOf(value: object, schema: Schema): Schema | undefined {
  const kind = Array.isArray(value) ? 'list' : 'map'
  const shapes = alternatives(schema).filter(alternative => alternative.kind === kind)
  if (shapes.length === 1) return shapes[0]?.schema
  const named = shapes.filter(({ schema: shape }) =>
    Object.entries(shape.properties ?? {}).every(
      ([key, property]) => !('const' in property) || (value as Record<string, unknown>)[key] === property.const,
    ),
  )
  return named.length === 1 ? named[0]?.schema : undefined
}
