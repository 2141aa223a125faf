import type { ArrayShape } from '../shape.ts'
import { below, type Comparison, type Finding, isTreated, no, unknown } from './finding.ts'

const positionsMax = 1000

export function* compareArrays(a: ArrayShape, b: ArrayShape, comparison: Comparison, depth: number): Iterable<Finding> {
  if (a.min < b.min) yield no('items', b.min === 1 ? 'may be empty' : `may have fewer than ${b.min} items`)
  if (a.max > b.max) yield no('items', b.max === 0 ? 'may have items' : `may have more than ${b.max} items`)
  const length = Math.max(a.prefix.length, b.prefix.length)
  if (length > positionsMax) yield unknown('limit', `has more than ${positionsMax} positions`)
  for (let i = 0; i < Math.min(length, a.max, positionsMax); i++)
    yield* below(String(i), comparison.pair(a.prefix[i] ?? a.rest, b.prefix[i] ?? b.rest, depth + 1))
  if (a.max > length) yield* below('*', comparison.pair(a.rest, b.rest, depth + 1))
  if (b.unique && a.max > 1 && !(a.unique && !(isTreated(comparison, a) && holdsContainers(a, comparison))))
    yield unknown('items', 'may have equal items')
}

const holdsContainers = (a: ArrayShape, { producer }: Comparison): boolean =>
  [...a.prefix, a.rest].some(item => {
    if (typeof item === 'boolean') return item
    return 'type' in item
      ? item.type === 'array' || item.type === 'object' || Array.isArray(item.type)
      : producer !== undefined
  })
