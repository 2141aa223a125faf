// A model to check with, and requests for it made from its metadata.

import { datatypes, type Datatype, isDatatype } from '../oip/datatype.ts'
import { writeBinaryTensor } from '../oip/binary-tensor.ts'
import { writeJsonTensor } from '../oip/json-tensor.ts'
import type { TensorData } from '../model/tensor-type.ts'
import type { Ask } from './client.ts'

export interface Put {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
}
export interface Subject {
  readonly name: string
  readonly versions: readonly string[]
  readonly inputs: readonly Put[]
  readonly outputs: readonly Put[]
}
/** `Inference-Header-Content-Length` where tensors follow the JSON. */
export interface Request {
  readonly body: Buffer
  readonly headers: Record<string, string>
}

/** The model of this name, or the first that the server tells. Throws a TypeError where there is none to be used. */
export async function findSubject(ask: Ask, wanted: string | undefined): Promise<Subject> {
  const name = wanted ?? (await anyModel(ask))
  if (name === undefined) throw new TypeError('the server lists no models; name one with --model')
  const { status, json } = await ask(`/v2/models/${name}`)
  if (status !== 200 || json === undefined) throw new TypeError(`GET /v2/models/${name} answers ${status}`)
  const puts = (side: unknown, what: string): Put[] => {
    if (!Array.isArray(side) || side.length === 0) throw new TypeError(`the metadata of ${name} have no ${what}`)
    return side.map(put => {
      const { name: own, datatype, shape } = put as Record<string, unknown>
      if (!isDatatype(datatype)) throw new TypeError(`${what} of ${name} are of datatype ${String(datatype)}`)
      return { name: String(own), datatype, shape: (shape as number[]).map(Number) }
    })
  }
  return {
    name,
    versions: Array.isArray(json['versions']) ? json['versions'].map(String) : [],
    inputs: puts(json['inputs'], 'inputs'),
    outputs: puts(json['outputs'], 'outputs'),
  }
}

async function anyModel(ask: Ask): Promise<string | undefined> {
  const list = (await ask('/v2/models')).json?.['models']
  if (Array.isArray(list) && typeof list[0] === 'string') return list[0]
  const index = (await ask('/v2/repository/index', { body: '{}' })).json
  const ready = Array.isArray(index) ? (index as { name: string; state?: string }[]) : []
  return ready.find(({ state }) => state === undefined || state === 'READY')?.name
}

const sizeOf = (shape: readonly number[]): number[] => shape.map(size => (size < 0 ? 1 : size))
const elementsOf = (shape: readonly number[]): number => sizeOf(shape).reduce((product, size) => product * size, 1)
/** Ones: they are in the range of every type, and no text. */
const dataOf = ({ datatype, shape }: Put): TensorData => {
  const data = datatypes[datatype].make(elementsOf(shape)) as { [at: number]: unknown; length: number }
  const one = datatype === 'BYTES' ? 'one' : datatype.endsWith('64') && !datatype.startsWith('F') ? 1n : 1
  for (let i = 0; i < data.length; i++) data[i] = one
  return data as unknown as TensorData
}

/** `change` gives what stands in the JSON of the first input instead. */
export function jsonRequest({ inputs }: Subject, change: object = {}, more: object = {}): Request {
  const list = inputs.map((put, i) => ({
    name: put.name,
    shape: sizeOf(put.shape),
    datatype: put.datatype,
    data: JSON.parse(writeJsonTensor(put.datatype, dataOf(put))) as unknown,
    ...(i === 0 ? change : {}),
  }))
  return jsonOf({ inputs: list, ...more })
}

export function nestedRequest(subject: Subject): Request {
  const [first] = subject.inputs as readonly [Put]
  const flat = JSON.parse(writeJsonTensor(first.datatype, dataOf(first))) as unknown[]
  return jsonRequest(subject, { data: nested(flat, sizeOf(first.shape)) })
}

function nested(flat: readonly unknown[], [, ...inner]: readonly number[]): unknown[] {
  if (inner.length === 0) return [...flat]
  const width = inner.reduce((product, size) => product * size, 1)
  return Array.from({ length: flat.length / width }, (_, i) => nested(flat.slice(i * width, (i + 1) * width), inner))
}

export function binaryRequest({ inputs }: Subject, parameters: object = {}): Request {
  const blocks = inputs.map(put => writeBinaryTensor(put.datatype, dataOf(put)))
  const list = inputs.map(({ name, shape, datatype }, i) => ({
    name,
    shape: sizeOf(shape),
    datatype,
    parameters: { binary_data_size: blocks[i]?.length ?? 0 },
  }))
  const head = Buffer.from(JSON.stringify({ inputs: list, parameters }))
  return {
    body: Buffer.concat([head, ...blocks]),
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) },
  }
}

export const jsonOf = (body: unknown): Request => ({
  body: Buffer.from(JSON.stringify(body)),
  headers: { 'content-type': 'application/json' },
})
