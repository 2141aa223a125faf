// Functions, methods and macros. Pure.

import { Environment } from '@marcbachmann/cel-js'
import { closest } from '@meshwork/contracts'
import { alternatives, anything, isDyn, itemsOf, join, type Schema, show } from '../schema.ts'
import { select } from './access.ts'
import { type Context, fault, type Node, pathOf } from './context.ts'
import { type Overload, readFunctions } from './overloads.ts'

const { functions, methods } = readFunctions(new Environment({ enableOptionalTypes: true }))
const macros = ['all', 'exists', 'exists_one', 'map', 'filter']
const boolean: Schema = { type: 'boolean' }

export function callFunction(node: Node, context: Context): Schema {
  const [name, args] = node.args as [string, Node[]]
  if (name === 'has') return checkHas(node, args, context)
  const types = args.map(arg => context.type(arg, context))
  return apply(node, name, types, functions.get(name), [...functions.keys(), 'has'], context)
}

export function callMethod(node: Node, context: Context): Schema {
  const [name, receiver, args] = node.args as [string, Node, Node[]]
  if (receiver.op === 'id' && receiver.args === 'cel' && name === 'bind') return bind(node, args, context)
  const type = context.type(receiver, context)
  if (macros.includes(name) && args[0]?.op === 'id') return macro(node, name, receiver, type, args, context)
  const types = args.map(arg => context.type(arg, context))
  if (['orValue', 'value', 'hasValue', 'or'].includes(name)) return optional(node, name, type, types, context)
  return apply(node, name, [type, ...types], methods.get(name), [...methods.keys(), ...macros, 'orValue'], context)
}

function apply(
  node: Node,
  name: string,
  types: readonly Schema[],
  overloads: readonly Overload[] | undefined,
  known: readonly string[],
  context: Context,
): Schema {
  if (!overloads) {
    const near = closest(name, known)
    const hint =
      near === undefined ? `; there are ${[...new Set(known)].sort().join(', ')}` : `; did you mean ${near}()?`
    return fault(context, node, 'unknown-function', `there is no function ${name}()${hint}`)
  }
  const fits = overloads.filter(
    ({ params }) => params.length === types.length && params.every((param, i) => accepts(param, types[i] as Schema)),
  )
  if (fits.length > 0) return join(fits.map(({ result }) => result))
  const ways = overloads.slice(0, 4).map(({ signature }) => signature.replaceAll('google.protobuf.', ''))
  return fault(
    context,
    node,
    'no-overload',
    `${name}(${types.map(show).join(', ')}) does not exist; there is ${ways.join(', ')}`,
  )
}

const accepts = (param: string, type: Schema): boolean =>
  param === 'dyn' || isDyn(type) || alternatives(type).every(({ kind }) => kind === param)

function checkHas(node: Node, args: readonly Node[], context: Context): Schema {
  const [arg] = args
  if (args.length !== 1 || arg?.op !== '.')
    return fault(context, node, 'no-overload', 'has() takes one field, as in has(steps.clean.rows)')
  const [object, key] = arg.args as [Node, string]
  select(arg, context.type(object, context), key, context, 'optional')
  return boolean
}

function bind(node: Node, args: readonly Node[], context: Context): Schema {
  const [name, value, body] = args
  if (args.length !== 3 || name?.op !== 'id' || !value || !body)
    return fault(context, node, 'no-overload', 'cel.bind() takes a name, a value and an expression')
  return within(context, name.args as string, context.type(value, context), body)
}

function within(context: Context, name: string, type: Schema, body: Node): Schema {
  const present = new Set([...context.present].filter(path => path !== name && !path.startsWith(`${name}.`)))
  return context.type(body, { ...context, present, variables: new Map([...context.variables, [name, type]]) })
}

function macro(
  node: Node,
  name: string,
  receiver: Node,
  type: Schema,
  args: readonly Node[],
  context: Context,
): Schema {
  const [variable, ...bodies] = args as [Node, ...Node[]]
  if (bodies.length === 0 || bodies.length > (name === 'map' ? 2 : 1))
    return fault(context, node, 'no-overload', `${name}() takes a name and an expression`)
  const element = elementOf(receiver, name, type, context)
  const results = bodies.map(body => within(context, variable.args as string, element, body))
  const conditions = name === 'map' ? results.slice(0, -1) : results
  for (const [i, condition] of conditions.entries()) wantBoolean(bodies[i] as Node, condition, context)
  if (name === 'map') return { type: 'array', items: results.at(-1) ?? anything }
  return name === 'filter' ? { type: 'array', items: element } : boolean
}

function elementOf(receiver: Node, name: string, type: Schema, context: Context): Schema {
  if (isDyn(type)) return anything
  const all = alternatives(type)
  if (all.every(({ kind }) => kind === 'map')) return { type: 'string' }
  const lists = all.filter(
    ({ kind }) => kind === 'list' || (kind === 'null' && context.present.has(pathOf(receiver) ?? '')),
  )
  if (lists.length < all.length)
    return fault(context, receiver, 'wrong-type', `${name}() goes over a list, not over ${show(type)}`)
  return join(
    lists.flatMap(({ kind, schema }) => (kind === 'list' ? [...(schema.prefixItems ?? []), itemsOf(schema)] : [])),
  )
}

function optional(node: Node, name: string, type: Schema, types: readonly Schema[], context: Context): Schema {
  if (isDyn(type)) return name === 'hasValue' ? boolean : anything
  if (type['x-cel'] !== 'optional')
    return fault(
      context,
      node,
      'no-overload',
      `${name}() belongs to an optional value, as in a.?b.${name}(…), not to ${show(type)}`,
    )
  const inner = (type['of'] ?? anything) as Schema
  if (name === 'hasValue') return boolean
  if (name === 'value') return inner
  return join([inner, ...types])
}

export function wantBoolean(node: Node, type: Schema, context: Context): void {
  if (!isDyn(type) && alternatives(type).some(({ kind }) => kind !== 'bool'))
    fault(context, node, 'wrong-type', `this must be true or false, but it is ${show(type)}`)
}
