// The input of a step against the contract of its stage: what is written out is checked as a value, what is a `${ }`
// by its type. Everything at once, each at its place. Pure.

import { compile, type JsonValue } from '@meshwork/contracts'
import type { Expression } from '../definition/expression.ts'
import type { Template } from '../definition/template.ts'
import { alternatives, resolve, type Schema, show } from './schema.ts'
import { anchored, type Fit, fitOf, fitOfText, type Known, suggestionOf } from './verdict.ts'

export interface EdgeFinding {
  readonly severity: 'error' | 'warning'
  readonly code: string
  /** Into the input. */
  readonly pointer: string
  readonly detail: string
  readonly expression?: Expression
}

/** undefined: the expression is wrong in itself, which is told elsewhere. */
export type TypeOf = (expression: Expression) => Known | undefined

interface Walk {
  readonly root: Schema
  readonly typeOf: TypeOf
  readonly found: EdgeFinding[]
}

export function checkInput(template: Template, contract: Schema, typeOf: TypeOf): EdgeFinding[] {
  const found: EdgeFinding[] = []
  look(template, contract, '', { root: contract, typeOf, found })
  return found
}

function look(template: Template, consumer: Schema, pointer: string, walk: Walk): void {
  const schema = consumer.$ref === undefined ? consumer : (resolve(consumer.$ref, walk.root) ?? {})
  switch (template.kind) {
    case 'expression': {
      const known = walk.typeOf(template.expression)
      if (known) tell(fitOf(known, schema, walk.root), pointer, walk, show(known.schema), template.expression)
      return
    }
    case 'text':
      return lookAtText(template.parts, schema, pointer, walk)
    case 'value':
      return lookAtValue(template.value, schema, pointer, walk)
    case 'map':
    case 'list': {
      const union = schema.anyOf ?? schema.oneOf
      if (union) return lookAtUnion(template, schema, union, pointer, walk)
      if (template.kind === 'map' && (schema.type === 'object' || schema.properties))
        return lookAtMap(template, schema, pointer, walk)
      if (template.kind === 'list' && schema.type === 'array') return lookAtList(template, schema, pointer, walk)
      const value = literalOf(template)
      if (value !== undefined) return lookAtValue(value, schema, pointer, walk)
      const kind = template.kind === 'map' ? 'an object' : 'an array'
      if (schema.type !== undefined)
        walk.found.push({
          severity: 'error',
          code: 'invalid-value',
          pointer,
          detail: `must be ${schema.type as string}, not ${kind}`,
        })
    }
  }
}

function lookAtText(parts: readonly (string | Expression)[], schema: Schema, pointer: string, walk: Walk): void {
  const known = parts.map(part => (typeof part === 'string' ? part : walk.typeOf(part)))
  if (known.includes(undefined)) return
  const expressions = known.filter(part => typeof part === 'object')
  for (const [i, part] of known.entries())
    if (typeof part === 'object' && !isSingle(part.schema)) {
      const expression = parts[i] as Expression
      const detail = `"\${${expression.source}}" is ${show(part.schema)}, which cannot stand inside a text; convert it with string(…)`
      walk.found.push({ severity: 'error', code: 'edge-mismatch', pointer, detail, expression })
    }
  const fit = fitOfText(textSchema(known as (string | Known)[]), schema, walk.root)
  // Of parameters alone: the text is judged when a run starts.
  if (fit.kind === 'unproven' && expressions.every(({ kind }) => kind === 'params')) return
  tell(fit, pointer, walk, 'a text', firstExpression(parts))
}

/** Numbers are at most 24 characters long. */
function textSchema(parts: readonly (string | Known)[]): Schema {
  const lengths = parts.map(part => {
    if (typeof part === 'string') return part.length
    const all = alternatives(part.schema)
    if (all.every(({ kind }) => kind === 'int' || kind === 'double' || kind === 'bool')) return 24
    return all.length === 1 && typeof all[0]?.schema['maxLength'] === 'number' ? all[0].schema['maxLength'] : Number.NaN
  })
  const most = lengths.reduce((sum, length) => sum + length, 0)
  const least = parts.reduce((sum, part) => sum + (typeof part === 'string' ? part.length : 0), 0)
  return { type: 'string', minLength: least, ...(Number.isFinite(most) && { maxLength: most }) }
}

