// Parameters of requests, their inputs and outputs: names for strings, numbers and booleans. Pure.

import { badRequest } from './fault.ts'

export type Parameters = Readonly<Record<string, string | number | boolean>>

const none: Parameters = Object.freeze({})
const parametersMax = 256

export function readParameters(value: unknown, of: string): Parameters {
  if (value === undefined) return none
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw badRequest(`'parameters' of ${of} must be an object`)
  const entries = Object.entries(value)
  if (entries.length > parametersMax) throw badRequest(`${of} has more than ${parametersMax} parameters`)
  for (const [name, one] of entries) {
    if (name.startsWith('triton_')) throw badRequest(`parameter '${name}' of ${of} is reserved: it begins with triton_`)
    if (!['string', 'number', 'boolean'].includes(typeof one))
      throw badRequest(`parameter '${name}' of ${of} must be a string, a number or a boolean`)
  }
  return value as Parameters
}

export function booleanOf(parameters: Parameters, name: string, of: string): boolean | undefined {
  const value = parameters[name]
  if (value === undefined || typeof value === 'boolean') return value
  throw badRequest(`parameter '${name}' of ${of} must be a boolean`)
}

export function countOf(parameters: Parameters, name: string, of: string): number | undefined {
  const value = parameters[name]
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw badRequest(`parameter '${name}' of ${of} must be a whole number from 0 on`)
}
