// Values that are likely to fit a schema, made without looking at the checker; a validator decides which do.

import type { Random } from './random.ts'
import { keys, type Loose, numbers, type Schema, strings } from './schemas.ts'

type Node = Record<string, Loose>

export function valueOf(schema: Schema | undefined, root: Schema, random: Random, depth = 5): unknown {
  if (depth < 0 || schema === undefined || typeof schema === 'boolean' || random.chance(0.04))
    return anything(random, depth > 2 ? 2 : 1)
  const node: Node = schema
  if (node.$ref) return valueOf((root as Node).$defs?.T, root, random, depth - 1)
  if ('const' in node) return node.const
  if (node.enum) return random.pick(node.enum)
  const branches = node.anyOf ?? node.oneOf
  if (branches) return valueOf(random.pick(branches as Schema[]), root, random, depth - 1)
  if (node.allOf) {
    const made = (node.allOf as Schema[]).map(part => valueOf(part, root, random, depth - 1))
    return made.every(isObject) ? Object.assign({}, ...made) : random.pick(made)
  }
  switch (
    Array.isArray(node.type)
      ? random.pick(node.type as string[])
      : (node.type ?? random.pick(['string', 'number', 'object', 'array', 'null']))
  ) {
    case 'string':
      return random.pick([...strings, 'a'.repeat(node.minLength ?? 0), 'b'.repeat(node.maxLength ?? 4)])
    case 'integer':
      return random.pick([
        Math.ceil(node.minimum ?? -3),
        Math.floor(node.maximum ?? 9),
        random.below(12) - 4,
        Math.trunc((node.exclusiveMinimum ?? 0) + 1),
      ])
    case 'number':
      return random.pick([
        node.minimum ?? -2.5,
        node.maximum ?? 7.5,
        (random.below(40) - 10) / 4,
        (node.exclusiveMinimum ?? 0) + 0.01,
        (node.exclusiveMaximum ?? 9) - 0.01,
        random.below(8),
        0.3,
      ])
    case 'boolean':
      return random.chance(0.5)
    case 'array':
      return arrayOf(node, root, random, depth)
    case 'object':
      return objectOf(node, root, random, depth)
    default:
      return null
  }
}

function arrayOf(node: Node, root: Schema, random: Random, depth: number): unknown[] {
  const prefix: Schema[] = node.prefixItems ?? []
  const size = Math.max(node.minItems ?? 0, Math.min(node.maxItems ?? 9, random.pick([0, 1, 2, 3, prefix.length])))
  return Array.from({ length: size }, (_, i) =>
    valueOf(prefix[i] ?? node.items ?? node.contains, root, random, depth - 1),
  )
}

function objectOf(node: Node, root: Schema, random: Random, depth: number): object {
  const made: Record<string, unknown> = {}
  const properties: Record<string, Schema> = node.properties ?? {}
  const required: string[] = node.required ?? []
  const [pattern] = Object.values<Schema>(node.patternProperties ?? {})
  for (const key of new Set([...Object.keys(properties), ...required]))
    if (required.includes(key) || random.chance(0.5))
      made[key] = valueOf(properties[key] ?? node.additionalProperties, root, random, depth - 1)
  if (node.additionalProperties !== false || pattern)
    for (const key of ['a', 'b', 'zz', 'n'])
      if (!(key in made) && random.chance(0.25))
        made[key] = valueOf(pattern ?? node.additionalProperties, root, random, depth - 1)
  return made
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

function anything(random: Random, depth: number): unknown {
  switch (random.below(6)) {
    case 0:
      return random.pick(strings)
    case 1:
      return random.pick(numbers)
    case 2:
      return null
    case 3:
      return random.chance(0.5)
    case 4:
      return depth > 0 ? Array.from({ length: random.below(3) }, () => anything(random, depth - 1)) : []
    default:
      return Object.fromEntries(
        depth > 0 ? keys.filter(() => random.chance(0.4)).map(key => [key, anything(random, depth - 1)]) : [],
      )
  }
}