const isSingle = (schema: Schema): boolean =>
  alternatives(schema).every(({ kind }) => ['int', 'double', 'bool', 'string', 'dyn'].includes(kind))

function lookAtValue(value: JsonValue, schema: Schema, pointer: string, walk: Walk): void {
  for (const { pointer: inner, detail } of compile(anchored(schema, walk.root)).check(value))
    walk.found.push({ severity: 'error', code: 'invalid-value', pointer: pointer + inner, detail })
}

function tell(fit: Fit, pointer: string, walk: Walk, type: string, expression: Expression | undefined): void {
  if (fit.kind === 'fits') return
  const text = `${expression === undefined ? 'the text' : `"\${${expression.source}}"`} is ${type}`
  const unproven = fit.kind === 'unproven'
  walk.found.push({
    severity: unproven ? 'warning' : 'error',
    code: unproven ? 'not-proven' : fit.code,
    pointer,
    detail: unproven ? `${text}, which may not fit: ${fit.reason}` : `${text}, which does not fit: ${fit.reason}`,
    ...(expression && { expression }),
  })
}

type MapTemplate = Template & { kind: 'map' }
type ListTemplate = Template & { kind: 'list' }

function lookAtMap(template: MapTemplate, schema: Schema, pointer: string, walk: Walk): void {
  const properties = schema.properties ?? {}
  const say = (code: string, detail: string, at = pointer) =>
    walk.found.push({ severity: 'error', code, pointer: at, detail })
  const keys = template.entries.map(([key]) => key)
  const bounds = schema as { minProperties?: number; maxProperties?: number }
  if (bounds.minProperties !== undefined && keys.length < bounds.minProperties)
    say(
      'invalid-value',
      `must have at least ${bounds.minProperties} ${bounds.minProperties === 1 ? 'entry' : 'entries'}`,
    )
  if (bounds.maxProperties !== undefined && keys.length > bounds.maxProperties)
    say('invalid-value', `must have at most ${bounds.maxProperties} entries, not ${keys.length}`)
  for (const key of schema.required ?? [])
    if (!keys.includes(key)) {
      const unknown = keys.filter(name => !Object.hasOwn(properties, name))
      const near = unknown.length > 0 ? suggestionOf(key, unknown) : ''
      say(
        'missing-input',
        `needs "${key}"${near.startsWith('; did') ? ` (found ${near.slice('; did you mean '.length, -1)})` : ''}`,
      )
    }
  for (const [key, inner] of template.entries) {
    const at = `${pointer}/${escape(key)}`
    if (Object.hasOwn(properties, key)) look(inner, properties[key] as Schema, at, walk)
    else if (typeof schema.additionalProperties === 'object') {
      const names = schema['propertyNames'] as Schema | undefined
      if (names)
        for (const { detail } of compile(anchored(names, walk.root)).check(key))
          say('invalid-value', `the name "${key}" ${detail}`, at)
      look(inner, schema.additionalProperties, at, walk)
    } else if (schema.additionalProperties === false && !schema.patternProperties)
      say('unknown-input', `"${key}" is not known here${suggestionOf(key, Object.keys(properties))}`, at)
  }
}

function lookAtList(template: ListTemplate, schema: Schema, pointer: string, walk: Walk): void {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
  const { length } = template.items
  const say = (detail: string) => walk.found.push({ severity: 'error', code: 'invalid-value', pointer, detail })
  if (length < minItems) say(`must have at least ${minItems} ${minItems === 1 ? 'item' : 'items'}, not ${length}`)
  if (length > maxItems) say(`must have at most ${maxItems} items, not ${length}`)
  const value = literalOf(template)
  if (value !== undefined && schema['uniqueItems'] === true) {
    const texts = (value as JsonValue[]).map(item => JSON.stringify(item))
    const twice = texts.find((text, i) => texts.indexOf(text) !== i)
    if (twice !== undefined) say(`has ${twice} twice`)
  }
  const tuple = schema.prefixItems ?? []
  for (const [i, item] of template.items.entries()) {
    const of = tuple[i] ?? schema.items
    if (typeof of === 'object') look(item, of, `${pointer}/${i}`, walk)
  }
}

