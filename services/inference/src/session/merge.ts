// Calls side by side as one, and apart again. Pure.
//
// Done on the thread that has the calls: a message of one array for each input costs a tenth of a message of many small ones.

import type { TensorData } from '../model/tensor-type.ts'
import { datatypeOf, datatypes, type ElementType } from '../oip/datatype.ts'
import type { InferCall, Value } from './messages.ts'

/** The inputs of calls that have the same ones, one call's rows after the other's. */
export function joined(calls: readonly InferCall[], rows: readonly number[]): readonly Value[] {
  const [first, ...others] = calls as readonly [InferCall, ...InferCall[]]
  if (others.length === 0) return first.feeds
  const total = rows.reduce((sum, one) => sum + one, 0)
  return first.feeds.map((feed, i) => {
    const parts = calls.map(({ feeds }) => (feeds[i] as Value).data)
    return { ...feed, dims: [total, ...feed.dims.slice(1)], data: concatenated(feed.type, parts) }
  })
}

/** The values of each call; views where the data are an array of numbers. undefined where they have not a row for each row. */
export function apart(values: readonly Value[], rows: readonly number[]): Value[][] | undefined {
  const total = rows.reduce((sum, one) => sum + one, 0)
  if (values.some(({ dims }) => dims[0] !== total)) return undefined
  let from = 0
  return rows.map(count => {
    const at = from
    from += count
    return values.map(({ name, type, dims, data }) => {
      const width = data.length / total
      const [start, end] = [at * width, (at + count) * width]
      const part = Array.isArray(data) ? data.slice(start, end) : data.subarray(start, end)
      return { name, type, dims: [count, ...dims.slice(1)], data: part }
    })
  })
}

function concatenated(type: ElementType, parts: readonly TensorData[]): TensorData {
  if (type === 'string') return (parts as readonly string[][]).flat()
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const whole = datatypes[datatypeOf(type) as 'FP32'].make(length)
  let at = 0
  for (const part of parts as readonly Float32Array[]) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
