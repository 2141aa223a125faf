// Does a value fit? Three answers: what is opaque, or counted differently by validators, is "unknown".

import Format from 'typebox/format'
import type { JsonValue } from '../schema.ts'
import { isMultiple } from './number.ts'
import { type JsonSchema, type Keywords, resolve } from './schema.ts'
import {
  type ArrayShape,
  expressionOf,
  type NumberShape,
  type ObjectShape,
  sameValue,
  type Shape,
  type Side,
  type StringShape,
  typeOf,
} from './shape.ts'

export type Answer = 'yes' | 'no' | 'unknown'

/** What the engine does to a value before it is checked. */
export interface Treatment {
  /** Keys that a closed object does not name are taken away. */
  readonly stripExtra?: boolean
  /** A missing property gets its default. */
  readonly defaults?: boolean
}

export const every = (answers: Iterable<Answer>): Answer => {
  let all: Answer = 'yes'
  for (const answer of answers) {
    if (answer === 'no') return 'no'
    if (answer === 'unknown') all = 'unknown'
  }
  return all
}

export function accepts(schema: JsonSchema, value: JsonValue, side: Side, treatment: Treatment = {}): Answer {
  if (typeof schema === 'boolean') return schema ? 'yes' : 'no'
  return someShape(side.shapes(resolve(schema, side.root)), value, side, treatment)
}

export function someShape(shapes: readonly Shape[], value: JsonValue, side: Side, treatment: Treatment = {}): Answer {
  let best: Answer = 'no'
  for (const shape of shapes) {
    const answer = fitsShape(shape, value, side, treatment)
    if (answer === 'yes') return 'yes'
    if (answer === 'unknown') best = 'unknown'
  }
  // Where no alternative fits what the treatment makes of a value, the value is left as it was.
  const treated = treatment.stripExtra || treatment.defaults
  return best === 'no' && treated && someShape(shapes, value, side) !== 'no' ? 'unknown' : best
}

export function fitsShape(shape: Shape, value: JsonValue, side: Side, treatment: Treatment = {}): Answer {
  if (shape.type !== typeOf(value)) return 'no'
  if (shape.values && !shape.values.some(known => sameValue(known, value))) return 'no'
  if (shape.values && treatment.defaults && isContainer(value)) return 'unknown'
  if (shape.untreated === 'mixed' && isContainer(value) && (treatment.defaults || treatment.stripExtra))
    return 'unknown'
  const answer = constraints(shape, value, side, shape.untreated ? {} : treatment)
  return answer === 'yes' && shape.opaque.length > 0 ? 'unknown' : answer
}

function constraints(shape: Shape, value: JsonValue, side: Side, treatment: Treatment): Answer {
  switch (shape.type) {
    case 'null':
    case 'boolean':
      return 'yes'
    case 'number':
      return numberFits(shape, value as number)
    case 'string':
      return stringFits(shape, value as string)
    case 'array':
      return arrayFits(shape, value as JsonValue[], side, treatment)
    case 'object':
      return objectFits(shape, value as Record<string, JsonValue>, side, treatment)
  }
}

function numberFits(shape: NumberShape, value: number): Answer {
  if (value < shape.min || (shape.minOpen && value === shape.min)) return 'no'
  if (value > shape.max || (shape.maxOpen && value === shape.max)) return 'no'
  if (shape.step === undefined) return 'yes'
  const multiple = isMultiple(value, shape.step)
  return multiple === undefined ? 'unknown' : multiple ? 'yes' : 'no'
}

let graphemes: Intl.Segmenter | undefined

/** Validators count code units, code points or graphemes; only where all agree the length is decided. */
function lengthFits(value: string, min: number, max: number): Answer {
  if (min === 0 && max === Infinity) return 'yes'
  const most = value.length
  if (/^[\x20-\x7e]*$/.test(value)) return most >= min && most <= max ? 'yes' : 'no'
  graphemes ??= new Intl.Segmenter()
  const least = [...graphemes.segment(value)].length
  if (least >= min && most <= max) return 'yes'
  return most < min || least > max ? 'no' : 'unknown'
}