/** The branch that was meant: the one whose constants are written, or the one that fits best. */
function lookAtUnion(
  template: MapTemplate | ListTemplate,
  schema: Schema,
  union: readonly Schema[],
  pointer: string,
  walk: Walk,
): void {
  const value = literalOf(template)
  if (value !== undefined) return lookAtValue(value, schema, pointer, walk)
  const type = template.kind === 'map' ? 'object' : 'array'
  const branches = union
    .map(branch => (branch.$ref === undefined ? branch : (resolve(branch.$ref, walk.root) ?? {})))
    .filter(branch => branch.type === type || branch.type === undefined || branch.anyOf)
  if (branches.length === 0) {
    walk.found.push({ severity: 'error', code: 'invalid-value', pointer, detail: `must not be an ${type}` })
    return
  }
  const named = template.kind === 'map' ? branches.filter(branch => constantsMatch(template, branch)) : branches
  if (named.length === 0) return lookAtWrongName(template as MapTemplate, branches, pointer, walk)
  const judged = named.map(branch => {
    const found: EdgeFinding[] = []
    look(template, branch, pointer, { ...walk, found })
    return { found, errors: found.filter(({ severity }) => severity === 'error').length }
  })
  walk.found.push(...(judged.toSorted((a, b) => a.errors - b.errors)[0]?.found ?? []))
}

function constantsMatch(template: MapTemplate, branch: Schema): boolean {
  return Object.entries(branch.properties ?? {}).every(([key, property]) => {
    if (!('const' in property)) return true
    const entry = template.entries.find(([name]) => name === key)?.[1]
    if (!entry) return !branch.required?.includes(key)
    return entry.kind !== 'value' || entry.value === property.const
  })
}

function lookAtWrongName(template: MapTemplate, branches: readonly Schema[], pointer: string, walk: Walk): void {
  const keys = branches.flatMap(branch =>
    Object.entries(branch.properties ?? {}).flatMap(([key, property]) => ('const' in property ? [key] : [])),
  )
  const key = keys[0] ?? ''
  const constants = branches.flatMap(branch => {
    const property = branch.properties?.[key]
    return property && 'const' in property ? [String(property.const)] : []
  })
  const entry = template.entries.find(([name]) => name === key)?.[1]
  if (!entry) {
    walk.found.push({
      severity: 'error',
      code: 'missing-input',
      pointer,
      detail: `needs "${key}", one of ${constants.join(', ')}`,
    })
    return
  }
  const given = entry.kind === 'value' && typeof entry.value === 'string' ? entry.value : ''
  const detail = `must be one of ${constants.join(', ')}, not ${JSON.stringify(given)}${suggestionOf(given, constants)}`
  walk.found.push({ severity: 'error', code: 'invalid-value', pointer: `${pointer}/${escape(key)}`, detail })
}

/** The value of a template without expressions. */
export function literalOf(template: Template): JsonValue | undefined {
  if (template.kind === 'value') return template.value
  if (template.kind === 'list') {
    const items = template.items.map(literalOf)
    return items.includes(undefined) ? undefined : (items as JsonValue[])
  }
  if (template.kind !== 'map') return undefined
  const entries = template.entries.map(([key, inner]) => [key, literalOf(inner)] as const)
  return entries.some(([, inner]) => inner === undefined) ? undefined : (Object.fromEntries(entries) as JsonValue)
}

const firstExpression = (parts: readonly (string | Expression)[]): Expression | undefined =>
  parts.find(part => typeof part === 'object')

const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
