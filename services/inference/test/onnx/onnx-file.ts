// What a test needs of ONNX files: names, types and shapes of a model, and tensors. Reads the protobuf fields by number.

import type { Datatype } from '../../src/oip/datatype.ts'
import type { OipTensor } from '../../src/oip/tensor.ts'

export interface Put {
  readonly name: string
  /** Element type as ONNX Runtime names it; undefined for what is not a tensor. */
  readonly type: string | undefined
  readonly shape: readonly number[]
}

type Field = { readonly field: number; readonly value: number | bigint | Buffer }

/** By the number that ONNX gives an element type. */
const elements: readonly (readonly [type: string, datatype: Datatype | undefined, bytes: number] | undefined)[] = [
  undefined,
  ['float32', 'FP32', 4],
  ['uint8', 'UINT8', 1],
  ['int8', 'INT8', 1],
  ['uint16', 'UINT16', 2],
  ['int16', 'INT16', 2],
  ['int32', 'INT32', 4],
  ['int64', 'INT64', 8],
  ['string', 'BYTES', 0],
  ['bool', 'BOOL', 1],
  ['float16', 'FP16', 2],
  ['float64', 'FP64', 8],
  ['uint32', 'UINT32', 4],
  ['uint64', 'UINT64', 8],
  ['complex64', undefined, 8],
  ['complex128', undefined, 16],
  ['bfloat16', undefined, 2],
]

/** Inputs that a caller has to give, and outputs. */
export function readModel(content: Buffer): { inputs: Put[]; outputs: Put[] } {
  const graph = fieldsOf(one(fieldsOf(content), 7) as Buffer)
  const weights = new Set(all(graph, 5).map(tensor => String(one(fieldsOf(tensor), 8))))
  const puts = (field: number) => all(graph, field).map(putOf)
  return { inputs: puts(11).filter(({ name }) => !weights.has(name)), outputs: puts(12) }
}

function putOf(content: Buffer): Put {
  const fields = fieldsOf(content)
  const name = String(one(fields, 1))
  const type = fieldsOf((one(fields, 2) as Buffer | undefined) ?? Buffer.alloc(0))
  const tensor = one(type, 1) as Buffer | undefined
  if (tensor === undefined) return { name, type: undefined, shape: [] }
  const parts = fieldsOf(tensor)
  const shape = all(fieldsOf((one(parts, 2) as Buffer | undefined) ?? Buffer.alloc(0)), 1).map(dimension => {
    const size = one(fieldsOf(dimension), 1)
    return size === undefined ? -1 : Number(size)
  })
  return { name, type: elements[Number(one(parts, 1))]?.[0], shape }
}

/** undefined for a file that holds no tensor of a type that the protocol has. */
export function readTensor(content: Buffer): OipTensor | undefined {
  const fields = fieldsOf(content)
  const shape = numbers(fields, 1).map(Number)
  const [, datatype, bytes = 0] = elements[Number(one(fields, 2))] ?? []
  if (datatype === undefined) return undefined
  const name = String(one(fields, 8) ?? '')
  const count = shape.reduce((product, size) => product * size, 1)
  return { name, datatype, shape, data: dataOf(fields, datatype, count, bytes) }
}

function dataOf(fields: readonly Field[], datatype: Datatype, count: number, bytes: number): OipTensor['data'] {
  if (datatype === 'BYTES') return all(fields, 6).map(String)
  const raw = one(fields, 9) as Buffer | undefined
  const whole = raw ?? packed(fields, datatype)
  const copy = new Uint8Array(count * bytes)
  copy.set(whole.subarray(0, copy.length))
  const { buffer } = copy
  if (datatype === 'FP32') return new Float32Array(buffer)
  if (datatype === 'FP64') return new Float64Array(buffer)
  if (datatype === 'INT64') return new BigInt64Array(buffer)
  if (datatype === 'UINT64') return new BigUint64Array(buffer)
  if (datatype === 'INT32') return new Int32Array(buffer)
  if (datatype === 'UINT32') return new Uint32Array(buffer)
  if (datatype === 'INT16') return new Int16Array(buffer)
  if (datatype === 'UINT16' || datatype === 'FP16') return new Uint16Array(buffer)
  if (datatype === 'INT8') return new Int8Array(buffer)
  return copy
}

/** Values that stand in a field of their own type, as the bytes that `raw_data` would have. */
function packed(fields: readonly Field[], datatype: Datatype): Buffer {
  if (datatype === 'FP32') return Buffer.concat(all(fields, 4))
  if (datatype === 'FP64') return Buffer.concat(all(fields, 10))
  const wide = numbers(fields, datatype === 'INT64' ? 7 : datatype === 'UINT64' || datatype === 'UINT32' ? 11 : 5)
  const width = datatype.endsWith('64') ? 8 : datatype.endsWith('32') ? 4 : datatype.endsWith('16') ? 2 : 1
  const out = Buffer.alloc(wide.length * width)
  wide.forEach((value, i) => {
    const bits = BigInt.asUintN(64, value)
    if (width === 8) out.writeBigUInt64LE(bits, i * 8)
    else out.writeUIntLE(Number(BigInt.asUintN(width * 8, bits)), i * width, width)
  })
  return out
}

const one = (fields: readonly Field[], field: number) => fields.findLast(found => found.field === field)?.value
const all = (fields: readonly Field[], field: number) =>
  fields.flatMap(found => (found.field === field && Buffer.isBuffer(found.value) ? [found.value] : []))

/** Of a repeated field: one by one, or packed. */
function numbers(fields: readonly Field[], field: number): bigint[] {
  return fields
    .filter(found => found.field === field)
    .flatMap(({ value }) => {
      if (!Buffer.isBuffer(value)) return [BigInt(value)]
      const list: bigint[] = []
      for (let at = 0; at < value.length; ) {
        const [number, next] = varint(value, at)
        list.push(number)
        at = next
      }
      return list
    })
}

function fieldsOf(content: Buffer): Field[] {
  const fields: Field[] = []
  for (let at = 0; at < content.length; ) {
    const [key, start] = varint(content, at)
    const [field, wire] = [Number(key >> 3n), Number(key & 7n)]
    if (wire === 0) {
      const [value, next] = varint(content, start)
      fields.push({ field, value })
      at = next
    } else {
      const [length, from] = wire === 2 ? varint(content, start) : [BigInt(wire === 5 ? 4 : 8), start]
      at = from + Number(length)
      fields.push({ field, value: content.subarray(from, at) })
    }
  }
  return fields
}

function varint(content: Buffer, from: number): [value: bigint, next: number] {
  let value = 0n
  for (let at = from, shift = 0n; ; at++, shift += 7n) {
    const byte = content[at]
    if (byte === undefined) throw new RangeError('the file ends within a number')
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return [value, at + 1]
  }
}
