// What the rules of the checker share: the variables in sight, what is known to be present, and where faults go.

import type { ASTNode } from '@marcbachmann/cel-js'
import { anything, type Schema } from '../schema.ts'

/** Only what the checker reads of a node, so that a plain reference can be given as one. */
export interface Node {
  readonly op: string
  readonly args: unknown
  readonly start: number
  readonly end: number
}
export type AnyNode = Node | ASTNode

export interface CelFault {
  readonly code: string
  readonly detail: string
  /** Offsets into the expression. */
  readonly start: number
  readonly end: number
}

export interface Context {
  readonly variables: ReadonlyMap<string, Schema>
  /** Paths that a condition around has shown to be there and not null. */
  readonly present: ReadonlySet<string>
  readonly faults: CelFault[]
  readonly type: (node: Node, context: Context) => Schema
}

/** Notes a fault; what is wrong has any type, so that one mistake is told once. */
export function fault(context: Context, node: Pick<Node, 'start' | 'end'>, code: string, detail: string): Schema {
  context.faults.push({ code, detail, start: node.start, end: node.end })
  return anything
}

/** `steps.clean.rows` of a node that is a path; undefined for anything else. */
export function pathOf(node: Node): string | undefined {
  if (node.op === 'id') return node.args as string
  if (node.op !== '.' && node.op !== '.?' && node.op !== '[]' && node.op !== '[?]') return undefined
  const [object, key] = node.args as [Node, unknown]
  const before = pathOf(object)
  const name = keyOf(key)
  return before === undefined || name === undefined ? undefined : `${before}.${String(name)}`
}

/** The name after a dot, or a text or whole number written out between brackets. */
export function keyOf(key: unknown): string | number | undefined {
  if (typeof key === 'string') return key
  const { op, args } = (key ?? {}) as Partial<Node>
  if (op !== 'value') return undefined
  return typeof args === 'string' ? args : typeof args === 'bigint' ? Number(args) : undefined
}
