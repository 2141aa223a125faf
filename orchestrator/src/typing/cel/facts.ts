// What a condition shows: the paths that are there, and not null, when it is true (or false). Pure.

import { type Context, type Node, pathOf } from './context.ts'

export function facts(node: Node, truth: boolean): string[] {
  if (node.op === '!_') return facts(node.args as Node, !truth)
  if (node.op === (truth ? '&&' : '||')) return (node.args as [Node, Node]).flatMap(part => facts(part, truth))
  if (node.op === 'call' && truth) {
    const [name, args] = node.args as [string, Node[]]
    return name === 'has' && args[0] ? named(args[0]) : []
  }
  if (node.op === (truth ? '!=' : '==')) {
    const [left, right] = node.args as [Node, Node]
    if (isNull(right)) return named(left)
    if (isNull(left)) return named(right)
  }
  return []
}

export const knowing = (context: Context, found: readonly string[]): Context =>
  found.length === 0 ? context : { ...context, present: new Set([...context.present, ...found]) }

const isNull = (node: Node): boolean => node.op === 'value' && node.args === null

function named(node: Node): string[] {
  const path = pathOf(node)
  return path === undefined ? [] : [path]
}
