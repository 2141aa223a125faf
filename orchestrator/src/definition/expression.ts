// References and expressions inside `${ }`. Pure.
//
// A reference is a path from `params`, `steps` or `run`; its value is copied as it stands. Everything else is CEL,
// without regular expressions (they are not linear here) and of bounded length.

import type { JsonValue } from '@meshwork/contracts'
import { Environment } from '@marcbachmann/cel-js'
import { isStorable } from '../store/storable.ts'
import { referenceNode } from '../typing/cel/check.ts'
import type { Node } from '../typing/cel/context.ts'
import type { Schema } from '../typing/schema.ts'
import { toCel } from './to-cel.ts'

export interface Expression {
  readonly source: string
  /** Keys and indexes of a plain reference; undefined for a computed expression. */
  readonly path: readonly (string | number)[] | undefined
  /** What it reads, as far as the path is written out: ["steps", "clean", "rows"]. */
  readonly reads: readonly (readonly string[])[]
  /** Steps whose presence it tests, by has(steps.x) or steps.?x: they may be without an output. */
  readonly tests: readonly string[]
  /** Its syntax tree. */
  readonly node: Node
}

export interface Scope {
  readonly params: Readonly<Record<string, JsonValue>>
  /** Outputs of the steps that have finished. */
  readonly steps: Readonly<Record<string, JsonValue>>
  readonly run: JsonValue
  /** Schemas of `params` and `steps`: a number of the type `number` is a fraction for CEL even when it is 1. */
  readonly types?: Schema
}

export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

type ParseResult =
  | { readonly kind: 'parsed'; readonly expression: Expression }
  | { readonly kind: 'wrong'; readonly reason: string }

const sourceLengthMax = 2048
const referencePattern = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\]|\["[^"\\]*"\])*$/
const environment = new Environment({
  unlistedVariablesAreDyn: true,
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
})

export function parseExpression(source: string): ParseResult {
  const wrong = (reason: string): ParseResult => ({ kind: 'wrong', reason: `"\${${source.slice(0, 200)}}" ${reason}` })
  if (source === '') return wrong('is empty')
  if (source.length > sourceLengthMax) return wrong(`is longer than ${sourceLengthMax} characters`)
  if (referencePattern.test(source)) {
    const path = [...source.matchAll(/([A-Za-z_]\w*)|\[(\d+)\]|\["([^"\\]*)"\]/g)].map(([, name, index, key]) =>
      index === undefined ? (name ?? (key as string)) : Number(index),
    )
    const named = path.slice(0, path.findIndex(part => typeof part === 'number') >>> 0) as string[]
    return {
      kind: 'parsed',
      expression: { source, path, reads: [named], tests: [], node: referenceNode(path, source) },
    }
  }
  try {
    const { ast } = environment.parse(source) as unknown as { ast: Node }
    if (callsMatches(ast)) return wrong('uses matches(), which is not allowed; use startsWith, endsWith or contains')
    return {
      kind: 'parsed',
      expression: { source, path: undefined, reads: readsOf(ast), tests: testsOf(ast), node: ast },
    }
  } catch (error) {
    return wrong(`cannot be parsed: ${firstLine(error)}`)
  }
}

/** Throws an EvaluationError that names the expression and what is missing or wrong. */
export function evaluate(expression: Expression, scope: Scope): JsonValue {
  const { path, source } = expression
  if (path === undefined) return compute(source, scope)
  let value: unknown = scope
  for (const key of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key))
      throw new EvaluationError(`"\${${source}}" has no ${typeof key === 'number' ? `item ${key}` : `"${key}"`}`)
    value = (value as Record<string | number, unknown>)[key]
  }
  return value as JsonValue
}

function compute(source: string, scope: Scope): JsonValue {
  let result: unknown
  try {
    result = environment.evaluate(source, toCel(scopeValues(scope), scope.types) as Record<string, unknown>)
  } catch (error) {
    throw new EvaluationError(`"\${${source}}" failed: ${firstLine(error)}`)
  }
  return fromCel(result, source)
}

const scopeValues = ({ params, steps, run }: Scope) => ({ params, steps, run })

function fromCel(value: unknown, source: string): JsonValue {
  if (typeof value === 'bigint') {
    if (!Number.isSafeInteger(Number(value)))
      throw new EvaluationError(`"\${${source}}" gives ${value}, which JSON cannot hold exactly`)
    return Number(value)
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new EvaluationError(`"\${${source}}" gives ${value}, which JSON cannot hold`)
    return value
  }
  if (typeof value === 'string' && !isStorable(value))
    throw new EvaluationError(`"\${${source}}" gives a text with U+0000 or half a surrogate pair, which is not stored`)
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map(item => fromCel(item, source))
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, inner]) => [String(key), fromCel(inner, source)]))
  // Times, durations and bytes of CEL are objects of classes.
  if (typeof value === 'object' && isPlain(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fromCel(inner, source)]))
  throw new EvaluationError(`"\${${source}}" gives a value that JSON cannot hold`)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function* nodes(node: unknown): Generator<Node> {
  if (Array.isArray(node)) for (const item of node) yield* nodes(item)
  else if (node !== null && typeof node === 'object' && typeof (node as Node).op === 'string') {
    yield node as Node
    yield* nodes((node as Node).args)
  }
}

function callsMatches(ast: Node): boolean {
  return [...nodes(ast)].some(
    ({ op, args }) => (op === 'rcall' || op === 'call') && Array.isArray(args) && args[0] === 'matches',
  )
}

function testsOf(ast: Node): string[] {
  const found = new Set<string>()
  for (const node of nodes(ast)) {
    const tested = presenceTested(node)
    const [root, step, ...deeper] = (tested && pathOf(tested, new Set())) ?? []
    if (root === 'steps' && step !== undefined && deeper.length === 0) found.add(step)
  }
  return [...found]
}

/** What has(x.y) and x.?y test: the node of x.y, where y is a step. */
function presenceTested({ op, args, ...rest }: Node): Node | undefined {
  if (op === 'call') {
    const [name, list] = args as [unknown, readonly Node[] | undefined]
    return name === 'has' ? list?.[0] : undefined
  }
  return op === '.?' || op === '[?]' ? { op, args, ...rest } : undefined
}

/** Paths that start at `params`, `steps` or `run`, the longest of each. */
function readsOf(ast: Node): string[][] {
  const found: string[][] = []
  const inside = new Set<Node>()
  for (const node of nodes(ast)) {
    if (inside.has(node)) continue
    const path = pathOf(node, inside)
    if (path) found.push(path)
  }
  return found
}

function pathOf(node: Node, inside: Set<Node>): string[] | undefined {
  if (node.op === 'id') return typeof node.args === 'string' ? [node.args] : undefined
  if (node.op !== '.' && node.op !== '.?' && node.op !== '[]' && node.op !== '[?]') return undefined
  const [object, index] = node.args as [Node, unknown]
  const key = keyOf(index)
  const before = pathOf(object, inside)
  if (!before || typeof key !== 'string') return undefined
  inside.add(object)
  return [...before, key]
}

/** The name after a dot, or a text written out between brackets. */
function keyOf(index: unknown): unknown {
  const { op, args } = (index ?? {}) as Partial<Node>
  return op === 'value' ? args : index
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] as string
