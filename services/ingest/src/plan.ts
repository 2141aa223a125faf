// The columns that an ingest would give. Nothing is fetched: of a URL only a declared schema tells them.

import {
  type ArtefactRef,
  type Column,
  type DatasetRef,
  type IngestInput,
  MeshError,
  rejectColumns,
} from '@meshwork/contracts'
import { columnMissing, type PlanContext, type PlannedDatasets } from '@meshwork/kit'
import { chooseColumns } from './column/choose.ts'
import { look } from './propose.ts'
import { declaredOf } from './read-dataset.ts'
import { nameOf } from './source/acquire.ts'

export async function plan(input: IngestInput, context: PlanContext): Promise<PlannedDatasets> {
  const { source, schema, columns } = input
  if (!context.knows([schema, columns])) return {}
  const known = context.knows(source) && typeof source !== 'string' ? source : undefined
  if (known?.kind === 'dataset') return await ofDataset(input, known, context)
  const rejects = { '/rejects': context.dataset(rejectColumns) }
  if (known && context.exists(known)) {
    const found = await ofUpload(input, known, context)
    return found ? { '/dataset': context.dataset(found), ...rejects } : rejects
  }
  if (!schema) return { '/dataset': context.openDataset([]), ...rejects }
  const chosen = await choose(input, schema, context)
  return chosen ? { '/dataset': context.dataset(chosen), ...rejects } : rejects
}

async function ofDataset(input: IngestInput, source: DatasetRef, context: PlanContext): Promise<PlannedDatasets> {
  let sound = true
  for (const [i, column] of (input.schema ?? []).entries())
    sound =
      (await context.at(`/schema/${i}`, source, () => declaredOf([column], source.columns))) !== undefined && sound
  const chosen =
    sound && (await choose(input, input.schema ?? source.columns, context, input.schema ? undefined : source))
  return chosen ? { '/dataset': context.dataset(chosen, ...(input.columns || input.schema ? [] : [source])) } : {}
}

/** Those of the columns that "columns" keeps. */
async function choose(
  { columns }: IngestInput,
  available: readonly Column[],
  context: PlanContext,
  over?: DatasetRef,
): Promise<Column[] | undefined> {
  const twice = available.find(({ name }, i) =>
    available.some((other, j) => j < i && other.name.toLowerCase() === name.toLowerCase()),
  )
  if (twice) {
    const error = new MeshError('MESHWORK_COLUMN_EXISTS', { where: 'The declared schema', column: twice.name })
    context.fault('/schema', error)
    return undefined
  }
  if (!columns) return [...available]
  const kept: Column[] = []
  for (const [i, name] of columns.entries()) {
    const column = available.find(candidate => candidate.name === name)
    if (column) kept.push(column)
    else context.fault(`/columns/${i}`, columnMissing('Parameter "columns"', name, available), over)
  }
  return kept.length === columns.length ? kept : undefined
}

/** A look at the first records of a file that is in the store. */
async function ofUpload(
  input: IngestInput,
  source: ArtefactRef,
  context: PlanContext,
): Promise<readonly Column[] | undefined> {
  return await context.at('/source', undefined, async () => {
    const path = await context.store.localPath(source.hash)
    const { columns, named, certain } = await look(path, nameOf(source), input)
    const choice = { schema: input.schema, columns: input.columns, named, source: nameOf(source) }
    const chosen = chooseColumns(columns, choice).map(({ name, type }) => ({ name, type }))
    if (!certain && !input.schema) context.warn('/source', guessed(nameOf(source)))
    return chosen
  })
}

const guessed = (source: string): MeshError => new MeshError('MESHWORK_INGEST_TYPES_GUESSED', { source })
