// The datatypes of the protocol, and what holds their elements. Elements of several bytes are little endian on the wire
// and in memory: Node runs on no other machines that ONNX Runtime supports.

import type { TensorData } from '../model/tensor-type.ts'

export const datatypes = {
  BOOL: { tensor: 'bool', bytes: 1, make: n => new Uint8Array(n) },
  UINT8: { tensor: 'uint8', bytes: 1, make: n => new Uint8Array(n), least: 0, most: 255 },
  UINT16: { tensor: 'uint16', bytes: 2, make: n => new Uint16Array(n), least: 0, most: 65_535 },
  UINT32: { tensor: 'uint32', bytes: 4, make: n => new Uint32Array(n), least: 0, most: 4_294_967_295 },
  UINT64: { tensor: 'uint64', bytes: 8, make: n => new BigUint64Array(n), least: 0n, most: 2n ** 64n - 1n },
  INT8: { tensor: 'int8', bytes: 1, make: n => new Int8Array(n), least: -128, most: 127 },
  INT16: { tensor: 'int16', bytes: 2, make: n => new Int16Array(n), least: -32_768, most: 32_767 },
  INT32: { tensor: 'int32', bytes: 4, make: n => new Int32Array(n), least: -2_147_483_648, most: 2_147_483_647 },
  INT64: { tensor: 'int64', bytes: 8, make: n => new BigInt64Array(n), least: -(2n ** 63n), most: 2n ** 63n - 1n },
  /** Its bits: no JSON form. */
  FP16: { tensor: 'float16', bytes: 2, make: n => new Uint16Array(n) },
  FP32: { tensor: 'float32', bytes: 4, make: n => new Float32Array(n) },
  FP64: { tensor: 'float64', bytes: 8, make: n => new Float64Array(n) },
  /** Text: its length in four bytes before each element. */
  BYTES: { tensor: 'string', bytes: undefined, make: n => Array.from<string>({ length: n }).fill('') },
} as const satisfies Record<string, DatatypeRow>

interface DatatypeRow {
  /** Name of the element type in ONNX Runtime. */
  readonly tensor: string
  /** Of an element; undefined where they differ. */
  readonly bytes: number | undefined
  readonly make: (elements: number) => TensorData
  readonly least?: number | bigint
  readonly most?: number | bigint
}

export type Datatype = keyof typeof datatypes
/** Element types that sessions take and give here. */
export type ElementType = (typeof datatypes)[Datatype]['tensor']

export const isDatatype = (name: unknown): name is Datatype =>
  typeof name === 'string' && Object.hasOwn(datatypes, name)
export const rowOf = (datatype: Datatype): DatatypeRow => datatypes[datatype]

const byElement = new Map<string, Datatype>(
  Object.entries(datatypes).map(([name, { tensor }]) => [tensor, name as Datatype]),
)
/** undefined for what this server cannot carry: bfloat16, complex numbers, sub-byte types. */
export const datatypeOf = (element: string): Datatype | undefined => byElement.get(element)
