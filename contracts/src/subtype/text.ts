// A schema as text: equal texts mean equal values. Annotations are left out, keys are sorted.

import { canonicalJson } from '../canonical.ts'
import { isAnnotation, type JsonSchema } from './schema.ts'

const schemas = new Set(
  `items prefixItems additionalItems contains additionalProperties propertyNames unevaluatedItems unevaluatedProperties
  not if then else allOf anyOf oneOf`.split(/\s+/),
)
const maps = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'])
const kept = new Set(['$id', '$anchor', '$defs', 'definitions'])

const texts = new WeakMap<object, string>()

export function textOf(schema: JsonSchema | readonly JsonSchema[]): string {
  if (typeof schema === 'boolean') return String(schema)
  const known = texts.get(schema)
  if (known !== undefined) return known
  const text = canonicalJson(bare(schema))
  texts.set(schema, text)
  return text
}

export const refersTo = (text: string): boolean => text.includes('"$ref"') || text.includes('"$dynamicRef"')

function bare(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(bare)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).filter(([keyword]) => kept.has(keyword) || !isAnnotation(keyword))
  return Object.fromEntries(
    entries.map(([keyword, value]) => {
      if (schemas.has(keyword)) return [keyword, bare(value)]
      if (!maps.has(keyword) || typeof value !== 'object' || value === null) return [keyword, value]
      return [keyword, Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, bare(inner)]))]
    }),
  )
}
