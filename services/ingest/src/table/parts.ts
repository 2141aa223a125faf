// Cuts a Parquet file into parts of exactly so many rows. Done with one thread, so that the bytes of a part depend on
// its rows alone.

import type { Column, DatasetRef } from '@meshwork/contracts'
import { ident, type Tables, text } from '@meshwork/kit'

export interface CutFile {
  readonly path: string
  /** Names in the file, one for each column. */
  readonly from: readonly string[]
  readonly columns: readonly Column[]
  readonly rows: number
  readonly partRows: number
}

export async function cutFile(tables: Tables, file: CutFile, onRows: (rows: number) => void): Promise<DatasetRef> {
  const { path, columns, rows, partRows } = file
  const list = columns.map(({ name }, i) => `${ident(file.from[i] as string)} AS ${ident(name)}`).join(', ')
  const selects = Array.from({ length: Math.ceil(rows / partRows) }, (_, i) => {
    const range = `file_row_number >= ${i * partRows} AND file_row_number < ${(i + 1) * partRows}`
    return `SELECT ${list} FROM read_parquet(${text(path)}, file_row_number = true) WHERE ${range}`
  })
  return await tables.assemble(columns, selects, partRows, onRows)
}
