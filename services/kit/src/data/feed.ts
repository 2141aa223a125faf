// Columns held in JavaScript as something DuckDB can select from: a table function that copies whole vectors.
//
// DuckDB calls it on the JavaScript thread and cannot wait there, so the values are complete before the statement runs.

import { type DuckDBConnection, DuckDBTableFunction, type DuckDBType } from '@duckdb/node-api'
import * as duck from '@duckdb/node-api'
import bindings from '@duckdb/node-bindings'
import type { Column, ColumnType } from '@meshwork/contracts'

/** Values of a column without nulls, in the width of its type: an array of bytes 0 and 1 for booleans. */
export type ColumnValues =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | readonly string[]

const chunkRows = 2048

const fed: Partial<Record<ColumnType, { readonly duck: DuckDBType; readonly holds: Function }>> = {
  boolean: { duck: duck.BOOLEAN, holds: Uint8Array },
  int8: { duck: duck.TINYINT, holds: Int8Array },
  int16: { duck: duck.SMALLINT, holds: Int16Array },
  int32: { duck: duck.INTEGER, holds: Int32Array },
  int64: { duck: duck.BIGINT, holds: BigInt64Array },
  uint8: { duck: duck.UTINYINT, holds: Uint8Array },
  uint16: { duck: duck.USMALLINT, holds: Uint16Array },
  uint32: { duck: duck.UINTEGER, holds: Uint32Array },
  uint64: { duck: duck.UBIGINT, holds: BigUint64Array },
  float32: { duck: duck.FLOAT, holds: Float32Array },
  float64: { duck: duck.DOUBLE, holds: Float64Array },
  string: { duck: duck.VARCHAR, holds: Array },
}

/** A table function of one connection; `values` is what the next statement that selects from it reads. */
export class Feed {
  /** A FROM item with the columns. */
  readonly from: string
  #values: readonly ColumnValues[] = []
  #rows = 0
  #at = 0
  readonly #columns: readonly Column[]

  constructor(connection: DuckDBConnection, functionName: string, columns: readonly Column[]) {
    this.from = `${functionName}()`
    this.#columns = columns
    const types = columns.map(({ name, type }) => {
      const known = fed[type]
      if (known === undefined) throw new TypeError(`column ${name} of type ${type} cannot come from JavaScript`)
      return known.duck
    })
    connection.registerTableFunction(
      DuckDBTableFunction.create({
        name: functionName,
        bindFunction: bind => {
          columns.forEach(({ name }, i) => bind.addResultColumn(name, types[i] as DuckDBType))
          bind.setCardinality(this.#rows, true)
        },
        initFunction: () => {
          this.#at = 0
        },
        mainFunction: (_, { chunk }) => {
          bindings.data_chunk_set_size(chunk, this.#next(chunk))
        },
      }),
    )
  }

  /** Throws a TypeError for values that do not fit the columns: DuckDB would read past their end. */
  set values(values: readonly ColumnValues[]) {
    const rows = values[0]?.length ?? 0
    this.#columns.forEach(({ name, type }, i) => {
      const column = values[i]
      if (!(column instanceof (fed[type]?.holds ?? Array)) || column.length !== rows)
        throw new TypeError(`the values of column ${name} are not ${rows} of type ${type}`)
    })
    this.#values = values
    this.#rows = rows
  }

  #next(chunk: Parameters<typeof bindings.data_chunk_get_vector>[0]): number {
    const from = this.#at
    const rows = Math.min(chunkRows, this.#rows - from)
    if (rows <= 0) return 0
    this.#values.forEach((column, i) => {
      const vector = bindings.data_chunk_get_vector(chunk, i)
      if (ArrayBuffer.isView(column)) {
        const width = column.BYTES_PER_ELEMENT
        bindings.copy_data_to_vector(vector, 0, column.buffer, column.byteOffset + from * width, rows * width)
      } else
        for (let row = 0; row < rows; row++)
          bindings.vector_assign_string_element(vector, row, column[from + row] as string)
    })
    this.#at += rows
    return rows
  }
}
