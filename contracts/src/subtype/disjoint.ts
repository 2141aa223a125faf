// Whether two shapes have no value in common, for sure.

import type { JsonValue } from '../schema.ts'
import { equal, type SchemaLike } from './json-schema.ts'
import { held } from './meet.ts'
import type { NumberShape, ObjectShape, Shape } from './shape.ts'
import { valueIn } from './value.ts'

/** The shapes of a schema of the same document. */
type Read = (schema: SchemaLike) => readonly Shape[]

export function disjoint(a: Shape, b: Shape, root: SchemaLike, read: Read): boolean {
  if (a.type !== b.type) return true
  if (a.values && b.values) return !a.values.some(value => b.values?.some(other => equal(value, other)))
  if (a.values || b.values) {
    const [values, other] = a.values ? [a.values, b] : [b.values as readonly JsonValue[], a]
    return values.every(value => valueIn(value, other, root) === false)
  }
  if (a.type === 'number' && b.type === 'number') return apart(a, b) || apart(b, a)
  if (a.type !== 'object' || b.type !== 'object') return false
  return [...a.required].some(key => b.required.has(key) && keyDiffers(a, b, key, root, read))
}

const apart = (low: NumberShape, high: NumberShape): boolean =>
  low.max < high.min || (low.max === high.min && (low.maxExcluded || high.minExcluded))

function keyDiffers(a: ObjectShape, b: ObjectShape, key: string, root: SchemaLike, read: Read): boolean {
  const [left, right] = [read(held(a, key)), read(held(b, key))]
  return left.every(x => right.every(y => x.type !== y.type || (x.values && y.values && disjoint(x, y, root, read))))
}
