// A schema is read as a list of shapes, each the values of one JSON type with its constraints; a value fits the
// schema when it fits one of them.
//
// `opaque` holds constraints that are not analysed, as text. A producer's shape is then wider than its schema, so that
// "yes" still holds and "no" does not. A consumer's is met only by a producer with the very same text.

import { canonicalJson } from '../canonical.ts'
import type { JsonValue } from '../schema.ts'
import type { JsonSchema } from './schema.ts'

interface Constrained {
  readonly opaque: readonly string[]
  /** The only values; the constraints beside them hold for each already, unless something is opaque. */
  readonly values?: readonly JsonValue[]
  /**
   * Of `oneOf`, in whose branches nothing is treated (stripped or given defaults), since that could make a second one
   * fit; 'mixed' when it is at the same time the shape of a schema outside, whose treatment is then unclear.
   */
  readonly untreated?: 'whole' | 'mixed'
}
export interface NullShape extends Constrained {
  readonly type: 'null'
}
export interface BooleanShape extends Constrained {
  readonly type: 'boolean'
}
export interface NumberShape extends Constrained {
  readonly type: 'number'
  readonly min: number
  readonly minOpen: boolean
  readonly max: number
  readonly maxOpen: boolean
  readonly step?: number
}
export interface StringShape extends Constrained {
  readonly type: 'string'
  readonly min: number
  readonly max: number
  readonly patterns: readonly string[]
  readonly formats: readonly string[]
}
export interface ArrayShape extends Constrained {
  readonly type: 'array'
  readonly prefix: readonly JsonSchema[]
  readonly rest: JsonSchema
  readonly min: number
  readonly max: number
  readonly unique: boolean
}
export interface ObjectShape extends Constrained {
  readonly type: 'object'
  readonly properties: ReadonlyMap<string, JsonSchema>
  readonly required: ReadonlySet<string>
  readonly additional: JsonSchema
  /** `additionalProperties` was said, not left open by silence. */
  readonly declared: boolean
  readonly patterns: ReadonlyMap<string, JsonSchema>
  /** What each key must fit, as text. */
  readonly names: JsonSchema
  readonly min: number
  readonly max: number
}
export type Shape = NullShape | BooleanShape | NumberShape | StringShape | ArrayShape | ObjectShape
export type ShapeType = Shape['type']

/** One end of a comparison: the document in which references are resolved, and the shapes of its schemas. */
export interface Side {
  readonly root: JsonSchema
  shapes(schema: JsonSchema): readonly Shape[]
}

export const shapeTypes: readonly ShapeType[] = ['null', 'boolean', 'number', 'string', 'array', 'object']

const free = {
  null: { type: 'null', opaque: [], values: [null] },
  boolean: { type: 'boolean', opaque: [], values: [false, true] },
  number: { type: 'number', opaque: [], min: -Infinity, minOpen: false, max: Infinity, maxOpen: false },
  string: { type: 'string', opaque: [], min: 0, max: Infinity, patterns: [], formats: [] },
  array: { type: 'array', opaque: [], prefix: [], rest: true, min: 0, max: Infinity, unique: false },
  object: {
    type: 'object',
    opaque: [],
    properties: new Map(),
    required: new Set(),
    additional: true,
    declared: false,
    patterns: new Map(),
    names: true,
    min: 0,
    max: Infinity,
  },
} as const satisfies { [T in ShapeType]: Shape & { type: T } }

/** The shape of every value of a type. */
export const anyOfType = (type: ShapeType): Shape => free[type]

export const typeOf = (value: JsonValue): ShapeType =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : (typeof value as ShapeType)

export const sameValue = (a: JsonValue, b: JsonValue): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && canonicalJson(a) === canonicalJson(b))

export const shown = (values: readonly JsonValue[]): string => {
  const texts = values.slice(0, 8).map(value => canonicalJson(value))
  return [...texts, ...(values.length > 8 ? ['…'] : [])].join(' | ')
}

/** The shape in a few words. */
export function describe(shape: Shape): string {
  if (shape.type === 'null' || (shape.type === 'boolean' && shape.values?.length === 2)) return shape.type
  if (shape.values) return shown(shape.values)
  return shape.type === 'number' && shape.step === 1 ? 'integer' : shape.type
}

const expressions = new Map<string, RegExp>()

/** A pattern as the validator reads it; undefined when it is none. At most 1,000 are kept. */
export function expressionOf(pattern: string): RegExp | undefined {
  const known = expressions.get(pattern)
  if (known) return known
  try {
    const expression = new RegExp(pattern, 'u')
    if (expressions.size < 1000) expressions.set(pattern, expression)
    return expression
  } catch {
    return undefined
  }
}
