// The flights as a CSV of any length. More than three million are made by repeating them in later half years.

import { DuckDBInstance } from '@duckdb/node-api'
import { flightsParquet } from '../launcher/src/demo/flights-file.ts'

const inPackage = 3_000_000

export async function writeFlightsCsv(target: string, rows: number): Promise<void> {
  const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '1GB' })
  const connection = await instance.connect()
  try {
    const copies = Math.ceil(rows / inPackage)
    const every = Math.max(1, Math.floor(inPackage / rows)) // fewer are taken evenly over the half year
    await connection.run(`
      COPY (
        SELECT date + to_days(182 * copy::INTEGER) AS date, delay, distance, origin, destination
        FROM range(${copies}) AS copies(copy), read_parquet(${quoted(flightsParquet())}, file_row_number = true)
        WHERE file_row_number % ${every} = 0
        LIMIT ${rows}
      ) TO ${quoted(target)} (FORMAT csv, HEADER true)`)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
