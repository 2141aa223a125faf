// A schema is read as a union of shapes: each holds the values of one JSON type, within bounds.

import type { JsonValue } from '../schema.ts'
import type { SchemaLike, ShapeType } from './json-schema.ts'

interface Common {
  /** The only values; all of the type without it. */
  readonly values?: readonly JsonValue[]
  /** Constraints that are not analysed, as text: the shape may be wider than its schema. */
  readonly opaque: readonly string[]
}

export interface NumberShape extends Common {
  readonly type: 'number'
  readonly min: number
  readonly max: number
  readonly minExcluded: boolean
  readonly maxExcluded: boolean
  readonly multipleOf: number | undefined
}

export interface StringShape extends Common {
  readonly type: 'string'
  readonly min: number
  readonly max: number
  readonly patterns: readonly string[]
  readonly formats: readonly string[]
}

export interface ArrayShape extends Common {
  readonly type: 'array'
  readonly min: number
  readonly max: number
  readonly tuple: readonly SchemaLike[]
  readonly rest: SchemaLike
  readonly unique: boolean
}

export interface ObjectShape extends Common {
  readonly type: 'object'
  readonly min: number
  readonly max: number
  readonly properties: Readonly<Record<string, SchemaLike>>
  readonly required: ReadonlySet<string>
  readonly patterns: Readonly<Record<string, SchemaLike>>
  readonly additional: SchemaLike
  /** additionalProperties was written. */
  readonly additionalGiven: boolean
}

export interface PlainShape extends Common {
  readonly type: 'null' | 'boolean'
}

export type Shape = NumberShape | StringShape | ArrayShape | ObjectShape | PlainShape

export function whole(type: ShapeType): Shape {
  const infinite = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY, opaque: [] }
  const counted = { min: 0, max: Number.POSITIVE_INFINITY, opaque: [] }
  switch (type) {
    case 'null':
      return { type, values: [null], opaque: [] }
    case 'boolean':
      return { type, values: [false, true], opaque: [] }
    case 'number':
      return { type, ...infinite, minExcluded: false, maxExcluded: false, multipleOf: undefined }
    case 'string':
      return { type, ...counted, patterns: [], formats: [] }
    case 'array':
      return { type, ...counted, tuple: [], rest: true, unique: false }
    case 'object':
      return {
        type,
        ...counted,
        properties: {},
        required: new Set(),
        patterns: {},
        additional: true,
        additionalGiven: false,
      }
  }
}

/** What an object of this shape may hold under a key. */
export function propertyOf(shape: ObjectShape, key: string): { declared: readonly SchemaLike[]; rest: SchemaLike } {
  const declared = [
    ...(Object.hasOwn(shape.properties, key) ? [shape.properties[key] as SchemaLike] : []),
    ...Object.entries(shape.patterns).flatMap(([pattern, schema]) =>
      new RegExp(pattern, 'u').test(key) ? [schema] : [],
    ),
  ]
  return { declared, rest: shape.additional }
}

const shownMax = 8

/** A shape in a word or two, for people. */
export function describe(shape: Shape): string {
  if (shape.type === 'null') return 'null'
  if (shape.values && shape.type !== 'boolean')
    return shape.values
      .slice(0, shownMax)
      .map(value => JSON.stringify(value))
      .join(' | ')
  if (shape.type === 'number')
    return shape.multipleOf !== undefined && Number.isInteger(shape.multipleOf) ? 'integer' : 'number'
  return shape.type
}
