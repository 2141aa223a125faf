// `a.b`, `a["b"]`, `a[0]` and their optional forms. Pure.

import { closest } from '@meshwork/contracts'
import { alternatives, anything, isDyn, itemsOf, join, type Schema, show } from '../schema.ts'
import { type Context, fault, keyOf, type Node, pathOf } from './context.ts'

type How = 'sure' | 'optional'

/** The type of a property. A missing key, one that may be absent, and a value without properties are faults. */
export function select(node: Node, object: Schema, key: string, context: Context, how: How = 'sure'): Schema {
  if (isDyn(object)) return anything
  const [owner] = node.args as [Node]
  const ownerPath = pathOf(owner)
  const all = alternatives(object)
  const maps = all.filter(({ kind }) => kind === 'map')
  const others = all.filter(({ kind }) => kind !== 'map' && !(kind === 'null' && context.present.has(ownerPath ?? '')))
  if (maps.length === 0) return fault(context, node, 'not-an-object', `${show(object)} has no "${key}"`)
  if (others.length > 0 && how === 'sure')
    fault(
      context,
      node,
      'maybe-not-object',
      `${ownerPath ?? 'the value'} may be ${others.map(({ kind }) => kind).join(' or ')}; test it first: ${ownerPath ?? 'x'} != null ? … : …`,
    )
  const path = pathOf(node)
  const found = maps.flatMap(({ schema }): Schema[] => {
    const property = propertyOf(schema, key)
    return property ? [property] : []
  })
  if (found.length === 0) {
    const known = new Set(maps.flatMap(({ schema }) => Object.keys(schema.properties ?? {})))
    const near = closest(key, [...known])
    const hint =
      near === undefined ? (known.size > 0 ? `; it has ${shown([...known])}` : '') : `; did you mean "${near}"?`
    const at = { start: Math.max(node.start, node.end - key.length), end: node.end }
    return fault(
      context,
      node.op === '.' ? at : node,
      'unknown-property',
      `${ownerPath ?? show(object)} has no "${key}"${hint}`,
    )
  }
  const always =
    maps.every(({ schema }) => isRequired(schema, key)) || (path !== undefined && context.present.has(path))
  if (
    !always &&
    how === 'sure' &&
    maps.some(({ schema }) => schema.properties && Object.hasOwn(schema.properties, key))
  )
    fault(
      context,
      node,
      'maybe-absent',
      ownerPath === 'steps'
        ? `step "${key}" may be without an output (it or one before it has a condition, or may fail); test it: has(steps.${key}) ? … : …`
        : `"${key}" may be absent; write ${ownerPath ?? 'x'}.?${key}.orValue(…) with what stands for it`,
    )
  const type = join(found)
  return path !== undefined && context.present.has(path) ? withoutNull(type) : type
}

const requiredOf = new WeakMap<object, ReadonlySet<string>>()

function isRequired(schema: Schema, key: string): boolean {
  const known = requiredOf.get(schema) ?? new Set(schema.required)
  requiredOf.set(schema, known)
  return known.has(key)
}

/** The type of an item or of a key that is computed. */
export function index(node: Node, object: Schema, key: Node, context: Context, how: How = 'sure'): Schema {
  const literal = keyOf(key)
  const keyType = context.type(key, context)
  if (isDyn(object)) return anything
  if (typeof literal === 'string') return select(node, object, literal, context, how)
  const found: Schema[] = []
  for (const { kind, schema } of alternatives(object)) {
    if (kind === 'list') found.push(...itemsAt(node, schema, key, keyType, literal, context, how))
    else if (kind === 'map') found.push(...Object.values(schema.properties ?? {}), restOf(schema) ?? anything)
    else if (how === 'sure') return fault(context, node, 'not-indexable', `${show(object)} has no items`)
  }
  return join(found)
}

function itemsAt(
  node: Node,
  list: Schema,
  key: Node,
  keyType: Schema,
  literal: number | string | undefined,
  context: Context,
  how: How,
): Schema[] {
  if (!isDyn(keyType) && !alternatives(keyType).every(({ kind }) => kind === 'int'))
    return [fault(context, key, 'wrong-type', `an index is an int, not ${show(keyType)}`)]
  const tuple = list.prefixItems ?? []
  if (typeof literal === 'number') {
    if (literal < tuple.length) return [tuple[literal] as Schema]
    if (how === 'sure' && list.maxItems !== undefined && literal >= list.maxItems)
      return [
        fault(context, node, 'out-of-range', `there is no item ${literal}: the list has at most ${list.maxItems}`),
      ]
    return [itemsOf(list)]
  }
  return [...tuple, itemsOf(list)]
}

/** undefined where there is no such property for sure. */
function propertyOf(schema: Schema, key: string): Schema | undefined {
  if (schema.properties && Object.hasOwn(schema.properties, key)) return schema.properties[key]
  return restOf(schema)
}

function restOf(schema: Schema): Schema | undefined {
  const patterns = Object.values(schema.patternProperties ?? {})
  if (patterns.length > 0) return anything
  if (schema.additionalProperties === false) return undefined
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : anything
}

export function withoutNull(schema: Schema): Schema {
  if (isDyn(schema)) return schema
  const all = alternatives(schema)
  const rest = all.filter(({ kind }) => kind !== 'null')
  return rest.length === all.length || rest.length === 0 ? schema : join(rest.map(({ schema: part }) => part))
}

const shown = (keys: readonly string[]): string => keys.slice(0, 12).join(', ') + (keys.length > 12 ? ', …' : '')
