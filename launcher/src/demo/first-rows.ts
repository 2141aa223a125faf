import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

/** A Parquet file with the first rows of another, in a folder. */
export async function firstRows(source: string, rows: number, folder: string): Promise<string> {
  const target = join(folder, `flights-${rows}.parquet`)
  const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await connection.run(
      `COPY (SELECT * FROM read_parquet(${quoted(source)}) LIMIT ${rows}) TO ${quoted(target)} (FORMAT parquet)`,
    )
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
  return target
}
