// Tensors as bytes: row by row, little endian, nothing between elements; BYTES with the length of each before it.

import type { TensorData } from '../model/tensor-type.ts'
import { type Datatype, rowOf } from './datatype.ts'
import { badRequest } from './fault.ts'

const lengthBytes = 4
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Copies: the result has a buffer of its own that may be moved to another thread. */
export function readBinaryTensor(datatype: Datatype, elements: number, bytes: Uint8Array, input: string): TensorData {
  const size = rowOf(datatype).bytes
  if (size === undefined) return readTexts(elements, bytes, input)
  if (bytes.length !== elements * size)
    throw badRequest(
      `input '${input}' has ${bytes.length} bytes of binary data, but its shape and datatype ${datatype} need ${elements * size}`,
    )
  const data = rowOf(datatype).make(elements) as Exclude<TensorData, string[]>
  const target = new Uint8Array(data.buffer)
  target.set(bytes)
  if (datatype === 'BOOL') for (let i = 0; i < target.length; i++) if (target[i] !== 0) target[i] = 1
  return data
}

function readTexts(elements: number, bytes: Uint8Array, input: string): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const texts: string[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + lengthBytes > bytes.length)
      throw badRequest(`incomplete string length indicator for input '${input}' at byte ${at}`)
    const length = view.getUint32(at, true)
    at += lengthBytes
    if (at + length > bytes.length)
      throw badRequest(
        `incomplete string data for input '${input}': element ${texts.length} should have ${length} bytes, ${bytes.length - at} are left`,
      )
    try {
      texts.push(utf8.decode(bytes.subarray(at, at + length)))
    } catch {
      throw badRequest(`element ${texts.length} of input '${input}' is not UTF-8, and the model takes only text`)
    }
    at += length
    if (texts.length > elements) break
  }
  if (texts.length !== elements)
    throw badRequest(
      `input '${input}' has ${texts.length > elements ? 'more' : texts.length} strings in its binary data, but its shape has ${elements}`,
    )
  return texts
}

export function writeBinaryTensor(datatype: Datatype, data: TensorData): Buffer {
  if (datatype !== 'BYTES') {
    const { buffer, byteOffset, byteLength } = data as Uint8Array
    return Buffer.from(buffer, byteOffset, byteLength)
  }
  const texts = data as readonly string[]
  const size = texts.reduce((sum, text) => sum + lengthBytes + Buffer.byteLength(text), 0)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const text of texts) {
    const length = bytes.write(text, at + lengthBytes)
    bytes.writeUInt32LE(length, at)
    at += lengthBytes + length
  }
  return bytes
}
