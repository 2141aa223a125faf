// A consumer's schema without its fine print: kinds and shapes stay, ranges, lengths, patterns and closed sets of
// values go. What does not fit even this can never work; what fits only this may work. Pure.

import { resolve, type Schema } from './schema.ts'

const fine = [
  'oneOf',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
  'propertyNames',
  'default',
  'examples',
  'description',
]
const depthMax = 16
const relaxed = new WeakMap<object, Schema>()

export function relax(schema: Schema, root: Schema = schema): Schema {
  const known = relaxed.get(schema)
  if (known) return known
  const result = relaxAt(schema, root, 0)
  relaxed.set(schema, result)
  return result
}

function relaxAt(schema: Schema, root: Schema, depth: number): Schema {
  if (depth > depthMax) return {}
  if (schema.$ref !== undefined) return relaxAt(resolve(schema.$ref, root) ?? {}, root, depth + 1)
  const inner = (part: Schema) => relaxAt(part, root, depth + 1)
  const each = (parts: Readonly<Record<string, Schema>>) =>
    Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, inner(part)]))
  if ('const' in schema) return ofValues([schema.const])
  if (schema.enum) return ofValues(schema.enum)
  const rest = Object.fromEntries(Object.entries(schema).filter(([key]) => !fine.includes(key))) as Schema
  return {
    ...rest,
    ...(schema.anyOf && { anyOf: schema.anyOf.map(inner) }),
    ...(schema.oneOf && { anyOf: schema.oneOf.map(inner) }),
    ...(schema.properties && { properties: each(schema.properties) }),
    ...(typeof schema.additionalProperties === 'object' && {
      additionalProperties: inner(schema.additionalProperties),
    }),
    ...(typeof schema.items === 'object' && { items: inner(schema.items) }),
  }
}

/** Texts of a closed set may come out right; a discriminating constant of another kind cannot. */
function ofValues(values: readonly unknown[]): Schema {
  const types = new Set(values.map(value => (value === null ? 'null' : typeof value)))
  return types.size === 1 ? { type: [...types][0] as string } : { enum: values }
}
