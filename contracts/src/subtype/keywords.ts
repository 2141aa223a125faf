// The keywords of one schema object, without its references and unions, as one shape for each type it allows.

import { divides, tightened } from './number.ts'
import { both, isAnnotation, type JsonSchema, type Keywords, NotComparable, resolve } from './schema.ts'
import {
  type ArrayShape,
  anyOfType,
  type NumberShape,
  type ObjectShape,
  type Shape,
  type ShapeType,
  type StringShape,
  shapeTypes,
} from './shape.ts'
import { refersTo, textOf } from './text.ts'

const analysed = new Set(
  `type nullable enum const anyOf oneOf allOf $ref minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength
  maxLength pattern format items prefixItems additionalItems minItems maxItems uniqueItems properties required
  additionalProperties patternProperties propertyNames minProperties maxProperties`.split(/\s+/),
)

/** Constraints that are compared as text alone, with those they depend on. */
const groups: Readonly<Record<string, { readonly type?: ShapeType; readonly with: readonly string[] }>> = {
  contains: { type: 'array', with: ['contains', 'minContains', 'maxContains'] },
  if: { with: ['if', 'then', 'else'] },
  dependentRequired: { type: 'object', with: ['dependentRequired'] },
  dependentSchemas: { type: 'object', with: ['dependentSchemas'] },
  dependencies: { type: 'object', with: ['dependencies'] },
}
const dependents = new Set(['minContains', 'maxContains', 'then', 'else'])

/** Matches every key: what TypeBox writes for a record. A key with a line feed is left aside. */
const everyKey = new Set(['^.*$', '^(.*)$', '.*', ''])

/** An opaque constraint that equals no other. */
export const incomparable = (keyword: string): string => `!${keyword}`

export function keywordShapes(schema: Keywords, root: JsonSchema): Shape[] {
  const types = new Map<ShapeType, string>()
  for (const type of schema.type === undefined ? shapeTypes : [schema.type].flat()) {
    const kind = type === 'integer' ? 'number' : (type as ShapeType)
    if (!shapeTypes.includes(kind)) throw new NotComparable(`type "${type}" is not known`)
    if (type !== 'integer' || !types.has('number')) types.set(kind, type)
  }
  const shapes = [...types].map(([type, written]) => constrained(type, written, schema, root))
  if (schema.nullable === true && schema.type !== undefined && !types.has('null'))
    shapes.push({ type: 'null', values: [null], opaque: ['nullable'] })
  return shapes
}

function constrained(type: ShapeType, written: string, schema: Keywords, root: JsonSchema): Shape {
  const shape = { ...anyOfType(type), opaque: opaqueOf(type, schema, root) }
  switch (shape.type) {
    case 'null':
    case 'boolean':
      return shape
    case 'number':
      return numberOf(shape, written === 'integer', schema)
    case 'string':
      return stringOf(shape, schema)
    case 'array':
      return arrayOf(shape, schema, root)
    case 'object':
      return objectOf(shape, schema)
  }
}

function opaqueOf(type: ShapeType, schema: Keywords, root: JsonSchema): string[] {
  const found: string[] = []
  for (const keyword of Object.keys(schema)) {
    if (analysed.has(keyword) || isAnnotation(keyword) || dependents.has(keyword)) continue
    const group = groups[keyword]
    if (group?.type !== undefined && group.type !== type) continue
    // What is not in a group may depend on anything beside it, as unevaluatedProperties does; "not" stands alone.
    const told = group
      ? Object.fromEntries(group.with.map(name => [name, schema[name]]))
      : keyword === 'not'
        ? { not: schema.not }
        : schema
    found.push(constraintText(keyword, told, root))
  }
  return found
}

/** A constraint as text, with the whole document when it refers to some of it. */
export function constraintText(keyword: string, value: object, root: JsonSchema): string {
  const text = textOf(value)
  return `${keyword}: ${text}${refersTo(text) ? ` in ${textOf(root)}` : ''}`
}

function numberOf(shape: NumberShape, integer: boolean, schema: Keywords): NumberShape {
  let { min, minOpen, max, maxOpen } = shape
  min = schema.minimum ?? min
  max = schema.maximum ?? max
  const { exclusiveMinimum: above, exclusiveMaximum: below, multipleOf } = schema
  if (typeof above === 'number' && above >= min) [min, minOpen] = [above, true]
  if (typeof below === 'number' && below <= max) [max, maxOpen] = [below, true]
  const bounded = { ...shape, min, minOpen, max, maxOpen }
  const whole = integer ? 1 : undefined
  const step = multipleOf === undefined ? whole : stepOf(multipleOf, whole)
  if (step === 'opaque')
    return tightened({ ...bounded, step: 1, opaque: [...shape.opaque, `multipleOf: ${multipleOf}`] })
  return step === undefined ? bounded : tightened({ ...bounded, step })
}

/** One step for both, where one is a multiple of the other. */
export function stepOf(a: number, b: number | undefined): number | 'opaque' {
  if (b === undefined || divides(b, a)) return a
  return divides(a, b) ? b : 'opaque'
}

const stringOf = (shape: StringShape, schema: Keywords): StringShape => ({
  ...shape,
  min: schema.minLength ?? 0,
  max: schema.maxLength ?? Infinity,
  patterns: schema.pattern === undefined ? [] : [schema.pattern],
  formats: schema.format === undefined ? [] : [schema.format],
})

function arrayOf(shape: ArrayShape, schema: Keywords, root: JsonSchema): ArrayShape {
  const tuple = Array.isArray(schema.items) ? (schema.items as readonly JsonSchema[]) : undefined
  const prefix = schema.prefixItems ?? tuple ?? []
  const rest = (tuple ? schema.additionalItems : (schema.items as JsonSchema | undefined)) ?? true
  const most = schema.maxItems ?? Infinity
  const max = resolve(rest, root) === false ? Math.min(most, prefix.length) : most
  return { ...shape, prefix, rest, min: schema.minItems ?? 0, max, unique: schema.uniqueItems === true }
}

function objectOf(shape: ObjectShape, schema: Keywords): ObjectShape {
  const properties = new Map(Object.entries(schema.properties ?? {}))
  let patterns = new Map(Object.entries(schema.patternProperties ?? {}))
  let additional = schema.additionalProperties ?? true
  let declared = schema.additionalProperties !== undefined
  const [[pattern, record] = []] = patterns
  if (patterns.size === 1 && pattern !== undefined && record !== undefined && everyKey.has(pattern)) {
    for (const [key, property] of properties) properties.set(key, both(property, record))
    patterns = new Map()
    additional = record
    declared = true
  }
  const required = new Set(schema.required ?? [])
  const min = Math.max(schema.minProperties ?? 0, required.size)
  const names = schema.propertyNames ?? true
  return {
    ...shape,
    names,
    properties,
    patterns,
    additional,
    declared,
    required,
    min,
    max: schema.maxProperties ?? Infinity,
  }
}
