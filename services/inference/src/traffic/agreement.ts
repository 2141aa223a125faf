// Whether two versions said the same of the same rows. Pure.

import type { OipTensor } from '../oip/tensor.ts'

export interface Tolerance {
  readonly absolute: number
  readonly relative: number
}

export interface Agreement {
  readonly rows: number
  /** Rows in which every output agrees. */
  readonly agreed: number
  /** Largest difference of two numbers; 0 where there are none to compare. */
  readonly difference: number
}

/** Throws an Error where the outputs cannot be compared. */
export function agreementOf(
  answer: readonly OipTensor[],
  shadow: readonly OipTensor[],
  tolerance: Tolerance,
): Agreement {
  const rows = answer[0]?.shape[0] ?? 1
  const differs = new Set<number>()
  let difference = 0
  for (const { name, data, shape } of answer) {
    const other = shadow.find(one => one.name === name)
    if (!other) throw new Error(`it has no output '${name}'`)
    if (other.data.length !== data.length || other.shape.join() !== shape.join())
      throw new Error(`its output '${name}' is [${other.shape.join(', ')}] and not [${shape.join(', ')}]`)
    const width = Math.max(1, data.length / Math.max(1, shape[0] ?? 1))
    for (let i = 0; i < data.length; i++) {
      const [a, b] = [data[i], other.data[i]]
      if (typeof a === 'number' && typeof b === 'number' && !Number.isNaN(a - b))
        difference = Math.max(difference, Math.abs(a - b))
      if (!same(a, b, tolerance)) differs.add(Math.floor(i / width))
    }
  }
  return { rows, agreed: rows - differs.size, difference }
}

function same(a: unknown, b: unknown, { absolute, relative }: Tolerance): boolean {
  if (Object.is(a, b) || a === b) return true
  if (typeof a !== 'number' || typeof b !== 'number') return false
  return Math.abs(a - b) <= absolute + relative * Math.max(Math.abs(a), Math.abs(b))
}
