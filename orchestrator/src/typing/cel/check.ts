// Checks a CEL expression without evaluating it: the type of its result, and everything that is wrong with it. Pure.
//
// Sound: what an accepted expression gives fits the schema told here, but for what no static check sees (an index past
// the end, a key of a map that is not there, a text that is no number, a division by zero).

import { closest } from '@meshwork/contracts'
import { anything, join, type Schema } from '../schema.ts'
import { index, select } from './access.ts'
import { callFunction, callMethod } from './calls.ts'
import { type CelFault, type Context, fault, keyOf, type Node } from './context.ts'
import { arithmetic, comparison, conditional, equality, logical, membership, negative, not } from './operators.ts'

export interface CheckedCel {
  readonly schema: Schema
  readonly faults: readonly CelFault[]
}

export function checkCel(
  root: Node,
  variables: ReadonlyMap<string, Schema>,
  present: readonly string[] = [],
): CheckedCel {
  const faults: CelFault[] = []
  const schema = typeOf(root, { variables, present: new Set(present), faults, type: typeOf })
  return { schema, faults }
}

/** A plain reference as the node of an expression. `starts` are the offsets of its parts. */
export function referenceNode(path: readonly (string | number)[], source: string): Node {
  let node: Node = { op: 'id', args: path[0], start: 0, end: String(path[0]).length }
  let from = node.end
  for (const key of path.slice(1)) {
    const end = partEnd(source, from)
    const value: Node = { op: 'value', args: typeof key === 'number' ? BigInt(key) : key, start: from, end }
    node = { op: source[from] === '.' ? '.' : '[]', args: [node, source[from] === '.' ? key : value], start: 0, end }
    from = end
  }
  return node
}

function partEnd(source: string, from: number): number {
  const part = /^(?:\.\w+|\[\d+\]|\["[^"\\]*"\])/.exec(source.slice(from))
  return from + (part?.[0].length ?? 0)
}

function typeOf(node: Node, context: Context): Schema {
  switch (node.op) {
    case 'value':
      return literal(node.args)
    case 'id':
      return variable(node, context)
    case '.':
    case '.?':
    case '[]':
    case '[?]':
      return access(node, context)
    case '&&':
    case '||':
      return logical(node, context)
    case '!_':
      return not(node, context)
    case '-_':
      return negative(node, context)
    case '?:':
      return conditional(node, context)
    case '==':
    case '!=':
      return equality(node, context)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return comparison(node, context)
    case 'in':
      return membership(node, context)
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmetic(node, context)
    case 'list':
      return list(node.args as Node[], context)
    case 'map':
      return map(node.args as [Node, Node][], context)
    case 'call':
      return callFunction(node, context)
    case 'rcall':
      return callMethod(node, context)
    default:
      return anything
  }
}

function literal(value: unknown): Schema {
  if (value === null) return { type: 'null' }
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? { const: Number(value) } : { type: 'integer' }
  // A fraction written as 2.0 is a fraction for CEL, and a whole number for JSON.
  if (typeof value === 'number') return { type: 'number', minimum: value, maximum: value }
  return typeof value === 'string' || typeof value === 'boolean' ? { const: value } : { 'x-cel': 'bytes' }
}

function variable(node: Node, context: Context): Schema {
  const name = node.args as string
  const type = context.variables.get(name)
  if (type) return type
  const near = closest(name, [...context.variables.keys()])
  return fault(
    context,
    node,
    'unknown-name',
    `there is no "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}; expressions start with ${[...context.variables.keys()].join(', ')}`,
  )
}

/** What is optional once stays so: `a.?b.c` is optional too. */
function access(node: Node, context: Context): Schema {
  const [object, key] = node.args as [Node, string | Node]
  const type = context.type(object, context)
  const through = type['x-cel'] === 'optional'
  const how = through || node.op.includes('?') ? 'optional' : 'sure'
  const inner = through ? ((type['of'] ?? anything) as Schema) : type
  const found = typeof key === 'string' ? select(node, inner, key, context, how) : index(node, inner, key, context, how)
  return how === 'optional' ? { 'x-cel': 'optional', of: found } : found
}

function list(items: readonly Node[], context: Context): Schema {
  const types = items.map(item => context.type(item, context))
  return { type: 'array', items: join(types), minItems: items.length, maxItems: items.length }
}

function map(entries: readonly [Node, Node][], context: Context): Schema {
  const properties: Record<string, Schema> = {}
  let literalKeys = true
  for (const [key, value] of entries) {
    const name = keyOf(key)
    const type = context.type(value, context)
    if (typeof name === 'string' && name !== '__proto__') properties[name] = type
    else {
      context.type(key, context)
      literalKeys = false
    }
  }
  if (!literalKeys) return { type: 'object' }
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}
