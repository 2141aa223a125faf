// References and expressions inside `${ }`. Pure.
//
// A reference is a path from `params`, `steps` or `run`; its value is copied as it stands. Everything else is CEL,
// without regular expressions (they are not linear here) and of bounded length.

import type { JsonValue } from '@meshwork/contracts'
import { Environment } from '@marcbachmann/cel-js'
import { isStorable } from '../store/storable.ts'

export interface Expression {
  readonly source: string
  /** Keys and indexes of a plain reference; undefined for a computed expression. */
  readonly path: readonly (string | number)[] | undefined
  /** What it reads, as far as the path is written out: ["steps", "clean", "rows"]. */
  readonly reads: readonly (readonly string[])[]
}

export interface Scope {
  readonly params: Readonly<Record<string, JsonValue>>
  /** Outputs of the steps that have finished. */
  readonly steps: Readonly<Record<string, JsonValue>>
  readonly run: JsonValue
}

export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

type ParseResult =
  | { readonly kind: 'parsed'; readonly expression: Expression }
  | { readonly kind: 'wrong'; readonly reason: string }
interface Ast {
  readonly op: string
  readonly args: unknown
}

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
    return { kind: 'parsed', expression: { source, path, reads: [named] } }
  }
  try {
    const { ast } = environment.parse(source) as unknown as { ast: Ast }
    if (callsMatches(ast)) return wrong('uses matches(), which is not allowed; use startsWith, endsWith or contains')
    return { kind: 'parsed', expression: { source, path: undefined, reads: readsOf(ast) } }
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
    result = environment.evaluate(source, toCel(scope) as Record<string, unknown>)
  } catch (error) {
    throw new EvaluationError(`"\${${source}}" failed: ${firstLine(error)}`)
  }
  return fromCel(result, source)
}

/** JSON to CEL: whole numbers are ints, and objects have no prototype, so that `constructor` is just a missing key. */
function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(toCel)
  const plain = Object.create(null) as Record<string, unknown>
  for (const [key, inner] of Object.entries(value)) plain[key] = toCel(inner)
  return plain
}

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

function* nodes(node: unknown): Generator<Ast> {
  if (Array.isArray(node)) for (const item of node) yield* nodes(item)
  else if (node !== null && typeof node === 'object' && typeof (node as Ast).op === 'string') {
    yield node as Ast
    yield* nodes((node as Ast).args)
  }
}

function callsMatches(ast: Ast): boolean {
  return [...nodes(ast)].some(
    ({ op, args }) => (op === 'rcall' || op === 'call') && Array.isArray(args) && args[0] === 'matches',
  )
}

/** Paths that start at `params`, `steps` or `run`, the longest of each. */
function readsOf(ast: Ast): string[][] {
  const found: string[][] = []
  const inside = new Set<Ast>()
  for (const node of nodes(ast)) {
    if (inside.has(node)) continue
    const path = pathOf(node, inside)
    if (path) found.push(path)
  }
  return found
}

function pathOf(node: Ast, inside: Set<Ast>): string[] | undefined {
  if (node.op === 'id') return typeof node.args === 'string' ? [node.args] : undefined
  if (node.op !== '.' && node.op !== '.?' && node.op !== '[]' && node.op !== '[?]') return undefined
  const [object, index] = node.args as [Ast, unknown]
  const key = keyOf(index)
  const before = pathOf(object, inside)
  if (!before || typeof key !== 'string') return undefined
  inside.add(object)
  return [...before, key]
}

/** The name after a dot, or a text written out between brackets. */
function keyOf(index: unknown): unknown {
  const { op, args } = (index ?? {}) as Partial<Ast>
  return op === 'value' ? args : index
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] as string
