// JSON to the values of CEL, which tells whole numbers (bigint) from fractions. Pure.

import { alternatives, itemsOf, type Schema } from '../typing/schema.ts'

/**
 * A number is whole where its schema says integer, a fraction where it says number, and what it looks like where no
 * schema says anything. Objects have no prototype, so that `constructor` is just a missing key.
 */
export function toCel(value: unknown, schema?: Schema): unknown {
  if (typeof value === 'number') return isWhole(value, schema) ? BigInt(value) : value
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) {
    const list = shapeOf(schema, 'list')
    return value.map((item, i) => toCel(item, list && (list.prefixItems?.[i] ?? itemsOf(list))))
  }
  const map = shapeOf(schema, 'map')
  const rest = typeof map?.additionalProperties === 'object' ? map.additionalProperties : undefined
  const plain = Object.create(null) as Record<string, unknown>
  for (const [key, inner] of Object.entries(value)) plain[key] = toCel(inner, map?.properties?.[key] ?? rest)
  return plain
}

function isWhole(value: number, schema: Schema | undefined): boolean {
  if (!Number.isInteger(value)) return false
  if (!schema) return true
  const kinds = alternatives(schema).map(({ kind }) => kind)
  return kinds.includes('int') || !kinds.includes('double')
}

/** The only shape of this kind; of several none, since they may differ. */
function shapeOf(schema: Schema | undefined, kind: 'list' | 'map'): Schema | undefined {
  if (!schema) return undefined
  const shapes = alternatives(schema).filter(alternative => alternative.kind === kind)
  return shapes.length === 1 ? shapes[0]?.schema : undefined
}
