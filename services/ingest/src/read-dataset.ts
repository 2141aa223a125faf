// A dataset that is in the store already: other columns, other parts, or the same reference.

import { type Column, type DatasetRef, type IngestInput, type IngestOutput, MeshError } from '@meshwork/contracts'
import { columnMissing, type StageContext } from '@meshwork/kit'

export async function readDataset(
  input: IngestInput,
  source: DatasetRef,
  context: StageContext,
): Promise<IngestOutput> {
  const tables = await context.tables(source)
  const whole = tables.dataset(source)
  const available = input.schema ? declaredOf(input.schema, whole.columns) : whole.columns
  for (const name of input.columns ?? [])
    if (!available.some(column => column.name === name)) throw columnMissing('Parameter "columns"', name, available)
  const projected = await tables.project(whole, input.columns ?? available.map(({ name }) => name))
  const dataset = await cut(projected)
  context.progress(1, { rows: dataset.rows })
  return {
    dataset,
    rows: dataset.rows,
    rejects: null,
    rejected: 0,
    source: { sha256: source.hash, bytes: dataset.bytes, format: 'dataset', compression: 'none' },
    warnings: unused(input),
  }

  async function cut(ref: DatasetRef): Promise<DatasetRef> {
    const { partRows } = input
    const { parts } = tables.dataset(ref)
    const full =
      parts.slice(0, -1).every(({ rows }) => rows === partRows) && (parts.at(-1)?.rows ?? 0) <= (partRows ?? 0)
    if (partRows === undefined || full) return ref
    return await tables.create(`SELECT * FROM ${tables.dataset(ref).from()}`, { partRows })
  }
}

/** The declared columns, if the dataset has them as they are declared. */
export function declaredOf(schema: readonly Column[], columns: readonly Column[]): readonly Column[] {
  const where = 'The declared schema'
  for (const { name, type } of schema) {
    const found = columns.find(column => column.name === name)
    if (!found) throw columnMissing(where, name, columns)
    if (found.type !== type)
      throw new MeshError('MESHWORK_COLUMN_TYPE', { where, column: name, expected: type, actual: found.type })
  }
  return schema
}

const unused = (input: IngestInput): string[] =>
  (['format', 'compression', 'encoding', 'csv'] as const).flatMap(option =>
    input[option] === undefined ? [] : [`"${option}" does not apply to a dataset.`],
  )
