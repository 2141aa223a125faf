// From a source to a dataset: get the file, see what it is, make it plain, read it.

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { IngestInput, IngestOutput } from '@meshwork/contracts'
import type { StageContext } from '@meshwork/kit'
import { shownDialect } from './csv/dialect.ts'
import { inspect, type Inspection } from './inspect.ts'
import { withJob } from './job.ts'
import { readDataset } from './read-dataset.ts'
import { readParquet } from './read-parquet.ts'
import { readText } from './read-text.ts'
import type { Settings } from './settings.ts'
import { acquire, type SourceFile } from './source/acquire.ts'
import { readHead } from './source/head.ts'
import { isPlain, writePlain } from './source/plain.ts'

const warningsMax = 100
const warningLengthMax = 500

export async function ingest(input: IngestInput, context: StageContext, settings: Settings): Promise<IngestOutput> {
  const { source } = input
  if (typeof source !== 'string' && source.kind === 'dataset') return await readDataset(input, source, context)
  const file = await acquire(source, context, settings)
  context.progress(0.15, { message: 'reading' })
  const inspection = await inspect(await readHead(file.path), input, file.name)
  const path = await plainPath(file, inspection, context, settings)
  const { size } = await stat(path)
  const plain = { name: file.name, path, format: inspection.format, bytes: size }
  const result = await withJob(input, context, plain, async job =>
    inspection.format === 'parquet' ? await readParquet(job) : await readText(job, inspection),
  )
  context.progress(1, { rows: result.dataset.rows })
  return {
    dataset: result.dataset,
    rows: result.dataset.rows,
    rejects: result.rejects,
    rejected: result.rejected,
    source: {
      sha256: file.sha256,
      bytes: file.bytes,
      format: inspection.format,
      compression: inspection.compression,
      ...(inspection.format === 'parquet' ? {} : { encoding: inspection.encoding }),
      ...(inspection.format === 'csv' ? { dialect: shownDialect(inspection.dialect, inspection.header) } : {}),
    },
    warnings: shownWarnings([...unused(input, inspection), ...result.warnings]),
  }
}

export const shownWarnings = (warnings: readonly string[]): string[] =>
  warnings.slice(0, warningsMax).map(warning => warning.slice(0, warningLengthMax))

async function plainPath(
  file: SourceFile,
  inspection: Inspection,
  context: StageContext,
  settings: Settings,
): Promise<string> {
  const form = {
    compression: inspection.compression,
    encoding: inspection.format === 'parquet' ? undefined : inspection.encoding,
  }
  if (isPlain(form)) return file.path
  const path = join(context.scratch, 'plain')
  const { signal } = context
  await writePlain(file.path, path, { ...form, source: file.name, limitBytes: settings.expandedBytesMax, signal })
  return path
}

const unused = (input: IngestInput, { format }: Inspection): string[] => [
  ...(input.csv !== undefined && format !== 'csv' ? [`"csv" does not apply to ${format}.`] : []),
  ...(input.encoding !== undefined && format === 'parquet' ? ['"encoding" does not apply to parquet.'] : []),
]
