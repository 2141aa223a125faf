// Parquet: types come with the file. Where they are wanted as they are, parts are cut from the file itself.

import { join } from 'node:path'
import { columnTypes, type ColumnType, datasetColumnsMax, MeshError } from '@meshwork/contracts'
import { columnTypeOf, duckType, type Tables, text } from '@meshwork/kit'
import { chooseColumns, type Chosen } from './column/choose.ts'
import { columnNames } from './column/names.ts'
import { type Job, partProgress, type Result } from './job.ts'
import { readable } from './readable.ts'
import { cutFile } from './table/parts.ts'
import { describeRows, type Reject, tooManyRejects, typed } from './table/rejects.ts'
import { parquetRelation } from './table/relation.ts'
import { copy, stageFile } from './table/staged.ts'
import { plainFormats } from './table/typed.ts'

/** Row groups up to this size are cheap to skip, so that every part can be cut from the file. */
const rowGroupRowsMax = 1_048_576

export interface ParquetField {
  /** As the file has it. */
  readonly key: string
  readonly name: string
  /** Undefined for a type that a dataset cannot hold. */
  readonly type: ColumnType | undefined
  readonly duck: string
}

export async function parquetFields(
  session: Pick<Tables['session'], 'describe'>,
  path: string,
): Promise<{ fields: ParquetField[]; warnings: string[] }> {
  const described = await session.describe(`SELECT * FROM read_parquet(${text(path)})`)
  const { names, warnings } = columnNames(described.map(({ name }) => name))
  const fields = described.map(({ name: key, type: duck }, i) => ({
    key,
    name: names[i] as string,
    type: columnTypeOf(duck),
    duck,
  }))
  const stored = fields.flatMap(({ name, type, duck }) =>
    type === undefined || duckType(type) === duck
      ? []
      : [`Column "${name}" is ${duck.slice(0, 60)} in the file; a dataset holds it as ${type}.`],
  )
  return { fields, warnings: [...warnings, ...stored] }
}

export async function readParquet(job: Job): Promise<Result> {
  return await readable(job.file, () => read(job))
}

async function read(job: Job): Promise<Result> {
  const { context, file, writer, partRows } = job
  const { fields, warnings } = await parquetFields(writer.session, file.path)
  const columns = choose(job, fields)
  const sizes = await writer.query(
    `SELECT max(row_group_num_rows) AS largest FROM parquet_metadata(${text(file.path)})`,
  )
  const [counted = {}] = await writer.query(`SELECT num_rows AS rows FROM parquet_file_metadata(${text(file.path)})`)
  const asIs =
    columns.every(({ field, type }) => fields[field]?.type === type) &&
    Number(sizes[0]?.['largest'] ?? 0) <= rowGroupRowsMax &&
    !fields.some(({ key }) => key.toLowerCase() === 'file_row_number')
  const result = asIs
    ? {
        path: file.path,
        from: columns.map(({ field }) => fields[field]?.key as string),
        rows: counted['rows'] as number,
      }
    : undefined
  const cut = { columns: columns.map(({ name, type }) => ({ name, type })), partRows }
  if (result) {
    const dataset = await cutFile(writer, { ...result, ...cut }, partProgress(context, result.rows))
    return { dataset, rejects: null, rejected: 0, warnings }
  }
  const relation = parquetRelation(
    file.path,
    fields.map(({ key, type }) => ({ name: key, type: type ?? 'string' })),
  )
  const staged = await stageFile({
    tables: writer,
    scratch: context.scratch,
    relation: () => relation,
    columns,
    formats: plainFormats,
  })
  context.progress(0.65, { rows: staged.rows, message: 'read' })
  const select = describeRows(relation, staged.path, columns)
  if (staged.badRows > job.maxRejects) {
    const first = (await writer.query(`${select} LIMIT 3`)) as unknown as Reject[]
    throw tooManyRejects(file.name, String(staged.badRows), job.maxRejects, first)
  }
  const rejects = staged.badRows === 0 ? null : await writer.create(typed(select), { partRows })
  const from = columns.map((_, i) => `v${i}`)
  const path = join(context.scratch, 'good.parquet')
  const rows = await copy(
    writer,
    `SELECT ${from.join(', ')} FROM read_parquet(${text(staged.path)}) WHERE bad IS NULL`,
    path,
  )
  const dataset = await cutFile(writer, { path, from, rows, ...cut }, partProgress(context, rows))
  return { dataset, rejects, rejected: staged.badRows, warnings: [...warnings, ...staged.warnings] }
}

function choose({ input, file }: Job, fields: readonly ParquetField[]): Chosen[] {
  const columns = chooseColumns(
    fields.map(({ name, type }) => ({ name, type: type ?? 'string' })),
    { schema: input.schema, columns: input.columns, named: true, source: file.name },
  )
  if (columns.length > datasetColumnsMax)
    throw new MeshError('MESHWORK_DATASET_COLUMNS', { columns: columns.length, max: datasetColumnsMax })
  for (const { name, field } of columns) {
    const found = fields[field]
    if (found?.type === undefined)
      throw new MeshError('MESHWORK_COLUMN_UNSUPPORTED', {
        column: name,
        type: (found?.duck ?? '').slice(0, 200),
        types: columnTypes.join(', '),
      })
  }
  return columns.map(column => ({ ...column, inferred: false }))
}
