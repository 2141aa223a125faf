// The first records of a JSON text, and the fields they have.

import { type ColumnType, MeshError } from '@meshwork/contracts'
import { inferType } from '../column/infer.ts'

export interface JsonField {
  readonly name: string
  readonly type: ColumnType
  readonly note?: string
}

/** The texts of the first elements of an array, as far as the text goes. Strings and nesting are minded. */
export function arrayElements(text: string, max: number): string[] {
  const elements: string[] = []
  let depth = 0
  let start = -1
  for (let i = 0; i < text.length && elements.length < max; i++) {
    const c = text[i] as string
    if (c === '"') {
      if (depth === 1 && start < 0) start = i
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++
    } else if (c === '[' || c === '{') {
      depth++
      if (depth === 2 && start < 0) start = i
    } else if (c === ']' || c === '}' || (c === ',' && depth === 1)) {
      if (c !== ',') depth--
      if (start >= 0 && (depth === 0 || c === ',')) {
        elements.push(text.slice(start, i).trim())
        start = -1
      }
      if (depth === 0) break
    } else if (depth === 1 && start < 0 && !/\s/.test(c)) start = i
  }
  return elements
}

/** Fields in order of their first appearance, with the type that holds all their values. */
export function fieldsOf(records: readonly string[]): JsonField[] {
  const values = new Map<string, { texts: string[]; nested: boolean; worded: boolean }>()
  for (const record of records) {
    for (const [name, value] of entriesOf(record)) {
      const field = values.get(name) ?? { texts: [], nested: false, worded: false }
      values.set(name, field)
      if (value === null) continue
      field.nested ||= value.kind === 'nested'
      field.worded ||= value.kind === 'string'
      field.texts.push(value.text)
    }
  }
  return [...values].map(([name, { texts, nested, worded }]) => {
    if (nested) return { name, type: 'string' as const, note: 'holds lists or objects; they are kept as JSON text' }
    const { type, note } = inferType(texts, {
      decimalSeparator: '.',
      dateFormat: undefined,
      timestampFormat: undefined,
      nullStrings: [],
    })
    if (worded && /^(boolean|u?int|float)/.test(type)) return { name, type: 'string' as const }
    return note === undefined ? { name, type } : { name, type, note }
  })
}

interface JsonValueText {
  readonly kind: 'string' | 'plain' | 'nested'
  readonly text: string
}

/** Name and text of each value; numbers as they are written, so that none is rounded. */
function entriesOf(record: string): [string, JsonValueText | null][] {
  const sources = new Map<unknown, Map<string, string>>()
  let parsed: unknown
  try {
    parsed = JSON.parse(record, function (this: unknown, key: string, value: unknown, context?: { source?: string }) {
      if (typeof value === 'number' && context?.source !== undefined)
        sources.set(this, (sources.get(this) ?? new Map<string, string>()).set(key, context.source))
      return value
    } as (key: string, value: unknown) => unknown)
  } catch {
    return []
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) return []
  const written = sources.get(parsed)
  return Object.entries(parsed).map(([name, value]: [string, unknown]) => {
    if (value === null) return [name, null]
    if (typeof value === 'string') return [name, { kind: 'string', text: value }]
    if (typeof value === 'object') return [name, { kind: 'nested', text: '' }]
    return [
      name,
      {
        kind: 'plain',
        text: typeof value === 'number' ? (written?.get(name) ?? String(value)) : JSON.stringify(value),
      },
    ]
  })
}

/** Throws for JSON whose top is neither an array of objects nor objects line by line. */
export function checkShape(text: string, source: string): 'json' | 'ndjson' {
  const start = text.trimStart()
  const refuse = (reason: string) => new MeshError('MESHWORK_INGEST_JSON_SHAPE', { source, reason })
  if (start.startsWith('[')) {
    const [first] = arrayElements(start, 1)
    if (first !== undefined && !first.startsWith('{')) throw refuse('its elements are not objects')
    return 'json'
  }
  if (!start.startsWith('{')) throw refuse('it is not an array')
  const [line] = start.split(/\r?\n/, 1)
  if (/^\s*\{\s*$/.test(line as string) || (isJson(start) && !isJson(line as string)))
    throw refuse('it is one object and not an array')
  return 'ndjson'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
