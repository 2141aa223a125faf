import { accepts, defaultOf, isExtra, propertyOf } from '../accepts.ts'
import { both, type JsonSchema, resolve } from '../schema.ts'
import type { ObjectShape } from '../shape.ts'
import { below, type Comparison, type Finding, no, unknown, unsure } from './finding.ts'

export function* compareObjects(
  a: ObjectShape,
  b: ObjectShape,
  comparison: Comparison,
  depth: number,
): Iterable<Finding> {
  yield* missing(a, b, comparison)
  yield* unfitDefaults(a, b, comparison)
  yield* named(a, b, comparison, depth)
  yield* matched(a, b, comparison, depth)
  yield* unnamed(a, b, comparison, depth)
  yield* spelled(a, b, comparison, depth)
  yield* counted(a, b, comparison)
}

const defaultFor = (b: ObjectShape, key: string, { treatment }: Comparison) =>
  treatment.defaults ? defaultOf(b.properties.get(key) ?? true) : undefined

function* missing(a: ObjectShape, b: ObjectShape, comparison: Comparison): Iterable<Finding> {
  for (const key of b.required) {
    if (a.required.has(key) || defaultFor(b, key, comparison) !== undefined) continue
    const known = a.properties.has(key) && a.properties.get(key) !== false
    yield no(
      'required',
      known ? 'is required here and only optional in what is given' : 'is required here and not given',
      key,
    )
  }
}

/** A default takes the place of what is missing, so it must fit. */
function* unfitDefaults(a: ObjectShape, b: ObjectShape, comparison: Comparison): Iterable<Finding> {
  if (!comparison.treatment.defaults) return
  for (const key of b.properties.keys()) {
    const value = a.required.has(key) ? undefined : defaultFor(b, key, comparison)
    if (value === undefined) continue
    const answer = accepts(propertyOf(b, key), value, comparison.consumer)
    if (answer !== 'yes')
      yield unknown('default', `its default ${JSON.stringify(value)} is not known to fit its own schema`, key)
  }
}

function* named(a: ObjectShape, b: ObjectShape, comparison: Comparison, depth: number): Iterable<Finding> {
  for (const key of new Set([...a.properties.keys(), ...b.properties.keys(), ...a.required])) {
    const produced = propertyOf(a, key)
    if (produced === false) continue
    const wanted = propertyOf(b, key)
    if (comparison.treatment.stripExtra && isExtra(b, key, comparison.consumer)) {
      if (b.required.has(key)) yield no('extra', 'is required here and not allowed at the same time', key)
      continue
    }
    for (const finding of below(key, comparison.pair(produced, wanted, depth + 1)))
      if (finding.kind === 'no' && wanted === false && finding.path.length === 1)
        yield {
          ...finding,
          rule: 'extra',
          reason: b.properties.has(key) ? 'is not allowed here' : 'is not a key that is allowed here',
        }
      else if (finding.kind === 'no' && !a.properties.has(key) && a.patterns.size === 0 && a.additional === true)
        yield { ...finding, reason: `is not declared where it comes from, so it may be there: ${finding.reason}` }
      else yield finding
  }
}

function* matched(a: ObjectShape, b: ObjectShape, comparison: Comparison, depth: number): Iterable<Finding> {
  for (const [pattern, wanted] of b.patterns) {
    const open = resolve(a.additional, comparison.producer.root) !== false
    if (a.patterns.has(pattern) || !(open || a.patterns.size > 0)) continue
    const produced = [...(open ? [a.additional] : []), ...a.patterns.values()]
    for (const each of produced)
      for (const finding of below(`{${pattern}}`, comparison.pair(each, wanted, depth + 1))) yield unsure(finding)
  }
  for (const [pattern, produced] of a.patterns) {
    const same = b.patterns.get(pattern)
    if (same === undefined && comparison.treatment.stripExtra && b.additional === false && b.patterns.size === 0)
      continue
    const all: JsonSchema[] =
      same === undefined ? [b.additional, ...b.patterns.values()] : [same, ...others(b, pattern)]
    for (const wanted of all)
      for (const finding of below(`{${pattern}}`, comparison.pair(produced, wanted, depth + 1))) yield unsure(finding)
  }
}

const others = (b: ObjectShape, pattern: string): JsonSchema[] =>
  [...b.patterns].filter(([other]) => other !== pattern).map(([, schema]) => schema)

/** Keys that neither names. */
function* unnamed(a: ObjectShape, b: ObjectShape, comparison: Comparison, depth: number): Iterable<Finding> {
  const produced = resolve(a.additional, comparison.producer.root)
  const wanted = resolve(b.additional, comparison.consumer.root)
  if (produced === false || (comparison.treatment.stripExtra && wanted === false)) return
  for (const finding of below('*', comparison.pair(produced, wanted, depth + 1)))
    if (finding.kind === 'no' && wanted === false)
      yield { ...finding, path: ['*'], rule: 'extra', reason: 'may have other keys, which are not allowed here' }
    else yield a.patterns.size + b.patterns.size > 0 ? unsure(finding) : finding
}

/** Names of keys, where the consumer asks for some. */
function* spelled(a: ObjectShape, b: ObjectShape, comparison: Comparison, depth: number): Iterable<Finding> {
  if (b.names === true) return
  for (const key of new Set([...a.properties.keys(), ...a.required, ...b.properties.keys()])) {
    const stripped = comparison.treatment.stripExtra && isExtra(b, key, comparison.consumer)
    const given = propertyOf(a, key) !== false || defaultFor(b, key, comparison) !== undefined
    if (!given || stripped || accepts(b.names, key, comparison.consumer) === 'yes') continue
    yield a.required.has(key)
      ? no('names', 'is a name that is not allowed here', key)
      : unknown('names', 'may not be a name that is allowed here', key)
  }
  if (resolve(a.additional, comparison.producer.root) === false && a.patterns.size === 0) return
  for (const finding of comparison.pair(a.names === true ? text : both(a.names, text), b.names, depth + 1))
    yield { ...unsure(finding), path: ['*'], rule: 'names', reason: `its name ${finding.reason}` }
}

const text: JsonSchema = { type: 'string' }

function* counted(a: ObjectShape, b: ObjectShape, comparison: Comparison): Iterable<Finding> {
  const { treatment, consumer, producer } = comparison
  const kept = [...a.required].filter(key => !(treatment.stripExtra && isExtra(b, key, consumer))).length
  const least = treatment.stripExtra ? kept : a.min
  if (least < b.min && b.min > b.required.size) yield no('properties', `may have fewer than ${b.min} keys`)
  const bounded = resolve(a.additional, producer.root) === false && a.patterns.size === 0
  const added = [...b.properties.keys()].filter(
    key => !a.required.has(key) && defaultFor(b, key, comparison) !== undefined,
  )
  const keys = bounded ? new Set([...a.properties.keys(), ...added]).size : Infinity
  const most = Math.min(keys, a.max + added.length)
  if (most > b.max) yield no('properties', `may have more than ${b.max} keys`)
}
