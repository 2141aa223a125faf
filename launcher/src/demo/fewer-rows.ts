import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

/** A Parquet file with about so many rows of another, evenly from its start to its end, in a folder. */
export async function fewerRows(source: string, rows: number, folder: string): Promise<string> {
  const target = join(folder, `flights-${rows}.parquet`)
  const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await connection.run(`
      COPY (
        SELECT * EXCLUDE (file_row_number) FROM read_parquet(${quoted(source)}, file_row_number = true)
        WHERE file_row_number % greatest(1, (SELECT count(*) FROM read_parquet(${quoted(source)})) // ${rows}) = 0 LIMIT ${rows}
      ) TO ${quoted(target)} (FORMAT parquet)`)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
  return target
}
