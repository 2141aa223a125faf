// What a look at an upload proposes for its ingest. A file that cannot be read gets no proposal, and the reason.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Column, type IngestInput, type IngestProposal, MeshError, ProblemError } from '@meshwork/contracts'
import { Session } from '@meshwork/kit'
import { columnNames } from './column/names.ts'
import { shownDialect } from './csv/dialect.ts'
import { inspect, type Inspection } from './inspect.ts'
import { parquetFields } from './read-parquet.ts'
import { readable } from './readable.ts'
import { shownWarnings } from './run.ts'
import { readHead } from './source/head.ts'

const memoryBytes = 256e6

/** What is found of a file's columns, read as the request says. `certain`: the types are those of the whole file. */
export async function look(path: string, name: string, input: Omit<IngestInput, 'source'>) {
  const inspection = await inspect(await readHead(path), input, name)
  const { columns } = await columnsOf(inspection, path, name)
  const named = inspection.format !== 'csv' || inspection.header
  return { columns, named, certain: inspection.format === 'parquet' }
}

export async function propose(
  path: string,
  name: string,
): Promise<{ proposal: IngestProposal | null; warnings: string[] }> {
  try {
    const inspection = await inspect(await readHead(path), {}, name)
    const { columns, warnings } = await columnsOf(inspection, path, name)
    if (columns.length === 0) throw new MeshError('MESHWORK_INGEST_EMPTY', { source: name })
    return { proposal: proposalOf(inspection, columns), warnings: shownWarnings(warnings) }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { proposal: null, warnings: shownWarnings([error.message]) }
  }
}

function proposalOf(inspection: Inspection, schema: Column[]): IngestProposal {
  const { format, compression } = inspection
  return {
    format,
    compression,
    ...(inspection.format === 'parquet' ? {} : { encoding: inspection.encoding }),
    ...(inspection.format === 'csv' ? { csv: shownDialect(inspection.dialect, inspection.header) } : {}),
    schema,
  }
}

async function columnsOf(inspection: Inspection, path: string, name: string) {
  if (inspection.format !== 'parquet') {
    const { names, warnings } = columnNames(inspection.fields.map(field => field.name))
    const columns = inspection.fields.map(({ type }, i) => ({ name: names[i] as string, type }))
    return { columns, warnings: [...inspection.warnings, ...warnings] }
  }
  if (inspection.compression !== 'none')
    throw new MeshError('MESHWORK_INGEST_UNREADABLE', {
      source: name,
      format: 'parquet',
      reason: 'its columns stand at its end, which is compressed; ingest reads them',
    })
  const scratch = await mkdtemp(join(tmpdir(), 'meshwork-propose-'))
  const session = await Session.open({ files: [path], scratch, lanes: 1, memoryBytes })
  try {
    const found = await readable({ name, path, format: 'parquet' }, () => parquetFields(session, path))
    const columns = found.fields.flatMap(({ name: column, type }) =>
      type === undefined ? [] : [{ name: column, type }],
    )
    const nested = found.fields.flatMap(({ name: column, type, duck }) =>
      type === undefined
        ? [`Column "${column}" is ${duck.slice(0, 60)}, which a dataset cannot hold; leave it out with "columns".`]
        : [],
    )
    return { columns, warnings: [...nested, ...found.warnings] }
  } finally {
    session.close()
    await rm(scratch, { recursive: true, force: true })
  }
}
