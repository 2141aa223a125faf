import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Three million real flights, as the vega-datasets package carries them. */
export function flightsParquet(): string {
  const main = createRequire(import.meta.url).resolve('vega-datasets')
  return join(dirname(main), '..', 'data', 'flights-3m.parquet')
}
