// From a schema to its shapes.
//
// Invariant: the shapes hold at least the values of the schema, and exactly those when none is opaque.

import { canonicalJson } from '../canonical.ts'
import type { JsonValue } from '../schema.ts'
import {
  both,
  dereference,
  equal,
  type JsonSchema,
  lookUp,
  type SchemaLike,
  type ShapeType,
  shapeTypes,
  typeOfValue,
  Undecidable,
} from './json-schema.ts'
import { disjoint } from './disjoint.ts'
import { meet } from './meet.ts'
import { numberShape } from './number-shape.ts'
import { type ArrayShape, type ObjectShape, type Shape, type StringShape, whole } from './shape.ts'

const depthMax = 40
const analysed = new Set(
  `type enum const nullable anyOf oneOf allOf $ref minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength
  maxLength pattern format items prefixItems additionalItems minItems maxItems uniqueItems properties required
  additionalProperties patternProperties minProperties maxProperties title description default examples deprecated readOnly
  writeOnly definitions`.split(/\s+/),
)
/** Keywords that say something of one type only; another type is not touched by them. */
const opaqueOf: Readonly<Record<string, ShapeType>> = {
  contains: 'array',
  minContains: 'array',
  maxContains: 'array',
  unevaluatedItems: 'array',
  contentSchema: 'string',
  contentEncoding: 'string',
  contentMediaType: 'string',
  propertyNames: 'object',
  dependentRequired: 'object',
  dependentSchemas: 'object',
  dependencies: 'object',
  unevaluatedProperties: 'object',
}
const opaqueOfAll = new Set(['not', 'if', 'then', 'else'])
/** Patterns that every key matches, as a record has them. */
const everyKey = new Set(['^.*$', '^(.*)$', '.*', ''])

const cache = new WeakMap<object, WeakMap<object, readonly Shape[]>>()

export function normalise(schema: SchemaLike, root: SchemaLike): readonly Shape[] {
  if (typeof schema === 'boolean' || typeof root === 'boolean') return shapesOf(schema, root, 0)
  const known = cache.get(root)?.get(schema)
  if (known) return known
  const shapes = shapesOf(schema, root, 0)
  const ofRoot = cache.get(root) ?? new WeakMap<object, readonly Shape[]>()
  cache.set(root, ofRoot.set(schema, shapes))
  return shapes
}

function shapesOf(given: SchemaLike, root: SchemaLike, depth: number): readonly Shape[] {
  if (depth > depthMax) throw new Undecidable('the schema is nested too deep')
  const schema = dereference(given, root)
  if (schema === true) return shapeTypes.map(whole)
  if (schema === false || isNever(schema)) return []
  let shapes = valuesOf(schema) ?? typesOf(schema, root)
  if (schema['enum'] !== undefined || 'const' in schema) shapes = meet(shapes, typesOf(schema, root), root)
  const deeper = (part: SchemaLike) => shapesOf(part, root, depth + 1)
  if (typeof schema['$ref'] === 'string') shapes = meet(shapes, deeper(lookUp(schema['$ref'], root)), root)
  for (const part of (schema['allOf'] ?? []) as SchemaLike[]) shapes = meet(shapes, deeper(part), root)
  if (schema['anyOf']) shapes = meet(shapes, (schema['anyOf'] as SchemaLike[]).flatMap(deeper), root)
  if (schema['oneOf']) shapes = meet(shapes, exactlyOne(schema['oneOf'] as SchemaLike[], deeper, root), root)
  return shapes.filter(inhabited)
}

const isNever = (schema: JsonSchema): boolean =>
  schema['not'] === true || (typeof schema['not'] === 'object' && equal(schema['not'], {}))

/** oneOf is anyOf where no value fits two branches. */
function exactlyOne(
  branches: readonly SchemaLike[],
  deeper: (part: SchemaLike) => readonly Shape[],
  root: SchemaLike,
): Shape[] {
  const shapes = branches.map(deeper)
  const overlap = shapes.some((some, i) =>
    shapes
      .slice(i + 1)
      .some(others => some.some(a => others.some(b => !disjoint(a, b, root, part => normalise(part, root))))),
  )
  const all = shapes.flat()
  return overlap ? all.map(shape => ({ ...shape, opaque: [...shape.opaque, opaqueTag('oneOf', branches, root)] })) : all
}

