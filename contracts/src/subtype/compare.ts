// Is every value of one shape accepted by another? Bounds here; what is inside lists and objects through `inner`.

import { canonicalJson } from '../canonical.ts'
import { equal, type SchemaLike } from './json-schema.ts'
import { held } from './meet.ts'
import { isMultiple } from './number-shape.ts'
import { type ArrayShape, describe, type NumberShape, type ObjectShape, type Shape, type StringShape } from './shape.ts'

/** no: a value is refused. unknown: it cannot be proven that none is. */
export interface Obstacle {
  readonly kind: 'no' | 'unknown'
  readonly path: string
  readonly reason: string
}

export interface Comparison {
  /** Objects of the producer hold only what they declare. */
  readonly closedProducer: boolean
  /** Keys the consumer does not know are taken away before it sees them. */
  readonly stripExtra: boolean
  /** The consumer fills in its defaults before it validates. */
  readonly defaults: boolean
  readonly inner: (producer: SchemaLike, consumer: SchemaLike, path: string) => readonly Obstacle[]
  /** Whether the consumer's schema of a key has a default. */
  readonly hasDefault: (schema: SchemaLike | undefined) => boolean
}

const no = (path: string, reason: string): Obstacle => ({ kind: 'no', path, reason })
const unknown = (path: string, reason: string): Obstacle => ({ kind: 'unknown', path, reason })
/** A text this short with a pattern could still always match it. */
const shortText = 64

export function compareShapes(a: Shape, b: Shape, path: string, comparison: Comparison): Obstacle[] {
  const found: Obstacle[] = []
  const unread = b.opaque.find(tag => !a.opaque.includes(tag))
  if (unread !== undefined) found.push(unknown(path, `the constraint ${unread.slice(0, 60)} is not analysed`))
  if (b.values && !a.values)
    found.push(no(path, `${describe(a)} is wider than ${b.values.slice(0, 8).map(canonicalJson).join(' | ')}`))
  if (a.type === 'number' && b.type === 'number') found.push(...compareNumbers(a, b, path))
  else if (a.type === 'string' && b.type === 'string') found.push(...compareTexts(a, b, path))
  else if (a.type === 'array' && b.type === 'array') found.push(...compareLists(a, b, path, comparison))
  else if (a.type === 'object' && b.type === 'object') found.push(...compareObjects(a, b, path, comparison))
  return found
}

function* compareNumbers(a: NumberShape, b: NumberShape, path: string): Generator<Obstacle> {
  if (b.multipleOf !== undefined && !(a.multipleOf !== undefined && isMultiple(a.multipleOf, b.multipleOf)))
    yield a.min > Number.NEGATIVE_INFINITY && a.max < Number.POSITIVE_INFINITY && a.multipleOf !== undefined
      ? unknown(path, `not proven to be a multiple of ${b.multipleOf}`)
      : no(path, b.multipleOf === 1 ? 'a number is not always an integer' : `not always a multiple of ${b.multipleOf}`)
  if (a.min < b.min || (a.min === b.min && b.minExcluded && !a.minExcluded))
    yield no(path, `${below(a)}, but must be ${b.minExcluded ? 'greater than' : 'at least'} ${b.min}`)
  if (a.max > b.max || (a.max === b.max && b.maxExcluded && !a.maxExcluded))
    yield no(path, `${above(a)}, but must be ${b.maxExcluded ? 'less than' : 'at most'} ${b.max}`)
}
const below = ({ min }: NumberShape) => (Number.isFinite(min) ? `it can be ${min}` : 'it has no lower bound')
const above = ({ max }: NumberShape) => (Number.isFinite(max) ? `it can be ${max}` : 'it has no upper bound')

function* compareTexts(a: StringShape, b: StringShape, path: string): Generator<Obstacle> {
  // A pattern or a format may imply a length, or another pattern, in ways that are not followed.
  const constrained = a.patterns.length > 0 || a.formats.length > 0
  const refuse = constrained ? unknown : no
  if (a.min < b.min) yield refuse(path, `it can be shorter than ${b.min} characters`)
  if (a.max > b.max) yield refuse(path, `it can be longer than ${b.max} characters`)
  const vague = constrained || a.max < shortText ? unknown : no
  for (const pattern of b.patterns)
    if (!a.patterns.includes(pattern)) yield vague(path, `it is not known to match ${pattern}`)
  for (const format of b.formats)
    if (!a.formats.includes(format)) yield vague(path, `it is not known to be a ${format}`)
}

