// JSON of requests. Numbers that a double does not hold exactly are read again, as whole numbers of any size, only where
// they were found: the first reading is as fast as JSON.parse.

import { badRequest } from './fault.ts'

export function readJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const hint = /\b(NaN|-?Infinity)\b/.test(text) ? '; NaN and Infinity are not JSON, send them as binary data' : ''
    throw badRequest(`${what} is not JSON: ${(error as Error).message.replace(/\s+/g, ' ').slice(0, 160)}${hint}`)
  }
}

/** A value of a request as a message shows it. */
export function shown(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? 'nothing'
    ).slice(0, 40)
  } catch {
    return `a ${typeof value}` // nested too deeply to be written
  }
}

/** A JSON object, or undefined for an empty text. */
export function readObject(text: string, what: string): Record<string, unknown> | undefined {
  if (text.trim() === '') return undefined
  const value = readJson(text, what)
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw badRequest(`${what} must be a JSON object`)
  return value as Record<string, unknown>
}

/** The same text with whole numbers past 2^53 as BigInt. */
export function readExact(text: string): unknown {
  const exact = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source as string)
      : value
  try {
    return JSON.parse(text, exact)
  } catch {
    throw badRequest('the request nests too deeply') // the only failure that is left: it was JSON before
  }
}
