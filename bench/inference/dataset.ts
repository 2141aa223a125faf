// The flights with the features of their model, as a dataset that the stage reads and as the Parquet files of it.

import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetRef, FittedFeatures } from '@meshwork/contracts'
import { openStore, openTables, readManifest, readResources, text } from '@meshwork/kit'
import { flightsParquet } from '../../launcher/src/demo/flights-file.ts'

export interface FlightsDataset {
  readonly ref: DatasetRef
  readonly files: readonly string[]
}

export async function flightsDataset(storeUrl: string, modelFolder: string, rows: number): Promise<FlightsDataset> {
  const fitted = JSON.parse(await readFile(join(modelFolder, 'features.json'), 'utf8')) as FittedFeatures
  const store = await openStore(storeUrl)
  const scratch = join(store.scratchRoot, randomUUID())
  await mkdir(scratch, { recursive: true })
  const tables = await openTables({
    datasets: [],
    store,
    scratch,
    resources: readResources(),
    files: [flightsParquet()],
  })
  try {
    const ref = await tables.create(featuresOf(fitted, rows))
    const { parts } = await readManifest(store, ref.hash)
    const hashes = parts.flatMap(({ groups }) => groups.map(({ hash }) => hash))
    return { ref, files: await Promise.all(hashes.map(hash => store.localPath(hash))) }
  } finally {
    tables.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

function featuresOf({ columns }: FittedFeatures, rows: number): string {
  const encoded = (name: string, column: string) => {
    const { categories = {}, default: otherwise = 0 } = columns.find(one => one.name === name)?.fitted ?? {}
    const keys = Object.keys(categories).map(text)
    const rates = Object.values(categories).join()
    return `coalesce(MAP([${keys.join()}], [${rates}]::DOUBLE[])[${column}], ${otherwise})::FLOAT AS ${name}`
  }
  return `
    SELECT hour(date)::FLOAT AS hour, (hour(date) * 60 + minute(date))::FLOAT AS minute_of_day,
      dayofweek(date)::FLOAT AS weekday, distance::FLOAT AS distance_miles, ${encoded('origin_rate', 'origin')},
      ${encoded('destination_rate', 'destination')}, ${encoded('origin_frequency', 'origin')}
    FROM read_parquet(${text(flightsParquet())}) LIMIT ${rows}`
}