function* compareLists(a: ArrayShape, b: ArrayShape, path: string, { inner }: Comparison): Generator<Obstacle> {
  if (a.min < b.min) yield no(path, `it can have fewer than ${b.min} items`)
  if (a.max > b.max) yield no(path, `it can have more than ${b.max} items`)
  if (b.unique && !a.unique && a.max > 1) yield unknown(path, 'its items are not known to be different')
  const length = Math.max(a.tuple.length, b.tuple.length)
  for (let i = 0; i < Math.min(length, a.max); i++)
    yield* inner(a.tuple[i] ?? a.rest, b.tuple[i] ?? b.rest, `${path}/${i}`)
  if (a.max > length) yield* inner(a.rest, b.rest, `${path}/*`)
}

function* compareObjects(
  given: ObjectShape,
  b: ObjectShape,
  path: string,
  comparison: Comparison,
): Generator<Obstacle> {
  const { closedProducer, stripExtra } = comparison
  const closes = closedProducer && !given.additionalGiven && Object.keys(given.properties).length > 0
  const a: ObjectShape = closes ? { ...given, additional: false } : given
  for (const key of b.required) if (!a.required.has(key)) yield* missingKey(a, b, key, path, comparison)
  const patterned = Object.keys(a.patterns).length + Object.keys(b.patterns).length > 0
  const keys = new Set([...Object.keys(a.properties), ...Object.keys(b.properties), ...a.required])
  for (const key of keys) yield* compareKey(a, b, key, path, patterned, comparison)
  yield* comparePatterns(a, b, path, comparison)
  if (a.additional !== false && !(stripExtra && b.additional === false))
    yield* compareRest(a, b, path, patterned, comparison)
  if (a.min < b.min && b.min > b.required.size) yield no(path, `it can have fewer than ${b.min} entries`)
  const most =
    a.additional === false && Object.keys(a.patterns).length === 0
      ? Math.min(a.max, Object.keys(a.properties).length)
      : a.max
  if (most > b.max) yield no(path, `it can have more than ${b.max} entries`)
}

function* missingKey(
  a: ObjectShape,
  b: ObjectShape,
  key: string,
  path: string,
  comparison: Comparison,
): Generator<Obstacle> {
  if (comparison.defaults && comparison.hasDefault(b.properties[key])) return
  const declared = Object.hasOwn(a.properties, key)
  yield no(`${path}/${key}`, declared ? 'may be absent, but is required' : 'is required, but is not there')
}

function* compareKey(
  a: ObjectShape,
  b: ObjectShape,
  key: string,
  path: string,
  patterned: boolean,
  { inner, stripExtra }: Comparison,
): Generator<Obstacle> {
  const [from, to] = [held(a, key), held(b, key)]
  if (from === false) return
  const known = Object.hasOwn(b.properties, key)
  if (to === false && stripExtra && !known) return
  for (const obstacle of inner(from, to, `${path}/${key}`)) {
    if (obstacle.kind === 'unknown') yield obstacle
    else if (to === false && !known) yield { ...obstacle, reason: 'is not known to the one that takes it' }
    else if (!Object.hasOwn(a.properties, key) && !patterned)
      yield {
        ...obstacle,
        reason: `is not declared by the one that gives it, so it may be anything: ${obstacle.reason}`,
      }
    else yield obstacle
  }
}

/** Keys by pattern are compared only where the patterns are the same text. */
function* comparePatterns(
  a: ObjectShape,
  b: ObjectShape,
  path: string,
  { inner, stripExtra }: Comparison,
): Generator<Obstacle> {
  const vague = (pattern: string, obstacles: readonly Obstacle[]) =>
    obstacles.length > 0 ? [unknown(`${path}/{${pattern}}`, `keys like ${pattern} are not analysed`)] : []
  if (!equal(a.patterns, b.patterns))
    for (const [pattern, to] of Object.entries(b.patterns))
      for (const from of [...(a.additional === false ? [] : [a.additional]), ...Object.values(a.patterns)])
        yield* vague(pattern, inner(from, to, path))
  for (const [pattern, from] of Object.entries(a.patterns)) {
    const to = b.patterns[pattern]
    if (to !== undefined) yield* vague(pattern, inner(from, to, path))
    else if (!(stripExtra && b.additional === false)) yield* vague(pattern, inner(from, b.additional, path))
  }
}

function* compareRest(
  a: ObjectShape,
  b: ObjectShape,
  path: string,
  patterned: boolean,
  { inner }: Comparison,
): Generator<Obstacle> {
  for (const obstacle of inner(a.additional, b.additional, `${path}/*`)) {
    if (obstacle.kind === 'no' && b.additional === false)
      yield { ...obstacle, reason: 'there may be keys that the one that takes it does not know' }
    else if (obstacle.kind === 'no' && patterned) yield { ...obstacle, kind: 'unknown' }
    else yield obstacle
  }
}