function stringFits(shape: StringShape, value: string): Answer {
  return every(
    (function* () {
      yield lengthFits(value, shape.min, shape.max)
      for (const pattern of shape.patterns) {
        const expression = expressionOf(pattern)
        yield expression === undefined ? 'unknown' : expression.test(value) ? 'yes' : 'no'
      }
      for (const format of shape.formats)
        yield Format.Has(format) ? (Format.Test(format, value) ? 'yes' : 'no') : 'unknown'
    })(),
  )
}

function arrayFits(shape: ArrayShape, value: readonly JsonValue[], side: Side, treatment: Treatment): Answer {
  if (value.length < shape.min || value.length > shape.max) return 'no'
  if (shape.unique && value.some((item, i) => value.slice(0, i).some(other => sameValue(item, other)))) return 'no'
  const treated = shape.unique && (treatment.stripExtra || treatment.defaults) && value.some(isContainer)
  return every(
    (function* () {
      for (const [i, item] of value.entries()) yield accepts(shape.prefix[i] ?? shape.rest, item, side, treatment)
      if (treated) yield 'unknown'
    })(),
  )
}

const isContainer = (value: JsonValue): boolean => typeof value === 'object' && value !== null

function objectFits(shape: ObjectShape, value: Record<string, JsonValue>, side: Side, treatment: Treatment): Answer {
  const keys = Object.keys(value).filter(key => !(treatment.stripExtra && isExtra(shape, key, side)))
  const given = treatment.defaults ? missingDefaults(shape, value) : []
  const count = keys.length + given.length
  return every(
    (function* () {
      if (count < shape.min || count > shape.max) yield 'no'
      for (const key of shape.required) if (!keys.includes(key) && !given.some(([name]) => name === key)) yield 'no'
      if (shape.names !== true)
        for (const key of [...keys, ...given.map(([name]) => name)]) yield accepts(shape.names, key, side)
      for (const key of keys) yield accepts(propertyOf(shape, key), value[key] as JsonValue, side, treatment)
      for (const [key, inner] of given) yield accepts(propertyOf(shape, key), inner, side, treatment)
    })(),
  )
}

const missingDefaults = (shape: ObjectShape, value: object): [string, JsonValue][] =>
  [...shape.properties].flatMap(([key, schema]) => {
    const known = Object.hasOwn(value, key) ? undefined : defaultOf(schema)
    return known === undefined ? [] : [[key, known]]
  })

const combined = new WeakMap<ObjectShape, Map<string, JsonSchema>>()

/** What a key of the object must fit; for one shape and key always the same object. */
export function propertyOf(shape: ObjectShape, key: string): JsonSchema {
  if (shape.patterns.size === 0) return shape.properties.get(key) ?? shape.additional
  const kept = combined.get(shape) ?? new Map<string, JsonSchema>()
  combined.set(shape, kept)
  const found = kept.get(key) ?? withPatterns(shape, key)
  if (kept.size < 1000) kept.set(key, found)
  return found
}

function withPatterns(shape: ObjectShape, key: string): JsonSchema {
  const matched = [...shape.patterns]
    .filter(([pattern]) => expressionOf(pattern)?.test(key))
    .map(([, schema]) => schema)
  const declared = shape.properties.get(key)
  const parts = declared === undefined ? matched : [declared, ...matched]
  return parts.length === 0 ? shape.additional : parts.length === 1 ? (parts[0] as JsonSchema) : { allOf: parts }
}

/** A key that a closed object does not name. */
export const isExtra = (shape: ObjectShape, key: string, side: Side): boolean =>
  !shape.properties.has(key) &&
  ![...shape.patterns.keys()].some(pattern => expressionOf(pattern)?.test(key) ?? true) &&
  resolve(shape.additional, side.root) === false

/** The default that stands at the property itself; undefined when there is none, or two that differ. */
export function defaultOf(schema: JsonSchema): JsonValue | undefined {
  if (typeof schema === 'boolean') return undefined
  const { default: own, allOf } = schema as Keywords
  if (own !== undefined || !allOf) return own
  const found = allOf.map(defaultOf).filter(value => value !== undefined)
  return found.every(value => sameValue(value, found[0] as JsonValue)) ? found[0] : undefined
}
