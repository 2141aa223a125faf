// Reads a relation once into one Parquet file in scratch. When an inferred type turns out too narrow for a later
// value, all inferred columns are measured over the whole file and it is read again.

import { join } from 'node:path'
import { type ColumnType } from '@meshwork/contracts'
import { type Tables, text } from '@meshwork/kit'
import type { Chosen } from '../column/choose.ts'
import type { Relation } from './relation.ts'
import { type Formats, misfitSelect, typedSelect, widerTypes } from './typed.ts'

export interface Staged {
  readonly path: string
  readonly columns: readonly Chosen[]
  /** Rows in the file; the bad ones are among them, marked in `bad`. */
  readonly rows: number
  readonly badRows: number
  readonly warnings: readonly string[]
}

export interface StageFile {
  readonly tables: Tables
  readonly scratch: string
  /** A relation over the file, fresh for every scan of it. */
  readonly relation: () => Relation
  readonly columns: readonly Chosen[]
  readonly formats: Formats
}

const staging = 'FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2, ROW_GROUP_SIZE 122880'

export async function stageFile({ tables, scratch, relation, columns, formats }: StageFile): Promise<Staged> {
  const path = join(scratch, 'staged.parquet')
  const first = await copy(tables, typedSelect(relation(), columns, formats), path)
  const bad = await badColumns(tables, path)
  const narrow = [...bad.keys()].some(i => columns[i]?.inferred)
  if (!narrow) return { path, columns, rows: first, badRows: sum(bad.values()), warnings: [] }
  const widened = await widen(tables, relation(), columns, formats)
  const rows = await copy(tables, typedSelect(relation(), widened.columns, formats), path)
  const left = await badColumns(tables, path)
  return { path, rows, badRows: sum(left.values()), ...widened }
}

export async function copy(tables: Tables, select: string, path: string): Promise<number> {
  const { session } = tables
  const answer = await session.guard(() =>
    session.connection().runAndReadAll(`COPY (${select}) TO ${text(path)} (${staging})`),
  )
  return Number(answer.getRows()[0]?.[0] ?? 0)
}

async function badColumns(tables: Tables, path: string): Promise<Map<number, number>> {
  const rows = await tables.query(
    `SELECT bad, count(*) AS n FROM read_parquet(${text(path)}) WHERE bad IS NOT NULL GROUP BY bad`,
  )
  return new Map(rows.map(row => [row['bad'] as number, row['n'] as number]))
}

async function widen(tables: Tables, relation: Relation, columns: readonly Chosen[], formats: Formats) {
  const [misfits = {}] = await tables.query(misfitSelect(relation, columns, formats))
  const warnings: string[] = []
  const widened = columns.map((column, i) => {
    if (!column.inferred || column.type === 'string') return column
    const count = (j: number) => misfits[`n${i}_${j}`] as number
    const type: ColumnType = widerTypes(column.type).find((_, j) => count(j) === 0) ?? 'string'
    if (type === column.type) return column
    warnings.push(
      `Column "${column.name}" looked like ${column.type} in the first records, but ${count(0)} later values are not; it is read as ${type}. Declare its type to refuse such records instead.`,
    )
    return { ...column, type }
  })
  return { columns: widened, warnings }
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0)
