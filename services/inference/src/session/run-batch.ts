// One batch through a session, in steps of the rows that one run takes.

import { type InferenceSession, Tensor } from 'onnxruntime-node'
import { isTensorType, type TensorData, tensorTypes } from '../model/tensor-type.ts'
import type { Fault, Feed, RunRequest, Take } from './messages.ts'

export class RunFault extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.what)
    this.fault = fault
  }
}

type Runner = Pick<InferenceSession, 'run'>

/** Values of each thing taken, for all rows in their order. Throws a RunFault. */
export async function runBatch(session: Runner, request: RunRequest): Promise<TensorData[]> {
  const { rows, stepRows, fixed, feeds, take } = request
  const fetches = [...new Set(take.map(({ output }) => output))]
  const values: TensorData[] = []
  if (fixed) for (const feed of feeds) repeatLastRow(feed, rows, Math.ceil(rows / stepRows) * stepRows)
  for (let from = 0; from < rows; from += stepRows) {
    const real = Math.min(stepRows, rows - from)
    const sent = fixed ? stepRows : real
    const tensors = Object.fromEntries(feeds.map(feed => [feed.name, tensorOf(feed, from, sent)]))
    const answer = await session.run(tensors, fetches).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      throw new RunFault({ what: 'run', reason: reason.slice(0, 500), rows: sent })
    })
    take.forEach((wanted, i) => {
      const { type, data, dims } = answer[wanted.output] as Tensor
      const whole = data as TensorData
      const width = widthOf(dims, wanted, sent, whole.length)
      if (width === undefined || !isTensorType(type))
        throw new RunFault({ what: 'shape', output: wanted.output, shape: dims, rows: sent })
      const perRow = wanted.place === undefined ? width : 1
      values[i] ??= tensorTypes[type].make(rows * perRow)
      copyRows(whole, values[i], { real, width, perRow, place: wanted.place ?? 0, at: from * perRow })
    })
  }
  return values
}

function tensorOf({ type, shape, data }: Feed, from: number, rows: number): Tensor {
  const width = shape.reduce((product, size) => product * size, 1)
  const [start, end] = [from * width, (from + rows) * width]
  const part = Array.isArray(data) ? data.slice(start, end) : data.subarray(start, end)
  return new Tensor(type, part, [rows, ...shape]) // the constructor checks type against data
}

/** Elements of a row, or undefined where the shape is not one of rows. */
function widthOf(dims: readonly number[], { place }: Take, rows: number, elements: number): number | undefined {
  const width = dims.slice(1).reduce((product, size) => product * size, 1)
  if (dims[0] !== rows || elements !== rows * width) return undefined
  if (place !== undefined && (dims.length !== 2 || place >= width)) return undefined
  return width
}

function copyRows(
  from: TensorData,
  to: TensorData,
  { real, width, perRow, place, at }: { real: number; width: number; perRow: number; place: number; at: number },
): void {
  if (perRow === width && !Array.isArray(from) && !Array.isArray(to)) {
    const whole = from.subarray(0, real * width)
    ;(to as Float32Array).set(whole as Float32Array, at) // both are of the type of the output
    return
  }
  const [source, target] = [from as Float32Array, to as Float32Array]
  if (perRow === width) for (let i = 0; i < real * width; i++) target[at + i] = source[i] as number
  else for (let i = 0, p = place; i < real; i++, p += width) target[at + i] = source[p] as number
}

function repeatLastRow({ shape, data }: Feed, rows: number, until: number): void {
  const width = shape.reduce((product, size) => product * size, 1)
  const last = (rows - 1) * width
  for (let i = rows * width; i < until * width; i++) data[i] = data[last + (i % width)] as never
}
