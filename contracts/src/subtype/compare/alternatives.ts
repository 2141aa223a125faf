// Which of several alternatives was meant: told by properties whose values are a closed list.

import type { JsonValue } from '../../schema.ts'
import { propertyOf } from '../accepts.ts'
import { valuesOf } from '../meet.ts'
import { resolve } from '../schema.ts'
import { type ObjectShape, type Shape, type Side, sameValue, shown } from '../shape.ts'
import { type Comparison, type Finding, no } from './finding.ts'

const splitMax = 32

/** The alternatives whose constant properties agree with those of the producer; what is wrong when none does. */
export function notRuledOut(
  a: ObjectShape,
  candidates: readonly Shape[],
  { producer, consumer }: Comparison,
): readonly Shape[] | Finding {
  let left = candidates
  for (const key of a.required) {
    const wanted = left.map(b => (b.type === 'object' ? constants(b, key, consumer) : undefined))
    if (wanted.every(values => values === undefined)) continue
    const given = constants(a, key, producer)
    if (!given) continue
    const kept = left.filter((_, i) => wanted[i]?.some(value => given.some(other => sameValue(value, other))) ?? true)
    if (kept.length === 0 && wanted.every(values => values !== undefined))
      return no(
        'value',
        `value ${shown(given)} is not ${shown([...new Set(wanted.flatMap(values => values ?? []))])}`,
        key,
      )
    left = kept
  }
  return left
}

function constants(shape: ObjectShape, key: string, side: Side): JsonValue[] | undefined {
  const property = shape.properties.get(key)
  const values = property === undefined ? undefined : valuesOf(side.shapes(resolve(property, side.root)))
  return values && values.length > 0 && values.length <= splitMax ? values : undefined
}

/** The shape once for each value of a required property that tells the candidates apart. */
export function pieces(
  a: ObjectShape,
  candidates: readonly ObjectShape[],
  { producer, consumer }: Comparison,
): ObjectShape[] | undefined {
  const telling = (key: string): boolean =>
    candidates.some(b => b.properties.has(key) && valuesOf(consumer.shapes(resolve(propertyOf(b, key), consumer.root))))
  for (const key of [...a.required].toSorted((x, y) => Number(telling(y)) - Number(telling(x)))) {
    const values = valuesOf(producer.shapes(resolve(propertyOf(a, key), producer.root)))
    if (!values || values.length < 2 || values.length > splitMax) continue
    return values.map(value => ({ ...a, properties: new Map([...a.properties, [key, { const: value }]]) }))
  }
  return undefined
}

/** The alternative that was meant: the one whose constant property agrees, or the one with least against it. */
export function closest(
  a: Shape,
  candidates: readonly Shape[],
  judged: readonly (readonly Finding[])[],
  comparison: Comparison,
  depth: number,
): number {
  if (a.type === 'object')
    for (const [i, b] of candidates.entries())
      if (b.type === 'object')
        for (const key of a.required)
          if (
            valuesOf(comparison.consumer.shapes(resolve(propertyOf(b, key), comparison.consumer.root))) &&
            comparison.pair(propertyOf(a, key), propertyOf(b, key), depth + 1).length === 0
          )
            return i
  const sizes = judged.map(findings => findings.length)
  return sizes.indexOf(Math.min(...sizes))
}
