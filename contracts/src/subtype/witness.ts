// A value that a producer may give and a consumer refuses: looked for at the place where the comparison found something,
// and checked against both.

import type { JsonValue } from '../schema.ts'
import { accepts, isExtra, propertyOf } from './accepts.ts'
import type { CompareOptions } from './compare/compare.ts'
import { sideOf } from './normalise.ts'
import { type JsonSchema, NotComparable, resolve } from './schema.ts'
import type { ArrayShape, NumberShape, ObjectShape, Shape, Side, StringShape } from './shape.ts'

const triesMax = 120
const depthMax = 8
const foreignKey = 'other'

export function witnessOf(
  producer: JsonSchema,
  consumer: JsonSchema,
  path: readonly string[],
  options: CompareOptions,
): JsonValue | undefined {
  const from = sideOf(options.producerRoot)
  const to = sideOf(options.consumerRoot)
  const maker = new Maker(from, options.closedProducer ?? false)
  try {
    let tries = 0
    for (const value of maker.values(producer, path, depthMax)) {
      if (++tries > triesMax) return undefined
      if (accepts(consumer, value, to, options) === 'no' && accepts(producer, value, from) === 'yes') return value
    }
  } catch (error) {
    if (!(error instanceof NotComparable)) throw error
  }
  return undefined
}

/** Makes values of one side, varied along a path. They are likely to fit, not certain. */
class Maker {
  readonly #side: Side
  readonly #closed: boolean
  /** Schemas that may still be looked at: a union in a union has more values than anybody can try. */
  #left = 500

  constructor(side: Side, closed: boolean) {
    this.#side = side
    this.#closed = closed
  }

  *values(schema: JsonSchema, path: readonly string[], depth: number): Generator<JsonValue> {
    if (depth <= 0 || --this.#left < 0) return
    for (const shape of this.#side.shapes(resolve(schema, this.#side.root))) yield* this.#shape(shape, path, depth)
  }

  *#shape(shape: Shape, path: readonly string[], depth: number): Generator<JsonValue> {
    if (shape.values) return yield* shape.values
    switch (shape.type) {
      case 'null':
      case 'boolean':
        return
      case 'number':
        return yield* numbers(shape)
      case 'string':
        return yield* strings(shape)
      case 'array':
        return yield* this.#arrays(shape, path, depth)
      case 'object':
        return yield* this.#objects(shape, path, depth)
    }
  }

  #first(schema: JsonSchema, depth: number): JsonValue | undefined {
    for (const value of this.values(schema, [], depth)) if (accepts(schema, value, this.#side) === 'yes') return value
    return undefined
  }

  *#arrays(shape: ArrayShape, path: readonly string[], depth: number): Generator<JsonValue> {
    const [at, ...rest] = path
    const filled = (size: number): JsonValue[] | undefined => {
      const items = Array.from({ length: Math.min(size, 64) }, (_, i) =>
        this.#first(shape.prefix[i] ?? shape.rest, depth - 1),
      )
      return items.includes(undefined) ? undefined : (items as JsonValue[])
    }
    const position = at === '*' ? shape.prefix.length : Number(at)
    if (at !== undefined && Number.isInteger(position) && position < 64) {
      const base = filled(Math.max(shape.min, position + 1))
      if (base)
        for (const item of this.values(shape.prefix[position] ?? shape.rest, rest, depth - 1))
          yield base.with(position, item)
      return
    }
    for (const size of new Set([shape.min, shape.min + 1, 2, 3, shape.prefix.length, Math.min(shape.max, 20)])) {
      const made = size >= shape.min && size <= shape.max ? filled(size) : undefined
      if (made) yield made
    }
  }

  *#objects(shape: ObjectShape, path: readonly string[], depth: number): Generator<JsonValue> {
    const base = this.#required(shape, depth)
    if (!base) return
    const [at, ...rest] = path
    if (at !== undefined) {
      const key = at === '*' || at.startsWith('{') ? foreignKey : at
      if (!shape.required.has(key)) yield base
      if (!this.#isClosed(shape, key))
        for (const inner of this.values(propertyOf(shape, key), rest, depth - 1)) yield { ...base, [key]: inner }
      return
    }
    yield base
    for (const key of [...shape.properties.keys(), foreignKey]) {
      if (this.#isClosed(shape, key)) continue
      let variants = 0
      for (const inner of this.values(propertyOf(shape, key), [], depth - 1)) {
        yield { ...base, [key]: inner }
        if (++variants >= 8) break
      }
    }
  }

  #isClosed(shape: ObjectShape, key: string): boolean {
    if (isExtra(shape, key, this.#side)) return true
    return this.#closed && !shape.declared && shape.properties.size > 0 && !shape.properties.has(key)
  }

  #required(shape: ObjectShape, depth: number): Record<string, JsonValue> | undefined {
    const made: Record<string, JsonValue> = Object.create(null)
    for (const key of shape.required) {
      const value = this.#isClosed(shape, key) ? undefined : this.#first(propertyOf(shape, key), depth - 1)
      if (value === undefined) return undefined
      made[key] = value
    }
    for (const key of shape.properties.keys()) {
      if (Object.keys(made).length >= shape.min) break
      const value = key in made ? undefined : this.#first(propertyOf(shape, key), depth - 1)
      if (value !== undefined) made[key] = value
    }
    for (let i = 1; Object.keys(made).length < shape.min && i <= 16; i++) {
      const value = this.#isClosed(shape, `${foreignKey}${i}`) ? undefined : this.#first(shape.additional, depth - 1)
      if (value === undefined) return undefined
      made[`${foreignKey}${i}`] = value
    }
    return { ...made }
  }
}

function* numbers({ min, max, step }: NumberShape): Generator<number> {
  const near = [min, max, 0, 1, -1, 2, 3, 5, 7, 100, 1e6, -1e6, min + 1, max - 1, 10_000_000_000]
  if (step === undefined) near.splice(3, 0, 0.5, 1.5, -0.5, min + 0.25, max - 0.25, (min + max) / 2)
  for (const value of new Set(near)) {
    const number = step === undefined ? value : Math.round(value / step) * step
    if (Number.isFinite(number)) yield number === 0 ? 0 : number
  }
  for (let i = 1; i < 20 && Number.isFinite(max - min) && step === undefined; i++) yield min + ((max - min) * i) / 20
  if (step !== undefined) for (let i = 1; i <= 8; i++) if (Number.isFinite(min)) yield min + i * step
}

function* strings({ min, max, patterns, formats }: StringShape): Generator<string> {
  const sized = (size: number) => 'a'.repeat(Math.min(size, 10_000))
  const known = [
    '',
    'a',
    'b',
    '-',
    'A',
    '0',
    'ab',
    'abc',
    'x1',
    '2024-01-01',
    '10:00:00Z',
    '2024-01-01T10:00:00Z',
    'a@example.org',
  ]
  const long = [
    '0'.repeat(64),
    'f'.repeat(64),
    '1.0.0',
    'https://example.org/a',
    '0189d1a2-0c1e-7c3e-8f00-000000000000',
    'P1D',
  ]
  yield* [
    ...(patterns.length + formats.length > 0 ? long : []),
    ...known,
    sized(min),
    sized(Math.min(max, min + 300)),
    sized(max),
  ]
  if (Number.isFinite(max)) yield 'b'.repeat(Math.min(max, 10_000))
}
