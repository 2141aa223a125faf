// The values that two shapes have in common.

import type { JsonValue } from '../schema.ts'
import { both, equal, type SchemaLike } from './json-schema.ts'
import { isMultiple, tightened } from './number-shape.ts'
import {
  type ArrayShape,
  type NumberShape,
  type ObjectShape,
  propertyOf,
  type Shape,
  type StringShape,
  whole,
} from './shape.ts'
import { valueIn } from './value.ts'

export function meet(some: readonly Shape[], others: readonly Shape[], root: SchemaLike): Shape[] {
  return some.flatMap(a => others.flatMap(b => (a.type === b.type ? [meetOf(a, b, root)] : [])))
}

function meetOf(a: Shape, b: Shape, root: SchemaLike): Shape {
  if (isWhole(a)) return b
  if (isWhole(b)) return a
  const opaque = [...new Set([...a.opaque, ...b.opaque])]
  const { values, undecided } = valuesOf(a, b, root)
  const shape = boundsOf(a, b, opaque)
  return { ...shape, ...(values && { values }), opaque: undecided ? [...shape.opaque, 'enum'] : shape.opaque }
}

function isWhole(shape: Shape): boolean {
  const { type } = shape
  return shape.opaque.length === 0 && equal(plain(shape), plain(whole(type)))
}
const plain = (shape: Shape): object => ({
  ...shape,
  ...('required' in shape && { required: [...shape.required], additionalGiven: false }),
  ...('min' in shape && { min: String(shape.min), max: String(shape.max) }),
  multipleOf: 'multipleOf' in shape ? (shape.multipleOf ?? null) : null,
})

function valuesOf(
  a: Shape,
  b: Shape,
  root: SchemaLike,
): { values: readonly JsonValue[] | undefined; undecided: boolean } {
  if (!a.values && !b.values) return { values: undefined, undecided: false }
  if (a.values && b.values)
    return { values: a.values.filter(value => b.values?.some(other => equal(value, other))), undecided: false }
  const [values, other] = a.values ? [a.values, b] : [b.values as readonly JsonValue[], a]
  const judged = values.map(value => valueIn(value, other, root))
  return { values: values.filter((_, i) => judged[i] !== false), undecided: judged.includes(undefined) }
}

function boundsOf(a: Shape, b: Shape, opaque: string[]): Shape {
  if (a.type === 'number' && b.type === 'number') return meetNumbers(a, b, opaque)
  const range = (x: { min: number; max: number }, y: { min: number; max: number }) => ({
    min: Math.max(x.min, y.min),
    max: Math.min(x.max, y.max),
  })
  if (a.type === 'string' && b.type === 'string')
    return {
      ...a,
      ...range(a, b),
      opaque,
      patterns: [...new Set([...a.patterns, ...b.patterns])],
      formats: [...new Set([...a.formats, ...b.formats])],
    } satisfies StringShape
  if (a.type === 'array' && b.type === 'array') {
    const length = Math.max(a.tuple.length, b.tuple.length)
    return {
      ...a,
      ...range(a, b),
      opaque,
      tuple: Array.from({ length }, (_, i) => both(a.tuple[i] ?? a.rest, b.tuple[i] ?? b.rest)),
      rest: both(a.rest, b.rest),
      unique: a.unique || b.unique,
    } satisfies ArrayShape
  }
  if (a.type === 'object' && b.type === 'object') return meetObjects(a, b, range(a, b), opaque)
  return { ...a, opaque }
}

function meetNumbers(a: NumberShape, b: NumberShape, opaque: string[]): NumberShape {
  const min = Math.max(a.min, b.min)
  const max = Math.min(a.max, b.max)
  const [x, y] = [a.multipleOf, b.multipleOf]
  const step = x === undefined ? y : y === undefined || isMultiple(x, y) ? x : isMultiple(y, x) ? y : undefined
  const unread = x !== undefined && y !== undefined && step === undefined
  return tightened({
    ...a,
    min,
    max,
    minExcluded: (a.min === min && a.minExcluded) || (b.min === min && b.minExcluded),
    maxExcluded: (a.max === max && a.maxExcluded) || (b.max === max && b.maxExcluded),
    multipleOf: unread ? x : step,
    opaque: unread ? [...opaque, `multipleOf:${y}`] : opaque,
  })
}

function meetObjects(
  a: ObjectShape,
  b: ObjectShape,
  range: { min: number; max: number },
  opaque: string[],
): ObjectShape {
  const keys = new Set([...Object.keys(a.properties), ...Object.keys(b.properties)])
  const required = new Set([...a.required, ...b.required])
  const patterned = [a, b].filter(shape => Object.keys(shape.patterns).length > 0)
  // What falls under a pattern here and under "additional" there is not followed.
  const unread =
    (patterned.length === 2 && !equal(a.patterns, b.patterns)) ||
    (patterned.length === 1 && (a.additional !== true || b.additional !== true))
  return {
    ...a,
    min: Math.max(range.min, required.size),
    max: range.max,
    properties: Object.fromEntries([...keys].map(key => [key, both(held(a, key), held(b, key))])),
    required,
    patterns: { ...a.patterns, ...b.patterns },
    additional: both(a.additional, b.additional),
    additionalGiven: a.additionalGiven || b.additionalGiven,
    opaque: unread ? [...opaque, 'patternProperties'] : opaque,
  }
}

/** The schema of a key of an object. */
export function held(shape: ObjectShape, key: string): SchemaLike {
  const { declared, rest } = propertyOf(shape, key)
  return declared.length === 0 ? rest : declared.reduce((all, part) => both(all, part), true as SchemaLike)
}
