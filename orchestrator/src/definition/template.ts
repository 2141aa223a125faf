// What stands in `with` and `outputs`: JSON in which a text may hold `${ }`. Pure.
//
// A text that is one `${reference}` is replaced by the value it refers to, copied exactly. One `${expression}` gives
// the value of the CEL expression. Several, or one among other text, give a text. `$${` writes `${`.

import type { JsonValue } from '@meshwork/contracts'
import { EvaluationError, type Expression, evaluate, parseExpression, type Scope } from './expression.ts'

export type Template =
  | { readonly kind: 'value'; readonly value: JsonValue }
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'text'; readonly parts: readonly (string | Expression)[] }
  | { readonly kind: 'list'; readonly items: readonly Template[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [key: string, value: Template])[] }

export interface TemplateFault {
  readonly pointer: string
  readonly code: string
  readonly detail: string
}

/** Reads a template; faults of all its expressions at once. */
export function readTemplate(value: JsonValue, pointer: string, faults: TemplateFault[]): Template {
  if (typeof value === 'string') return readText(value, pointer, faults)
  if (Array.isArray(value))
    return { kind: 'list', items: value.map((item, i) => readTemplate(item, `${pointer}/${i}`, faults)) }
  if (value !== null && typeof value === 'object')
    return {
      kind: 'map',
      entries: Object.entries(value).map(([key, inner]) => [
        key,
        readTemplate(inner, `${pointer}/${escape(key)}`, faults),
      ]),
    }
  return { kind: 'value', value }
}

/** Every expression of a template, with its place. */
export function expressionsOf(template: Template, pointer: string): { expression: Expression; pointer: string }[] {
  switch (template.kind) {
    case 'value':
      return []
    case 'expression':
      return [{ expression: template.expression, pointer }]
    case 'text':
      return template.parts.flatMap(part => (typeof part === 'string' ? [] : [{ expression: part, pointer }]))
    case 'list':
      return template.items.flatMap((item, i) => expressionsOf(item, `${pointer}/${i}`))
    case 'map':
      return template.entries.flatMap(([key, inner]) => expressionsOf(inner, `${pointer}/${escape(key)}`))
  }
}

/** The value of a template. Throws an EvaluationError that names the expression. */
export function fill(template: Template, scope: Scope): JsonValue {
  switch (template.kind) {
    case 'value':
      return template.value
    case 'expression':
      return evaluate(template.expression, scope)
    case 'text':
      return template.parts.map(part => (typeof part === 'string' ? part : asText(part, scope))).join('')
    case 'list':
      return template.items.map(item => fill(item, scope))
    case 'map':
      return Object.fromEntries(template.entries.map(([key, inner]) => [key, fill(inner, scope)]))
  }
}

function asText(expression: Expression, scope: Scope): string {
  const value = evaluate(expression, scope)
  if (value === null || typeof value === 'object')
    throw new EvaluationError(
      `"\${${expression.source}}" is ${value === null ? 'null' : 'not a single value'} and cannot stand inside a text`,
    )
  return String(value)
}

function readText(text: string, pointer: string, faults: TemplateFault[]): Template {
  const parts: (string | Expression)[] = []
  let plain = ''
  for (let i = 0; i < text.length; ) {
    if (text.startsWith('$${', i)) {
      plain += '${'
      i += 3
    } else if (text.startsWith('${', i)) {
      const end = closing(text, i + 2)
      if (end === undefined) {
        faults.push({
          pointer,
          code: 'unclosed',
          detail: `"\${" is not closed in ${JSON.stringify(text.slice(0, 80))}`,
        })
        return { kind: 'value', value: text }
      }
      const read = parseExpression(text.slice(i + 2, end).trim())
      if (read.kind === 'wrong') faults.push({ pointer, code: 'expression', detail: read.reason })
      else {
        if (plain) parts.push(plain)
        plain = ''
        parts.push(read.expression)
      }
      i = end + 1
    } else plain += text[i++]
  }
  if (plain) parts.push(plain)
  const [only] = parts
  if (parts.length === 1 && typeof only === 'object') return { kind: 'expression', expression: only }
  if (parts.every(part => typeof part === 'string')) return { kind: 'value', value: parts.join('') }
  return { kind: 'text', parts }
}

/** Offset of the brace that closes an expression: texts and inner braces are passed over. */
function closing(text: string, from: number): number | undefined {
  let depth = 0
  let quote = ''
  for (let i = from; i < text.length; i++) {
    const char = text[i] as string
    if (quote) {
      if (char === '\\') i++
      else if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '{') depth++
    else if (char === '}' && depth-- === 0) return i
  }
  return undefined
}

const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
