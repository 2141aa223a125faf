// The values that two shapes of one side have in common.

import { fitsShape, propertyOf } from './accepts.ts'
import { incomparable, stepOf } from './keywords.ts'
import { tightened } from './number.ts'
import { both, NotComparable, resolve } from './schema.ts'
import {
  type ArrayShape,
  type NumberShape,
  type ObjectShape,
  sameValue,
  type Shape,
  type Side,
  type StringShape,
} from './shape.ts'

const shapesMax = 256

export function meet(as: readonly Shape[], bs: readonly Shape[], side: Side): Shape[] {
  if (as.length * bs.length > shapesMax * 6) throw new NotComparable('it combines too many alternatives')
  const met = as.flatMap(a => bs.flatMap(b => (a.type === b.type ? [meetShapes(a, b, side)] : [])))
  return met.filter(shape => !isEmptyShape(shape))
}

/** No value can fit; false does not say that one does. */
export const isEmptyShape = (shape: Shape): boolean =>
  shape.values?.length === 0 ||
  ('min' in shape && shape.min > shape.max) ||
  (shape.type === 'number' && shape.min === shape.max && (shape.minOpen || shape.maxOpen))

function meetShapes(a: Shape, b: Shape, side: Side): Shape {
  const met = meetConstraints(a, b, side)
  const untreated = a.untreated === b.untreated || isFree(a) ? b.untreated : isFree(b) ? a.untreated : 'mixed'
  return untreated === met.untreated ? met : ({ ...met, untreated } as Shape)
}

/** Says no more than its type. */
const isFree = (shape: Shape): boolean =>
  shape.opaque.length === 0 &&
  ((shape.type === 'object' &&
    shape.properties.size + shape.required.size + shape.min === 0 &&
    shape.max === Infinity &&
    isPlain(shape)) ||
    (shape.type === 'array' && shape.rest === true && shape.prefix.length + shape.min === 0 && shape.max === Infinity))

function meetConstraints(a: Shape, b: Shape, side: Side): Shape {
  if (a.values || b.values) return meetValues(a, b, side)
  const opaque = [...new Set([...a.opaque, ...b.opaque])]
  if (a.type === 'number' && b.type === 'number') return meetNumbers(a, b, opaque)
  if (a.type === 'string' && b.type === 'string') return meetStrings(a, b, opaque)
  if (a.type === 'array' && b.type === 'array') return meetArrays(a, b, opaque)
  if (a.type === 'object' && b.type === 'object') return meetObjects(a, b, opaque)
  return a
}

function meetValues(a: Shape, b: Shape, side: Side): Shape {
  const [held, other] = a.values ? [a, b] : [b, a]
  const known = held.values ?? []
  const opaque = [...new Set([...a.opaque, ...b.opaque])]
  if (other.values) {
    const values = known.filter(value => other.values?.some(also => sameValue(value, also)))
    return { ...held, values, opaque }
  }
  const values = known.filter(value => fitsShape(other, value, side) !== 'no')
  const certain = values.every(value => fitsShape({ ...other, opaque: [] }, value, side) === 'yes')
  return { ...held, values, opaque: certain ? opaque : [...opaque, incomparable('enum')] }
}

function meetNumbers(a: NumberShape, b: NumberShape, opaque: readonly string[]): NumberShape {
  const min = Math.max(a.min, b.min)
  const max = Math.min(a.max, b.max)
  const minOpen = (a.min === min && a.minOpen) || (b.min === min && b.minOpen)
  const maxOpen = (a.max === max && a.maxOpen) || (b.max === max && b.maxOpen)
  const bounded = { ...a, opaque, min, max, minOpen, maxOpen }
  const step = a.step === undefined ? b.step : stepOf(a.step, b.step)
  if (step === 'opaque') return { ...bounded, opaque: [...opaque, incomparable('multipleOf')] }
  return step === undefined ? bounded : tightened({ ...bounded, step })
}

const meetStrings = (a: StringShape, b: StringShape, opaque: readonly string[]): StringShape => ({
  ...a,
  opaque,
  min: Math.max(a.min, b.min),
  max: Math.min(a.max, b.max),
  patterns: [...new Set([...a.patterns, ...b.patterns])],
  formats: [...new Set([...a.formats, ...b.formats])],
})

function meetArrays(a: ArrayShape, b: ArrayShape, opaque: readonly string[]): ArrayShape {
  const length = Math.max(a.prefix.length, b.prefix.length)
  const prefix = Array.from({ length }, (_, i) => both(a.prefix[i] ?? a.rest, b.prefix[i] ?? b.rest))
  const [min, max] = [Math.max(a.min, b.min), Math.min(a.max, b.max)]
  return { ...a, opaque, prefix, rest: both(a.rest, b.rest), min, max, unique: a.unique || b.unique }
}

function meetObjects(a: ObjectShape, b: ObjectShape, opaque: readonly string[]): ObjectShape {
  const keys = new Set([...a.properties.keys(), ...b.properties.keys()])
  const properties = new Map([...keys].map(key => [key, both(propertyOf(a, key), propertyOf(b, key))]))
  const required = new Set([...a.required, ...b.required])
  const mixed = (a.patterns.size > 0 || b.patterns.size > 0) && !(isPlain(a) || isPlain(b))
  return {
    ...a,
    opaque: mixed ? [...opaque, incomparable('patternProperties')] : opaque,
    properties,
    required,
    patterns: new Map([...a.patterns, ...b.patterns]),
    additional: both(a.additional, b.additional),
    declared: a.declared || b.declared,
    names: both(a.names, b.names),
    min: Math.max(a.min, b.min, required.size),
    max: Math.min(a.max, b.max),
  }
}

const isPlain = (shape: ObjectShape): boolean =>
  shape.patterns.size === 0 && shape.additional === true && shape.names === true

/** No value fits both; false where it is not certain. */
export function disjoint(a: Shape, b: Shape, side: Side): boolean {
  if (a.type !== b.type) return true
  if (a.values && b.values) return !a.values.some(value => b.values?.some(other => sameValue(value, other)))
  if (a.values || b.values) {
    const [held, other] = a.values ? [a, b] : [b, a]
    return held.values?.every(value => fitsShape(other, value, side) === 'no') ?? false
  }
  if (a.type === 'number' && b.type === 'number') return isEmptyShape(meetNumbers(a, b, []))
  if (a.type === 'string' && b.type === 'string') return isEmptyShape(meetStrings(a, b, []))
  if (a.type === 'object' && b.type === 'object')
    return [...a.required].some(key => b.required.has(key) && apart(a, b, key, side))
  return false
}

/** A property that both need tells them apart: its types or its values differ. */
function apart(a: ObjectShape, b: ObjectShape, key: string, side: Side): boolean {
  const as = side.shapes(resolve(propertyOf(a, key), side.root))
  const bs = side.shapes(resolve(propertyOf(b, key), side.root))
  return as.every(x => bs.every(y => x.type !== y.type || ((x.values || y.values) && disjoint(x, y, side))))
}

/** The values that a side's schema holds for certain; undefined when they are not a list. */
export const valuesOf = (shapes: readonly Shape[]) =>
  shapes.every(shape => shape.values) ? shapes.flatMap(shape => shape.values ?? []) : undefined
