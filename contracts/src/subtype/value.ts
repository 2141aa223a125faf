// Whether a value has a shape, or fits a schema. undefined where it cannot be decided.

import type { JsonValue } from '../schema.ts'
import { type Contract, compile } from '../validate.ts'
import { equal, type JsonSchema, type SchemaLike } from './json-schema.ts'
import type { Shape } from './shape.ts'

const contracts = new WeakMap<object, WeakMap<object, Contract | null>>()
const ofShape = new WeakMap<Shape, JsonSchema>()

export function valueFits(value: JsonValue, schema: SchemaLike, root: SchemaLike): boolean | undefined {
  if (typeof schema === 'boolean') return schema
  const rootKey = typeof root === 'object' ? root : schema
  const known = contracts.get(rootKey) ?? new WeakMap<object, Contract | null>()
  contracts.set(rootKey, known)
  let contract = known.get(schema)
  if (contract === undefined) {
    contract = compiled(schema, root)
    known.set(schema, contract)
  }
  return contract?.fits(value)
}

function compiled(schema: JsonSchema, root: SchemaLike): Contract | null {
  try {
    if (schema === root || typeof root === 'boolean') return compile(schema)
    const { $defs = {}, definitions = {}, components = {} } = root
    return compile({ $defs, definitions, components, ...schema })
  } catch {
    return null
  }
}

export function valueIn(value: JsonValue, shape: Shape, root: SchemaLike): boolean | undefined {
  if (shape.values && !shape.values.some(other => equal(value, other))) return false
  const schema = ofShape.get(shape) ?? schemaOf(shape)
  ofShape.set(shape, schema)
  const fits = valueFits(value, schema, root)
  return fits === true && shape.opaque.length > 0 ? undefined : fits
}

/** A schema that says what a shape says, but for what is opaque. */
function schemaOf(shape: Shape): JsonSchema {
  const { type } = shape
  const above = (name: string, bound: number) => (Number.isFinite(bound) ? { [name]: bound } : {})
  switch (shape.type) {
    case 'number':
      return {
        type,
        ...above(shape.minExcluded ? 'exclusiveMinimum' : 'minimum', shape.min),
        ...above(shape.maxExcluded ? 'exclusiveMaximum' : 'maximum', shape.max),
        ...(shape.multipleOf !== undefined && { multipleOf: shape.multipleOf }),
      }
    case 'string':
      return {
        type,
        minLength: shape.min,
        ...above('maxLength', shape.max),
        allOf: [...shape.patterns.map(pattern => ({ pattern })), ...shape.formats.map(format => ({ format }))],
      }
    case 'array':
      return {
        type,
        minItems: shape.min,
        ...above('maxItems', shape.max),
        ...(shape.tuple.length > 0 && { prefixItems: shape.tuple }),
        items: shape.rest,
        uniqueItems: shape.unique,
      }
    case 'object':
      return {
        type,
        minProperties: shape.min,
        ...above('maxProperties', shape.max),
        properties: shape.properties,
        required: [...shape.required],
        patternProperties: shape.patterns,
        additionalProperties: shape.additional,
      }
    case 'null':
    case 'boolean':
      return { type }
  }
}
