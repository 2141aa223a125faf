// Says in words why a value does not fit a JSON Schema, for the keywords that the contracts use. It explains what a
// validator has refused already; it does not decide. Pure.
//
// Of a union only the branch that was meant is explained: the one whose constant properties (`rule`, `kind`, …) match,
// or the only one of the value's type. Unknown keys and values of closed sets get a suggestion.

import type { ProblemItem } from './problem.ts'
import { closest } from './suggest.ts'

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: boolean | JsonSchema
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly pattern?: string
  readonly format?: string
  readonly [keyword: string]: unknown
}

type Bounds = Readonly<Record<string, number | undefined>> & {
  readonly pattern?: string
  readonly format?: string
  readonly uniqueItems?: boolean
}

const itemsMax = 100
const shownMax = 12

export function explain(schema: object, value: unknown): ProblemItem[] {
  const found: ProblemItem[] = []
  look(schema as JsonSchema, value, '', found)
  return found.slice(0, itemsMax)
}

function look(schema: JsonSchema, value: unknown, pointer: string, found: ProblemItem[]): void {
  if (found.length >= itemsMax) return
  const say = (detail: string, at = pointer) => void found.push({ pointer: at, detail })

  if (schema.anyOf) return lookAtUnion(schema.anyOf, value, pointer, found)
  for (const part of schema.allOf ?? []) look(part, value, pointer, found)
  if ('const' in schema && value !== schema.const) return say(`must be ${show(schema.const)}`)
  if (schema.enum && !schema.enum.includes(value)) return say(notOneOf(value, schema.enum))
  if (schema.type !== undefined && ![schema.type].flat().some(type => isOfType(value, type)))
    return say(`must be ${[schema.type].flat().map(article).join(' or ')}, not ${kindOf(value)}`)

  if (typeof value === 'string') lookAtString(schema, value, say)
  else if (typeof value === 'number') lookAtNumber(schema, value, say)
  else if (Array.isArray(value)) lookAtArray(schema, value, pointer, found)
  else if (value !== null && typeof value === 'object')
    lookAtObject(schema, value as Record<string, unknown>, pointer, found)
}

function lookAtUnion(branches: readonly JsonSchema[], value: unknown, pointer: string, found: ProblemItem[]): void {
  const say = (detail: string, at = pointer) => void found.push({ pointer: at, detail })
  const judged = branches.map(branch => {
    const faults: ProblemItem[] = []
    look(branch, value, pointer, faults)
    return { branch, faults }
  })
  if (judged.some(({ faults }) => faults.length === 0)) return
  const key = isObject(value) ? discriminator(branches) : undefined
  if (key !== undefined && isObject(value)) {
    const named = branches.map(branch => branch.properties?.[key]?.const).filter(constant => constant !== undefined)
    const meant = judged.find(({ branch }) => branch.properties?.[key]?.const === value[key])
    if (meant) return void found.push(...meant.faults)
    if (named.length > 0)
      return key in value
        ? say(notOneOf(value[key], named), `${pointer}/${escape(key)}`)
        : say(`needs "${key}", one of ${list(named)}`)
  }
  const ofType = judged.filter(
    ({ branch }) => branch.type === undefined || [branch.type].flat().some(type => isOfType(value, type)),
  )
  if (ofType.length === 1) return void found.push(...(ofType[0]?.faults ?? []))
  if (ofType.length > 1 && isObject(value)) {
    const nearest = ofType.toSorted((a, b) => a.faults.length - b.faults.length)[0]
    return void found.push(...(nearest?.faults ?? []))
  }
  const constants = branches.flatMap(branch => ('const' in branch ? [branch.const] : (branch.enum ?? [])))
  if (constants.length > 0) return say(notOneOf(value, constants))
  say(
    `must be ${[...new Set(branches.flatMap(branch => [branch.type ?? []].flat()))].map(article).join(' or ') || 'another value'}, not ${kindOf(value)}`,
  )
}

/** The property that most branches have as a constant: it says which branch is meant. */
function discriminator(branches: readonly JsonSchema[]): string | undefined {
  const counts = new Map<string, number>()
  for (const branch of branches)
    for (const [key, property] of Object.entries(branch.properties ?? {}))
      if ('const' in property) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}