function valuesOf(schema: JsonSchema): Shape[] | undefined {
  const values = 'const' in schema ? [schema['const']] : (schema['enum'] as unknown[] | undefined)
  if (!values) return undefined
  return shapeTypes.flatMap(type => {
    const own = values.filter(value => typeOfValue(value) === type) as JsonValue[]
    return own.length > 0 ? [{ ...whole(type), values: own }] : []
  })
}

function typesOf(schema: JsonSchema, root: SchemaLike): Shape[] {
  const { type } = schema as { type?: string | string[] }
  const named: readonly string[] =
    type === undefined ? shapeTypes : [...[type].flat(), ...(schema['nullable'] === true ? ['null'] : [])]
  const integer = named.includes('integer') && !named.includes('number')
  const types = new Set(named.map(name => (name === 'integer' ? 'number' : name)))
  const opaque = Object.keys(schema).filter(
    key => !analysed.has(key) && (opaqueOfAll.has(key) || opaqueOf[key] !== undefined),
  )
  return [...types].map(name => {
    if (!shapeTypes.includes(name as ShapeType)) throw new Undecidable(`"${name}" is not a type`)
    const shape = shapeOfType(name as ShapeType, schema, integer)
    const tags = opaque
      .filter(key => opaqueOf[key] === undefined || opaqueOf[key] === name)
      .map(key => opaqueTag(key, schema[key], root))
    return { ...shape, opaque: [...shape.opaque, ...tags] }
  })
}

/** Not analysed: comparable as text alone, with what its references mean. */
function opaqueTag(keyword: string, value: unknown, root: SchemaLike): string {
  const text = canonicalJson(value)
  return `${keyword}:${text}${text.includes('$ref') ? `@${canonicalJson(root)}` : ''}`
}

function shapeOfType(type: ShapeType, schema: JsonSchema, integer: boolean): Shape {
  const count = (name: string, other: number) => (typeof schema[name] === 'number' ? schema[name] : other)
  const infinity = Number.POSITIVE_INFINITY
  switch (type) {
    case 'number':
      return numberShape(schema, integer)
    case 'string':
      return {
        ...(whole('string') as StringShape),
        min: count('minLength', 0),
        max: count('maxLength', infinity),
        patterns: typeof schema['pattern'] === 'string' ? [schema['pattern']] : [],
        formats: typeof schema['format'] === 'string' ? [schema['format']] : [],
      }
    case 'array':
      return arrayShape(schema, count)
    case 'object':
      return objectShape(schema, count)
    case 'null':
    case 'boolean':
      return whole(type)
  }
}

function arrayShape(schema: JsonSchema, count: (name: string, other: number) => number): ArrayShape {
  const listed = Array.isArray(schema['items'])
  const tuple = (schema['prefixItems'] ?? (listed ? schema['items'] : [])) as SchemaLike[]
  const rest = ((listed ? schema['additionalItems'] : schema['items']) ?? true) as SchemaLike
  const max = count('maxItems', Number.POSITIVE_INFINITY)
  return {
    ...(whole('array') as ArrayShape),
    tuple,
    rest,
    min: count('minItems', 0),
    max: rest === false ? Math.min(max, tuple.length) : max,
    unique: schema['uniqueItems'] === true,
  }
}

function objectShape(schema: JsonSchema, count: (name: string, other: number) => number): ObjectShape {
  const required = new Set((schema['required'] ?? []) as string[])
  const shape: ObjectShape = {
    ...(whole('object') as ObjectShape),
    properties: (schema['properties'] ?? {}) as Record<string, SchemaLike>,
    required,
    additional: (schema['additionalProperties'] ?? true) as SchemaLike,
    additionalGiven: schema['additionalProperties'] !== undefined,
    patterns: (schema['patternProperties'] ?? {}) as Record<string, SchemaLike>,
    min: Math.max(count('minProperties', 0), required.size),
    max: count('maxProperties', Number.POSITIVE_INFINITY),
  }
  const [only, ...others] = Object.entries(shape.patterns)
  if (!only || others.length > 0 || !everyKey.has(only[0])) return shape
  const properties = Object.fromEntries(
    Object.entries(shape.properties).map(([key, part]) => [key, both(part, only[1])]),
  )
  return { ...shape, properties, patterns: {}, additional: only[1], additionalGiven: true }
}

function inhabited(shape: Shape): boolean {
  if (shape.values && shape.values.length === 0) return false
  if (!('min' in shape)) return true
  if (shape.min > shape.max) return false
  return !(shape.type === 'number' && shape.min === shape.max && (shape.minExcluded || shape.maxExcluded))
}
