// Compares two schemas pair by pair. A pair that is being compared is taken to hold when it is met again (that is what
// equality of recursive types means); what was concluded from that is forgotten when the pair turns out not to hold.

import type { Treatment } from '../accepts.ts'
import { sideOf } from '../normalise.ts'
import { isEmpty, type JsonSchema, NotComparable, resolve } from '../schema.ts'
import { refersTo, textOf } from '../text.ts'
import { type Comparison, type Finding, no, unknown } from './finding.ts'
import { describe, shapeTypes } from '../shape.ts'
import { oneOfShapes } from './shapes.ts'

export interface CompareOptions extends Treatment {
  readonly closedProducer?: boolean
  readonly producerRoot: JsonSchema
  readonly consumerRoot: JsonSchema
}

const pairsMax = 20_000
const depthMax = 60
const findingsMax = 100

export function comparison(options: CompareOptions): Comparison {
  const producer = sideOf(options.producerRoot)
  const consumer = sideOf(options.consumerRoot)
  const { stripExtra = false, defaults = false, closedProducer = false } = options
  const known = new Map<JsonSchema, Map<JsonSchema, readonly Finding[]>>()
  const trail: [JsonSchema, JsonSchema][] = []
  let pairs = 0
  let plain: Comparison | undefined

  const remember = (a: JsonSchema, b: JsonSchema, findings: readonly Finding[]): void => {
    const row = known.get(a) ?? new Map<JsonSchema, readonly Finding[]>()
    known.set(a, row)
    row.set(b, findings)
  }
  const self: Comparison = {
    producer,
    consumer,
    treatment: { stripExtra, defaults },
    closedProducer,
    untreated() {
      if (!stripExtra && !defaults) return self
      plain ??= comparison({ ...options, stripExtra: false, defaults: false })
      return plain
    },
    pair(givenA, givenB, depth) {
      try {
        const a = resolve(givenA, producer.root)
        const b = resolve(givenB, consumer.root)
        if (b === true || a === false || isEmpty(b)) return []
        const earlier = known.get(a)?.get(b)
        if (earlier) return earlier
        if (depth > depthMax) return [unknown('limit', 'it is nested too deeply to be compared')]
        if (++pairs > pairsMax) return [unknown('limit', 'it is too large to be compared')]
        if (!stripExtra && !defaults && sameText(a, b, producer.root, consumer.root)) return []
        const mark = trail.length
        trail.push([a, b])
        remember(a, b, [])
        const findings = shapesOf(a, b, depth)
        if (findings.length > 0) {
          for (const [x, y] of trail.splice(mark)) known.get(x)?.delete(y)
          remember(a, b, findings)
        }
        return findings
      } catch (error) {
        if (error instanceof NotComparable) return [unknown('opaque', error.message)]
        throw error
      }
    },
  }
  const shapesOf = (a: JsonSchema, b: JsonSchema, depth: number): readonly Finding[] => {
    const wanted = consumer.shapes(b)
    const found: Finding[] = []
    const types = new Set(wanted.map(({ type }) => type)).size
    if (types > 0 && types < shapeTypes.length && (a === true || isEmpty(a)))
      return [no('type', `any value may be given, and ${[...new Set(wanted.map(describe))].join(' | ')} is expected`)]
    for (const shape of producer.shapes(a)) {
      found.push(...oneOfShapes(shape, wanted, self, depth))
      if (found.length >= findingsMax) return found.slice(0, findingsMax)
    }
    return found
  }
  return self
}

/** Equal text means equal values, when references in it mean the same. */
function sameText(a: JsonSchema, b: JsonSchema, rootA: JsonSchema, rootB: JsonSchema): boolean {
  if (a === b && rootA === rootB) return true
  const text = textOf(a)
  if (text !== textOf(b)) return false
  return !refersTo(text) || textOf(rootA) === textOf(rootB)
}
