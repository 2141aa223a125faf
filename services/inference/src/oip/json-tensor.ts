// Tensors as JSON: flat or nested arrays, row by row; answers are flat.

import type { TensorData } from '../model/tensor-type.ts'
import { type Datatype, rowOf } from './datatype.ts'
import { badRequest } from './fault.ts'
import { shown } from './read-json.ts'

/** An INT64 or UINT64 that a double does not hold: the text has to be read again. */
export class InexactNumber extends Error {}

const nestingMax = 100
type Write = (value: unknown, at: number) => void

/** Throws a 400 that names the input and the element. */
export function readJsonTensor(datatype: Datatype, elements: number, value: unknown, input: string): TensorData {
  if (datatype === 'FP16')
    throw badRequest(
      `receiving FP16 data via JSON is not supported. Please use the binary data format for input '${input}'`,
    )
  if (!Array.isArray(value)) throw badRequest(`'data' of input '${input}' must be an array`)
  const counted = count(value, input)
  if (counted !== elements)
    throw badRequest(`input '${input}' has ${counted} elements in 'data', but its 'shape' has ${elements}`)
  const data = rowOf(datatype).make(elements)
  const write = writerOf(datatype, data, input)
  let at = 0
  const fill = (items: readonly unknown[]): void => {
    for (const item of items)
      if (Array.isArray(item)) fill(item)
      else write(item, at++)
  }
  fill(value)
  return data
}

function count(items: readonly unknown[], input: string, depth = 1): number {
  if (depth > nestingMax) throw badRequest(`'data' of input '${input}' is nested deeper than ${nestingMax}`)
  if (!items.some(item => Array.isArray(item))) return items.length
  let sum = 0
  for (const item of items) sum += Array.isArray(item) ? count(item, input, depth + 1) : 1
  return sum
}

function writerOf(datatype: Datatype, data: TensorData, input: string): Write {
  const refuse = (value: unknown, at: number) =>
    badRequest(`element ${at} of input '${input}' is ${shown(value)}, which is not ${datatype}`)
  const { least, most } = rowOf(datatype)
  const target = data as unknown as { [at: number]: unknown }
  if (datatype === 'BOOL')
    return (value, at) => {
      if (typeof value === 'boolean') target[at] = Number(value)
      else if (value === 0 || value === 1) target[at] = value
      else throw refuse(value, at)
    }
  if (datatype === 'BYTES')
    return (value, at) => {
      if (typeof value !== 'string') throw refuse(value, at)
      target[at] = value
    }
  if (least === undefined || most === undefined)
    return (value, at) => {
      if (typeof value === 'bigint') target[at] = Number(value)
      else if (typeof value === 'number') target[at] = value
      else throw refuse(value, at)
    }
  if (typeof least === 'bigint')
    return (value, at) => {
      if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
        throw new InexactNumber(input)
      if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value))) throw refuse(value, at)
      const exact = BigInt(value)
      if (exact < least || exact > most) throw refuse(exact, at)
      target[at] = exact
    }
  return (value, at) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) throw refuse(value, at)
    target[at] = value
  }
}

/**
 * The text of a flat array. JSON has no NaN and no infinities: NaN becomes null, an infinity the number 1e999, which
 * readers of doubles take for one.
 */
export function writeJsonTensor(datatype: Datatype, data: TensorData): string {
  if (datatype === 'BYTES') return JSON.stringify(data)
  if (datatype === 'BOOL')
    return `[${Array.from(data as Uint8Array, value => (value === 0 ? 'false' : 'true')).join()}]`
  const text = `[${(data as Float64Array).join()}]`
  if (datatype !== 'FP32' && datatype !== 'FP64') return text
  return /[NI]/.test(text) ? text.replaceAll('NaN', 'null').replaceAll('Infinity', '1e999') : text
}
