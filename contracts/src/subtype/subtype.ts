// Does a consumer accept everything that a producer promises? JSON Schema subtyping, conservative: `yes` is a proof,
// `no` has a reason, and what is not analysed is `unknown`, never `yes`.
//
// Soundness
//  S1 The shapes of the producer may hold more values than its schema: a `yes` stays right, a `no` becomes `unknown`.
//  S2 A constraint of the consumer is never dropped: one that is not analysed is met by the same text alone.
//  S3 A pair that is being compared is taken as proven while it is (recursion); what rested on it is forgotten when
//     the pair fails.

import type { JsonValue } from '../schema.ts'
import { compareShapes, type Comparison, type Obstacle } from './compare.ts'
import { dereference, type SchemaLike, Undecidable } from './json-schema.ts'
import { held } from './meet.ts'
import { normalise } from './normalise.ts'
import { describe, type ObjectShape, type Shape } from './shape.ts'
import { valueFits, valueIn } from './value.ts'

export type Verdict =
  | { readonly kind: 'yes' }
  | { readonly kind: 'no' | 'unknown'; readonly path: string; readonly reason: string }

export interface SubtypeOptions {
  /** Objects of the producer that leave `additionalProperties` open hold only what they declare. */
  readonly closedProducer?: boolean
  /** Keys that a closed consumer does not know are taken away before it sees them. */
  readonly stripExtra?: boolean
  /** The consumer fills in its defaults before it validates. */
  readonly defaults?: boolean
  /** Documents that the references of each side point into; the schemas themselves by default. */
  readonly producerRoot?: object
  readonly consumerRoot?: object
}

const depthMax = 30
const obstaclesMax = 50
const splitMax = 32
const splitDepthMax = 2

/** The first obstacle that is a `no`, or the first that is unknown. */
export function subtype(producer: object | boolean, consumer: object | boolean, options: SubtypeOptions = {}): Verdict {
  const found = obstacles(producer, consumer, options)
  return found.find(({ kind }) => kind === 'no') ?? found[0] ?? { kind: 'yes' }
}

/** Every obstacle, at most 50; none is a proof. */
export function obstacles(
  producer: object | boolean,
  consumer: object | boolean,
  options: SubtypeOptions = {},
): readonly Obstacle[] {
  return new Pairs(producer as SchemaLike, consumer as SchemaLike, options).compare(
    producer as SchemaLike,
    consumer as SchemaLike,
    '',
    0,
  )
}

class Pairs {
  readonly #producer: SchemaLike
  readonly #consumer: SchemaLike
  readonly #options: SubtypeOptions
  readonly #known = new Map<string, readonly Obstacle[]>()
  readonly #names = new WeakMap<object, number>()
  #named = 0
  #splits = 0

  constructor(producer: SchemaLike, consumer: SchemaLike, options: SubtypeOptions) {
    this.#producer = (options.producerRoot ?? producer) as SchemaLike
    this.#consumer = (options.consumerRoot ?? consumer) as SchemaLike
    this.#options = options
  }

