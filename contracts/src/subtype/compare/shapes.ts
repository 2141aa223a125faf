// One shape of the producer against all those of the consumer.

import type { JsonValue } from '../../schema.ts'
import { propertyOf, someShape } from '../accepts.ts'
import { type JsonSchema, resolve } from '../schema.ts'
import { type ArrayShape, describe, type NumberShape, type ObjectShape, type Shape, shown } from '../shape.ts'
import { closest, notRuledOut, pieces } from './alternatives.ts'
import { compareArrays } from './array.ts'
import { type Comparison, type Finding, isTreated, no, unknown, unsure } from './finding.ts'
import { compareObjects } from './object.ts'
import { compareNumbers, compareStrings, isCovered } from './scalar.ts'

const depthMax = 40

export function oneOfShapes(
  given: Shape,
  bs: readonly Shape[],
  comparison: Comparison,
  depth: number,
): readonly Finding[] {
  const a = given.type === 'object' ? closed(given, comparison) : given
  const candidates = bs.filter(b => b.type === a.type)
  if (candidates.length === 0) {
    const expected = [...new Set(bs.map(describe))].join(' | ')
    return softened(
      a,
      [no('type', expected ? `${describe(a)} is not ${expected}` : `${describe(a)} is not allowed`)],
      comparison,
    )
  }
  if (a.values) return a.values.flatMap(value => oneValue(a, value, candidates, comparison, depth))
  const possible = a.type === 'object' && candidates.length > 1 ? notRuledOut(a, candidates, comparison) : candidates
  if (!Array.isArray(possible)) return softened(a, [possible as Finding], comparison)
  const judged: (readonly Finding[])[] = []
  for (const b of possible) {
    const findings = compareShapes(a, b, comparison, depth)
    if (findings.length === 0) return []
    judged.push(findings)
  }
  if (judged.length === 1) return judged[0] ?? []
  if (a.type === 'number' && isCovered(a, possible as NumberShape[])) return []
  const split = a.type === 'object' && depth < depthMax ? pieces(a, possible as ObjectShape[], comparison) : undefined
  if (split) return split.flatMap(piece => oneOfShapes(piece, bs, comparison, depth + 1))
  const nearest = judged[closest(a, possible, judged, comparison, depth)] ?? []
  return nearest.map(finding => ({
    ...unsure(finding),
    rule: 'union' as const,
    reason: `no single alternative is known to accept it; the nearest: ${finding.reason}`,
  }))
}

/** Answers are cut to what they declare, if the caller says so; an object without properties stays a free one. */
function closed(a: ObjectShape, { closedProducer }: Comparison): ObjectShape {
  return closedProducer && !a.declared && a.properties.size > 0 ? { ...a, additional: false } : a
}

function oneValue(
  a: Shape,
  value: JsonValue,
  candidates: readonly Shape[],
  comparison: Comparison,
  depth: number,
): readonly Finding[] {
  const answer = someShape(candidates, value, comparison.consumer, comparison.treatment)
  if (answer === 'yes') return []
  const [only] = candidates
  if (
    candidates.length === 1 &&
    only &&
    !only.values &&
    typeof value === 'object' &&
    value !== null &&
    depth < depthMax
  ) {
    const findings = compareShapes(literal(value), only, comparison, depth + 1)
    if (findings.length > 0) return softened(a, findings, comparison)
  }
  if (answer === 'unknown') return [unknown('value', `it cannot be told whether value ${shown([value])} is accepted`)]
  const expected = candidates.flatMap(b => b.values ?? [])
  const reason = `value ${shown([value])} is not ${expected.length > 0 ? shown(expected) : 'accepted'}`
  return softened(
    a,
    [no('value', expected.length > 0 ? reason : (why(value, candidates, comparison, depth) ?? reason))],
    comparison,
  )
}

/** The constraint that a scalar misses, when there is one candidate only. */
function why(
  value: JsonValue,
  candidates: readonly Shape[],
  comparison: Comparison,
  depth: number,
): string | undefined {
  const [only] = candidates
  if (candidates.length !== 1 || only?.type !== 'number' || typeof value !== 'number') return undefined
  const exact: NumberShape = { type: 'number', opaque: [], min: value, max: value, minOpen: false, maxOpen: false }
  const [first] = compareShapes(Number.isInteger(value) ? { ...exact, step: 1 } : exact, only, comparison, depth)
  return (
    first &&
    `value ${value} ${first.rule === 'multiple' ? (only.step === 1 ? 'is not integer' : `is not a multiple of ${only.step}`) : first.rule === 'minimum' ? `is less than ${only.min}` : `is more than ${only.max}`}`
  )
}

/** The shape that a single array or object has, so that what is wrong in it is found at its place. */
function literal(value: JsonValue[] | { [key: string]: JsonValue }): ArrayShape | ObjectShape {
  const constant = (inner: JsonValue): JsonSchema => ({ const: inner })
  if (Array.isArray(value)) {
    const size = value.length
    return { type: 'array', opaque: [], prefix: value.map(constant), rest: false, min: size, max: size, unique: false }
  }
  const keys = Object.keys(value)
  return {
    type: 'object',
    opaque: [],
    properties: new Map(Object.entries(value).map(([key, inner]) => [key, constant(inner)])),
    required: new Set(keys),
    additional: false,
    declared: true,
    patterns: new Map(),
    names: true,
    min: keys.length,
    max: keys.length,
  }
}

function compareShapes(a: Shape, b: Shape, given: Comparison, depth: number): readonly Finding[] {
  const comparison = b.untreated === 'whole' ? given.untreated() : given
  const found: Finding[] = []
  const missed = b.opaque.find(text => isTreated(comparison, b) || text.startsWith('!') || !a.opaque.includes(text))
  if (b.untreated === 'mixed' && isTreated(comparison, b))
    found.push(
      unknown('union', 'what is stripped or given by default is unclear where "oneOf" stands beside other keywords'),
    )
  if (missed !== undefined) found.push(unknown('opaque', `"${missed.replace(/^!/, '').split(':')[0]}" is not analysed`))
  if (b.values && !a.values) found.push(no('value', `${describe(a)} is not ${shown(b.values)}`))
  else if (a.type === 'number' && b.type === 'number') found.push(...compareNumbers(a, b))
  else if (a.type === 'string' && b.type === 'string') found.push(...compareStrings(a, b))
  else if (a.type === 'array' && b.type === 'array') found.push(...compareArrays(a, b, comparison, depth))
  else if (a.type === 'object' && b.type === 'object') found.push(...compareObjects(a, b, comparison, depth))
  return softened(a, found, comparison)
}

/** A producer's shape that is wider than its schema, or may hold nothing at all, refutes nothing. */
function softened(a: Shape, findings: readonly Finding[], comparison: Comparison): readonly Finding[] {
  if (findings.length === 0 || (a.opaque.length === 0 && isInhabited(a, comparison))) return findings
  return findings.map(unsure)
}

const isInhabited = (a: Shape, { producer }: Comparison): boolean =>
  a.type !== 'object' ||
  [...a.required].every(key => producer.shapes(resolve(propertyOf(a, key), producer.root)).length > 0)
