// What merging does to a model, found out when it is loaded: whether rows answer the same beside others as alone, and
// how long runs of more and more rows take. It warms the session as well.

import type { InferenceSession } from 'onnxruntime-node'
import type { TensorData } from '../model/tensor-type.ts'
import { datatypeOf, datatypes, type ElementType } from '../oip/datatype.ts'
import { inferBatch } from './infer-batch.ts'
import type { InferCall, LoadAnswer, ProbeAnswer, Value } from './messages.ts'

const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const repeats = 3
const budgetSeconds = 0.3
/** Of the inputs of a run: the runtime keeps the memory of its longest one. */
const bytesMax = 16_777_216
/** Rows that differ; longer runs repeat them. */
const differentRows = 4
const closeness = 1e-3

export async function probe(
  session: Pick<InferenceSession, 'run'>,
  declared: LoadAnswer,
  rowsMax: number,
): Promise<ProbeAnswer> {
  const unmergeable = shapesForbid(declared)
  if (unmergeable !== undefined) return { unmergeable, curve: [] }
  const { answers, seconds } = await timed(session, callOf(declared, 1, 0))
  if (answers === undefined) return { unmergeable: 'it does not run on probing rows', curve: [] }
  const alone = [answers]
  for (const row of [1, 2]) alone.push((await timed(session, callOf(declared, 1, row))).answers ?? [])
  const together = (await timed(session, callOf(declared, 3, 0))).answers
  if (together === undefined || !sameRows(together, alone))
    return { unmergeable: 'its rows answer otherwise beside others than alone', curve: [] }
  const curve: { rows: number; seconds: number }[] = []
  let spent = seconds
  const rowBytes = bytesOf(callOf(declared, 1, 0))
  for (const rows of sizes) {
    if (rows > rowsMax || spent > budgetSeconds || (rows > 1 && rows * rowBytes > bytesMax)) break
    const call = callOf(declared, rows, 0)
    let best = Infinity
    for (let i = 0; i < repeats && (i === 0 || spent < budgetSeconds); i++) {
      const taken = (await timed(session, call)).seconds
      best = Math.min(best, taken)
      spent += taken
    }
    curve.push({ rows, seconds: best })
  }
  return { unmergeable: undefined, curve }
}

/** The first dimension has to be the rows, in everything. */
function shapesForbid({ inputs, outputs }: LoadAnswer): string | undefined {
  const all = [...inputs, ...outputs]
  if (all.some(({ tensor, type }) => !tensor || datatypeOf(type) === undefined))
    return 'it has other things than tensors'
  if (all.some(({ shape }) => shape[0] !== -1)) return 'not every input and output has an open first dimension'
  const names = new Set(all.flatMap(({ batchSymbol }) => (batchSymbol ? [batchSymbol] : [])))
  return names.size > 1 ? `its first dimensions differ: ${[...names].join(', ')}` : undefined
}

/** Rows `from`, `from + 1`, …: the same row has the same values in every call. */
function callOf({ inputs, outputs }: LoadAnswer, rows: number, from: number): InferCall {
  const feeds = inputs.map(({ name, type, shape }): Value => {
    const dims = [rows, ...shape.slice(1).map(size => (size === -1 ? 1 : size))]
    const width = dims.slice(1).reduce((product, size) => product * size, 1)
    const data = datatypes[datatypeOf(type) as 'FP32'].make(rows * width) as TensorData
    const different = Math.min(data.length, differentRows * width)
    for (let i = 0; i < different; i++) data[i] = valueAt(type as ElementType, from * width + i) as never
    for (let i = different; i < data.length; i++) data[i] = data[i - different] as never
    return { name, type: type as ElementType, dims, data }
  })
  return { feeds, outputs: outputs.map(({ name }) => name) }
}

const bytesOf = ({ feeds }: InferCall) =>
  feeds.reduce((sum, { data }) => sum + (Array.isArray(data) ? 0 : data.byteLength), 0)

/** Small values that differ from row to row; indices stay within any table of two. */
function valueAt(type: ElementType, i: number): number | bigint | string {
  const bit = ((i * 2_654_435_761) >>> 7) & 1
  if (type === 'string') return bit === 0 ? 'a' : 'b'
  if (type === 'int64' || type === 'uint64') return BigInt(bit)
  if (type === 'float32' || type === 'float64') return Math.sin(i * 12.9898) * 2
  if (type === 'float16') return bit === 0 ? 0x3c00 : 0x3800 // 1 and 0.5
  return bit
}

async function timed(session: Pick<InferenceSession, 'run'>, call: InferCall) {
  const { calls, seconds } = await inferBatch(session, { ...call, rows: [1] })
  const [answer] = calls ?? []
  return { answers: answer?.kind === 'outputs' ? answer.outputs : undefined, seconds: seconds.infer }
}

function sameRows(together: readonly Value[], alone: readonly (readonly Value[])[]): boolean {
  return together.every(({ data, dims }, output) => {
    if (dims[0] !== alone.length) return false
    const width = data.length / alone.length
    return alone.every((values, row) => {
      const single = values[output]?.data
      return (
        single?.length === width && Array.from(single as string[]).every((one, i) => close(one, data[row * width + i]))
      )
    })
  })
}

function close(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || a === b) return true
  return typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= closeness * Math.max(1, Math.abs(a))
}