  compare(producer: SchemaLike, consumer: SchemaLike, path: string, depth: number): readonly Obstacle[] {
    try {
      const a = dereference(producer, this.#producer)
      const b = dereference(consumer, this.#consumer)
      if (b === true || a === false || (typeof b === 'object' && Object.keys(b).length === 0)) return []
      const key = `${this.#name(a)}:${this.#name(b)}`
      const known = this.#known.get(key)
      if (known) return known.map(obstacle => ({ ...obstacle, path: path + obstacle.path }))
      if (depth > depthMax) return [{ kind: 'unknown', path, reason: 'it is nested too deep to compare' }]
      const before = new Set(this.#known.keys())
      this.#known.set(key, [])
      const shapes = normalise(b, this.#consumer)
      const found = normalise(a, this.#producer)
        .flatMap(shape => this.#accepted(shape, shapes, b, '', depth))
        .slice(0, obstaclesMax)
      if (found.length > 0) for (const each of this.#known.keys()) if (!before.has(each)) this.#known.delete(each)
      this.#known.set(key, found)
      return found.map(obstacle => ({ ...obstacle, path: path + obstacle.path }))
    } catch (error) {
      if (error instanceof Undecidable || error instanceof SyntaxError)
        return [{ kind: 'unknown', path, reason: error.message }]
      throw error
    }
  }

  #name(schema: SchemaLike): string {
    if (typeof schema === 'boolean') return String(schema)
    const name = this.#names.get(schema) ?? ++this.#named
    this.#names.set(schema, name)
    return String(name)
  }

  /** `consumer` is the whole schema that the shapes were read from, where it is at hand. */
  #accepted(
    a: Shape,
    shapes: readonly Shape[],
    consumer: SchemaLike | undefined,
    path: string,
    depth: number,
  ): readonly Obstacle[] {
    const same = shapes.filter(({ type }) => type === a.type)
    if (same.length === 0) {
      const wanted = [...new Set(shapes.map(describe))].join(' | ') || 'nothing'
      return [this.#soft(a, { kind: 'no', path, reason: `${describe(a)} is not accepted; expected ${wanted}` })]
    }
    if (a.values) return this.#valuesAccepted(a, a.values, same, consumer, path)
    const judged = same.map(shape => this.#shape(a, shape, path, depth))
    if (judged.some(found => found.length === 0)) return []
    if (same.length === 1) return judged[0] ?? []
    if (a.type === 'object') {
      const split = this.#split(a, shapes, path, depth)
      if (split) return split
    }
    const closest = judged.toSorted((x, y) => x.length - y.length)[0]?.[0]
    return [
      {
        kind: 'unknown',
        path: closest?.path ?? path,
        reason: `no single alternative accepts it; the closest: ${closest?.reason}`,
      },
    ]
  }

  #valuesAccepted(
    a: Shape,
    values: readonly JsonValue[],
    same: readonly Shape[],
    consumer: SchemaLike | undefined,
    path: string,
  ): Obstacle[] {
    for (const value of values) {
      const fits =
        consumer === undefined
          ? anyOf(same.map(shape => valueIn(value, shape, this.#consumer)))
          : valueFits(value, consumer, this.#consumer)
      const text = JSON.stringify(value).slice(0, 80)
      if (fits === undefined) return [{ kind: 'unknown', path, reason: `whether ${text} is accepted is not known` }]
      if (fits) continue
      const wanted = same
        .flatMap(shape => shape.values ?? [])
        .slice(0, 8)
        .map(other => JSON.stringify(other))
      const way = wanted.length > 0 ? `; expected ${wanted.join(' | ')}` : ''
      return [this.#soft(a, { kind: 'no', path, reason: `the value ${text} is not accepted${way}` })]
    }
    return []
  }

  #shape(a: Shape, b: Shape, path: string, depth: number): Obstacle[] {
    const { closedProducer = false, stripExtra = false, defaults = false } = this.#options
    const comparison: Comparison = {
      closedProducer,
      stripExtra,
      defaults,
      inner: (from, to, at) => this.compare(from, to, at, depth + 1),
      hasDefault: schema => schema !== undefined && 'default' in Object(dereference(schema, this.#consumer)),
    }
    return compareShapes(a, b, path, comparison).map(obstacle => this.#soft(a, obstacle))
  }

  /** An object whose kind is told by a key is compared once for each value of the key. */
  #split(a: ObjectShape, shapes: readonly Shape[], path: string, depth: number): readonly Obstacle[] | undefined {
    if (this.#splits >= splitDepthMax) return undefined
    for (const key of a.required) {
      const values = normalise(held(a, key), this.#producer).map(shape => shape.values)
      const all = values.flatMap(list => list ?? [])
      if (values.includes(undefined) || all.length < 2 || all.length > splitMax) continue
      this.#splits++
      try {
        return all.flatMap(value => {
          const narrowed: ObjectShape = { ...a, properties: { ...a.properties, [key]: { const: value } } }
          return [...this.#accepted(narrowed, shapes, undefined, path, depth + 1)]
        })
      } finally {
        this.#splits--
      }
    }
    return undefined
  }

  /** S1: what was left out of the producer, or a producer without values, makes a `no` unsure. */
  #soft(a: Shape, obstacle: Obstacle): Obstacle {
    if (obstacle.kind === 'unknown' || (a.opaque.length === 0 && this.#inhabited(a))) return obstacle
    return { ...obstacle, kind: 'unknown', reason: `${obstacle.reason} (it has constraints that are not analysed)` }
  }

  #inhabited(a: Shape): boolean {
    if (a.type !== 'object') return true
    try {
      return [...a.required].every(key => normalise(held(a, key), this.#producer).length > 0)
    } catch {
      return false
    }
  }
}

function anyOf(judged: readonly (boolean | undefined)[]): boolean | undefined {
  if (judged.includes(true)) return true
  return judged.includes(undefined) ? undefined : false
}
