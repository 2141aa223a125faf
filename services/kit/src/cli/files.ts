// Between files and datasets, for commands that work without a server.

import { createReadStream } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import type { ArtefactRef, DatasetRef, IngestOutput } from '@meshwork/contracts'
import type { Logger } from 'pino'
import { openTables } from '../data/tables.ts'
import type { LocalStore } from '../data/open.ts'
import { readResources } from '../data/resources.ts'
import { runStage } from '../execute/run-stage.ts'
import { loadStage } from './load-stage.ts'

export type FileFormat = 'csv' | 'parquet' | 'json' | 'ndjson'

const byExtension: Record<string, FileFormat> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.parquet': 'parquet',
  '.pq': 'parquet',
  '.json': 'json',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
}

/** The format a file name stands for; what is compressed is named by what is inside (`a.csv.gz`). */
export function formatOf(path: string): FileFormat | undefined {
  return byExtension[extname(path.replace(/\.(gz|zst)$/i, '')).toLowerCase()]
}

export async function uploadFile(store: LocalStore, path: string): Promise<ArtefactRef> {
  const stored = await store.put(createReadStream(path))
  return { kind: 'artefact', ...stored, mediaType: 'application/octet-stream', name: basename(path) }
}

/** A file as a dataset, by the ingest stage. */
export async function importFile(
  store: LocalStore,
  path: string,
  log: Logger,
  signal: AbortSignal,
  options: object = {},
): Promise<IngestOutput> {
  const { stage } = await loadStage('ingest')
  const format = formatOf(path)
  const body = { source: await uploadFile(store, path), ...(format === undefined ? {} : { format }), ...options }
  const work = { body, inputHash: '', run: undefined, traceId: undefined }
  const hooks = { signal, onProgress: () => {} }
  return (await runStage({ stage, store, resources: readResources(), log }, work, hooks)) as IngestOutput
}

/** A dataset as one file. */
export async function exportFile(
  store: LocalStore,
  dataset: DatasetRef,
  path: string,
  scratch: string,
  format = formatOf(path),
): Promise<void> {
  if (format === undefined) throw new TypeError(`${path}: write .csv, .parquet, .json or .ndjson`)
  const tables = await openTables({ datasets: [dataset], store, scratch, resources: readResources() })
  try {
    const made = join(scratch, `export.${format}`)
    await tables.exportTo(tables.dataset(dataset), made, format)
    await copyFile(made, path)
  } finally {
    tables.close()
  }
}