function lookAtString(schema: JsonSchema, value: string, say: (detail: string) => void): void {
  const { minLength, maxLength, pattern, format } = schema as Bounds
  if (minLength !== undefined && value.length < minLength)
    say(minLength === 1 ? 'must not be empty' : `must have at least ${minLength} characters`)
  else if (maxLength !== undefined && value.length > maxLength)
    say(`must have at most ${maxLength} characters, not ${value.length}`)
  else if (pattern !== undefined && !new RegExp(pattern, 'u').test(value))
    say(`must match ${pattern}; ${show(value)} does not`)
  else if (format !== undefined) say(`must be a valid ${format}; ${show(value)} is not`)
}

function lookAtNumber(schema: JsonSchema, value: number, say: (detail: string) => void): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema as Bounds
  if (minimum !== undefined && value < minimum) say(`must be at least ${minimum}, not ${value}`)
  if (maximum !== undefined && value > maximum) say(`must be at most ${maximum}, not ${value}`)
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum)
    say(`must be greater than ${exclusiveMinimum}, not ${value}`)
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum)
    say(`must be less than ${exclusiveMaximum}, not ${value}`)
  if (multipleOf !== undefined && value % multipleOf !== 0) say(`must be a multiple of ${multipleOf}`)
}

function lookAtArray(schema: JsonSchema, value: readonly unknown[], pointer: string, found: ProblemItem[]): void {
  const { minItems, maxItems, uniqueItems } = schema as Bounds
  const say = (detail: string) => void found.push({ pointer, detail })
  if (minItems !== undefined && value.length < minItems)
    say(`must have at least ${minItems} ${minItems === 1 ? 'item' : 'items'}, not ${value.length}`)
  if (maxItems !== undefined && value.length > maxItems)
    return say(`must have at most ${maxItems} items, not ${value.length}`)
  if (uniqueItems && new Set(value.map(item => JSON.stringify(item))).size < value.length)
    say('must not have an item twice')
  const { items } = schema
  if (items) value.forEach((item, i) => look(items, item, `${pointer}/${i}`, found))
}

function lookAtObject(schema: JsonSchema, value: Record<string, unknown>, pointer: string, found: ProblemItem[]): void {
  const say = (detail: string, at = pointer) => void found.push({ pointer: at, detail })
  const properties = schema.properties ?? {}
  const { minProperties, maxProperties } = schema as Bounds
  const keys = Object.keys(value).filter(key => value[key] !== undefined)
  if (minProperties !== undefined && keys.length < minProperties)
    say(`must have at least ${minProperties} ${minProperties === 1 ? 'entry' : 'entries'}`)
  if (maxProperties !== undefined && keys.length > maxProperties)
    return say(`must have at most ${maxProperties} entries, not ${keys.length}`)
  for (const key of schema.required ?? [])
    if (value[key] === undefined) say(`needs "${key}"${misspelt(key, keys, properties)}`)
  const patterns = Object.entries(schema.patternProperties ?? {}).map(
    ([pattern, inner]) => [new RegExp(pattern, 'u'), inner] as const,
  )
  for (const key of keys) {
    const at = `${pointer}/${escape(key)}`
    const inner = Object.hasOwn(properties, key) ? properties[key] : undefined
    const matching = patterns.filter(([pattern]) => pattern.test(key))
    if (inner) look(inner, value[key], at, found)
    for (const [, schemaOfKey] of matching) look(schemaOfKey, value[key], at, found)
    if (inner || matching.length > 0) continue
    if (schema.additionalProperties === false) say(unknownKey(key, Object.keys(properties)), at)
    else if (typeof schema.additionalProperties === 'object') look(schema.additionalProperties, value[key], at, found)
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = closest(key, known)
  return `is not a known key${near === undefined ? `; known are: ${list(known)}` : `; did you mean "${near}"?`}`
}

function misspelt(key: string, given: readonly string[], properties: Readonly<Record<string, JsonSchema>>): string {
  const near = closest(
    key,
    given.filter(name => !Object.hasOwn(properties, name)),
  )
  return near === undefined ? '' : ` (found "${near}")`
}

function notOneOf(value: unknown, values: readonly unknown[]): string {
  const texts = values.filter(candidate => typeof candidate === 'string')
  const near = typeof value === 'string' ? closest(value, texts) : undefined
  return `must be one of ${list(values)}, not ${show(value)}${near === undefined ? '' : `; did you mean "${near}"?`}`
}

const list = (values: readonly unknown[]): string =>
  values.slice(0, shownMax).map(show).join(', ') + (values.length > shownMax ? ', …' : '')

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

function isOfType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'null') return value === null
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'number') return typeof value === 'number' && Number.isFinite(value)
  return typeof value === type
}

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'an array' : isObject(value) ? 'an object' : show(value)
const article = (type: string): string => (type === 'null' ? 'null' : `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`)
const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
