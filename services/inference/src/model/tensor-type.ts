// Element types of tensors, and what stands for them in SQL, in JavaScript and in a dataset.

import type { ColumnType } from '@meshwork/contracts'
import type { ColumnValues } from '@meshwork/kit'

export const tensorTypes = {
  float32: { duck: 'FLOAT', column: 'float32', bytes: 4, make: n => new Float32Array(n) },
  float64: { duck: 'DOUBLE', column: 'float64', bytes: 8, make: n => new Float64Array(n) },
  int8: { duck: 'TINYINT', column: 'int8', bytes: 1, make: n => new Int8Array(n) },
  int16: { duck: 'SMALLINT', column: 'int16', bytes: 2, make: n => new Int16Array(n) },
  int32: { duck: 'INTEGER', column: 'int32', bytes: 4, make: n => new Int32Array(n) },
  int64: { duck: 'BIGINT', column: 'int64', bytes: 8, make: n => new BigInt64Array(n) },
  uint8: { duck: 'UTINYINT', column: 'uint8', bytes: 1, make: n => new Uint8Array(n) },
  uint16: { duck: 'USMALLINT', column: 'uint16', bytes: 2, make: n => new Uint16Array(n) },
  uint32: { duck: 'UINTEGER', column: 'uint32', bytes: 4, make: n => new Uint32Array(n) },
  uint64: { duck: 'UBIGINT', column: 'uint64', bytes: 8, make: n => new BigUint64Array(n) },
  bool: { duck: 'BOOLEAN', column: 'boolean', bytes: 1, make: n => new Uint8Array(n) },
  string: { duck: 'VARCHAR', column: 'string', bytes: 64, make: n => Array.from<string>({ length: n }).fill('') },
} as const satisfies Record<
  string,
  { duck: string; column: ColumnType; bytes: number; make: (elements: number) => ColumnValues }
>
export type TensorType = keyof typeof tensorTypes

/** Elements of a tensor, row by row. */
export type TensorData = Exclude<ColumnValues, readonly string[]> | string[]

export const isTensorType = (type: string): type is TensorType => Object.hasOwn(tensorTypes, type)
export const isFloat = (type: TensorType): boolean => type.startsWith('float')
