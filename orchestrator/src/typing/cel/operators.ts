// Operators. Whole and fractional numbers are compared with each other but not added: CEL converts nothing by itself.

import { canonicalJson, closest } from '@meshwork/contracts'
import {
  alternatives,
  anything,
  isDyn,
  itemsOf,
  join,
  type Kind,
  kindsOf,
  type Schema,
  show,
  valuesOf,
} from '../schema.ts'
import { wantBoolean } from './calls.ts'
import { type Context, fault, type Node } from './context.ts'
import { facts, knowing } from './facts.ts'

const boolean: Schema = { type: 'boolean' }
const ordered: readonly Kind[] = ['int', 'double', 'string', 'bool', 'timestamp', 'duration', 'bytes']

export function logical(node: Node, context: Context): Schema {
  const [left, right] = node.args as [Node, Node]
  wantBoolean(left, context.type(left, context), context)
  const inner = knowing(context, facts(left, node.op === '&&'))
  wantBoolean(right, inner.type(right, inner), context)
  return boolean
}

export function not(node: Node, context: Context): Schema {
  const operand = node.args as Node
  wantBoolean(operand, context.type(operand, context), context)
  return boolean
}

export function negative(node: Node, context: Context): Schema {
  const type = context.type(node.args as Node, context)
  if (isDyn(type)) return anything
  const kinds = kindsOf(type)
  if (kinds.size === 1 && kinds.has('int')) return { type: 'integer' }
  if (kinds.size === 1 && kinds.has('double')) return { type: 'number' }
  return fault(context, node, 'no-overload', `there is no - before ${show(type)}`)
}

export function conditional(node: Node, context: Context): Schema {
  const [condition, yes, no] = node.args as [Node, Node, Node]
  wantBoolean(condition, context.type(condition, context), context)
  const whenTrue = knowing(context, facts(condition, true))
  const whenFalse = knowing(context, facts(condition, false))
  const left = whenTrue.type(yes, whenTrue)
  const right = whenFalse.type(no, whenFalse)
  const kinds = (type: Schema) => [...kindsOf(type)].sort().join(' | ')
  if (!isDyn(left) && !isDyn(right) && kinds(left) !== kinds(right))
    return fault(
      context,
      node,
      'mixed-branches',
      `the two branches have different types: ${show(left)} and ${show(right)}; CEL wants one`,
    )
  return join([left, right])
}

export function equality(node: Node, context: Context): Schema {
  const [left, right] = (node.args as [Node, Node]).map(part => context.type(part, context)) as [Schema, Schema]
  if (isDyn(left) || isDyn(right)) return boolean
  const kinds = new Set([...kindsOf(left)].map(asNumber))
  if (![...kindsOf(right)].some(kind => kinds.has(asNumber(kind)))) {
    fault(context, node, 'never-equal', `${show(left)} is never equal to ${show(right)}`)
    return boolean
  }
  const lefts = valuesOf(left)
  const rights = valuesOf(right)
  if (!lefts || !rights) return boolean
  const texts = new Set(lefts.map(canonicalJson))
  if (rights.some(value => texts.has(canonicalJson(value)))) return boolean
  const [many, [one]] = lefts.length > rights.length ? [lefts, rights] : [rights, lefts]
  const near =
    typeof one === 'string'
      ? closest(
          one,
          many.filter(value => typeof value === 'string'),
        )
      : undefined
  fault(
    context,
    node,
    'never-equal',
    `${JSON.stringify(one)} is not one of ${many.map(value => JSON.stringify(value)).join(', ')}${near === undefined ? '' : `; did you mean "${near}"?`}`,
  )
  return boolean
}

export function comparison(node: Node, context: Context): Schema {
  const [left, right] = (node.args as [Node, Node]).map(part => context.type(part, context)) as [Schema, Schema]
  if (isDyn(left) || isDyn(right)) return boolean
  for (const a of kindsOf(left))
    for (const b of kindsOf(right))
      if (asNumber(a) !== asNumber(b) || !ordered.includes(a)) {
        const nullable = a === 'null' || b === 'null' ? '; test it first: x != null && x > …' : ''
        fault(context, node, 'no-overload', `${show(left)} ${node.op} ${show(right)} cannot be compared${nullable}`)
        return boolean
      }
  return boolean
}

export function membership(node: Node, context: Context): Schema {
  const [item, container] = node.args as [Node, Node]
  const type = context.type(item, context)
  const of = context.type(container, context)
  if (isDyn(of) || isDyn(type)) return boolean
  for (const { kind, schema } of alternatives(of)) {
    if (kind !== 'list' && kind !== 'map')
      fault(context, container, 'wrong-type', `"in" looks into a list or a map, not into ${show(of)}`)
    const element: Schema =
      kind === 'list' ? join([...(schema.prefixItems ?? []), itemsOf(schema)]) : { type: 'string' }
    const kinds = new Set([...kindsOf(element)].map(asNumber))
    if (
      (kind === 'list' || kind === 'map') &&
      !kinds.has('dyn') &&
      ![...kindsOf(type)].some(own => kinds.has(asNumber(own)))
    )
      fault(context, node, 'never-equal', `${show(type)} is never in a ${kind} of ${show(element)}`)
  }
  return boolean
}

export function arithmetic(node: Node, context: Context): Schema {
  const [left, right] = (node.args as [Node, Node]).map(part => context.type(part, context)) as [Schema, Schema]
  if (isDyn(left) || isDyn(right)) return anything
  const [a, b] = [[...kindsOf(left)], [...kindsOf(right)]]
  const result =
    a.length === 1 && b.length === 1 ? resultOf(node.op, a[0] as Kind, b[0] as Kind, left, right) : undefined
  if (result) return result
  const all = new Set([...a, ...b])
  const hint =
    all.size === 2 && all.has('int') && all.has('double')
      ? '; write 2.0 for 2, or double(x)'
      : all.has('null')
        ? '; test it first: x != null ? … : …'
        : node.op === '+' && all.has('string')
          ? '; convert with string(x)'
          : ''
  return fault(context, node, 'no-overload', `there is no ${show(left)} ${node.op} ${show(right)}${hint}`)
}

function resultOf(op: string, a: Kind, b: Kind, left: Schema, right: Schema): Schema | undefined {
  if (a === 'int' && b === 'int') return { type: 'integer' }
  if (a === 'double' && b === 'double' && op !== '%') return { type: 'number' }
  if (op === '+' && a === 'string' && b === 'string') return { type: 'string' }
  if (op === '+' && a === 'list' && b === 'list')
    return {
      type: 'array',
      items: join([left, right].flatMap(list => alternatives(list).map(({ schema }) => itemsOf(schema)))),
    }
  if (a === 'timestamp' && b === 'timestamp' && op === '-') return { 'x-cel': 'duration' }
  if (a === 'timestamp' && b === 'duration' && (op === '+' || op === '-')) return { 'x-cel': 'timestamp' }
  if (a === 'duration' && b === 'timestamp' && op === '+') return { 'x-cel': 'timestamp' }
  if (a === 'duration' && b === 'duration' && (op === '+' || op === '-')) return { 'x-cel': 'duration' }
  return undefined
}

const asNumber = (kind: Kind): Kind => (kind === 'double' || kind === 'uint' ? 'int' : kind)
