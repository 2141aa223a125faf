import type { JsonValue } from './schema.ts'

/**
 * JSON with object keys sorted by code unit and no white space, so that equal values have equal bytes. Keys whose
 * value is undefined are left out, as JSON does. Numbers print as ECMAScript does (RFC 8785 agrees with it).
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value as JsonValue))
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}
