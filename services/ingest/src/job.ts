// One ingest under way: what was asked, the file, and the DuckDB sessions it is read and written with.

import type { DatasetRef, IngestInput } from '@meshwork/contracts'
import { openTables, partRowsDefault, type StageContext, type Tables } from '@meshwork/kit'

export interface Job {
  readonly input: Omit<IngestInput, 'source'>
  readonly context: StageContext
  /** Plain: neither compressed nor in another encoding than UTF-8. */
  readonly file: { readonly name: string; readonly path: string; readonly format: string }
  readonly maxRejects: number
  readonly partRows: number
  /** Reads the file from end to end. It may have two threads, as order and values do not depend on them. */
  readonly reader: Tables
  /** Writes parts, with one thread, so that their bytes depend on their rows alone. */
  readonly writer: Tables
}

/** What a file became. */
export interface Result {
  readonly dataset: DatasetRef
  readonly rejects: DatasetRef | null
  readonly rejected: number
  readonly warnings: readonly string[]
}

/** Below this a second session costs more than its threads gain. */
const twoThreadsFromBytes = 8 * 1024 * 1024

export async function withJob<T>(
  input: IngestInput,
  context: StageContext,
  file: Job['file'] & { readonly bytes: number },
  work: (job: Job) => Promise<T>,
): Promise<T> {
  const { store, scratch, resources, signal } = context
  const open = async (threads: number) =>
    await openTables({ datasets: [], files: [file.path], store, scratch, resources, signal, threads })
  const writer = await open(1)
  let reader: Tables = writer
  try {
    if (file.bytes >= twoThreadsFromBytes && file.format !== 'parquet') reader = await open(2)
    const { maxRejects = 0, partRows = partRowsDefault } = input
    return await work({ input, context, file, maxRejects, partRows, reader, writer })
  } finally {
    if (reader !== writer) reader.close()
    writer.close()
  }
}

/** Where the progress stands while parts are written. */
export const partProgress = (context: StageContext, total: number) => (rows: number) =>
  context.progress(0.65 + (0.35 * rows) / Math.max(total, 1), { rows, message: 'writing' })
