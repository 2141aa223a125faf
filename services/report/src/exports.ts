import { join } from 'node:path'
import type { ArtefactRef, ReportInput } from '@meshwork/contracts'
import type { StageContext, Tables } from '@meshwork/kit'

const mediaTypes = { csv: 'text/csv', parquet: 'application/vnd.apache.parquet', json: 'application/json' }

/** Writes each dataset as a file of the asked format, whole, and takes it into the store. */
export async function writeExports(
  tables: Tables | undefined,
  context: Pick<StageContext, 'store' | 'scratch'>,
  wanted: NonNullable<ReportInput['exports']>,
): Promise<Record<string, ArtefactRef>> {
  const made: [string, ArtefactRef][] = []
  if (!tables) return {}
  for (const [i, [name, { dataset, format }]] of Object.entries(wanted).entries()) {
    const path = join(context.scratch, `export-${i}`)
    await tables.exportTo(tables.dataset(dataset), path, format)
    const stored = await context.store.adopt(path)
    made.push([name, { kind: 'artefact', ...stored, mediaType: mediaTypes[format], name }])
  }
  return Object.fromEntries(made)
}
