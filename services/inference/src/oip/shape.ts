// Shapes of requests. Pure.

import { badRequest } from './fault.ts'
import { shown } from './read-json.ts'
import type { TensorFace } from './tensor.ts'

const rankMax = 32
/** A tensor of more cannot come in a body of any allowed size. */
export const elementsMax = 2 ** 31 - 1

export function readShape(value: unknown, input: string): number[] {
  if (!Array.isArray(value)) throw badRequest(`input '${input}' must have a 'shape' that is an array of numbers`)
  if (value.length > rankMax)
    throw badRequest(`'shape' of input '${input}' has ${value.length} dimensions, more than ${rankMax}`)
  for (const size of value)
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      throw badRequest(`Unable to parse 'shape' of input '${input}': ${shown(size)} is not a size`)
  return value as number[]
}

export function elementsOf(shape: readonly number[], input: string): number {
  if (shape.includes(0)) return 0
  let elements = 1
  for (const size of shape) {
    elements *= size
    if (elements > elementsMax)
      throw badRequest(
        `'shape' [${shape.join(',')}] of input '${input}' causes total element count to exceed maximum size of ${elementsMax}`,
      )
  }
  return elements
}

export function checkShape(shape: readonly number[], face: TensorFace, model: string): void {
  const declared = face.shape
  if (declared === undefined) return
  if (shape.length === declared.length && declared.every((size, i) => size === -1 || size === shape[i])) return
  throw badRequest(
    `unexpected shape for input '${face.name}' for model '${model}'. Expected [${declared.join(',')}], got [${shape.join(',')}]`,
  )
}
