// Records that were refused: counted, shown in the problem, written to a dataset of their own.

import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type ColumnType, MeshError, type RejectReason, rejectColumns } from '@meshwork/contracts'
import { castList, duckType, ident, type Tables, text } from '@meshwork/kit'
import { locate, type LocateOptions } from '../csv/locate.ts'
import { splitRecords } from '../csv/records.ts'
import type { Chosen } from '../column/choose.ts'
import type { Relation } from './relation.ts'

/** One row of the rejects dataset. */
export interface Reject {
  readonly record_number: number
  readonly byte_offset: number | null
  readonly column: string | null
  readonly reason: RejectReason
  readonly detail: string
  readonly record: string | null
}

/** A record that DuckDB's reader refused. */
export interface Refused {
  readonly record: number
  readonly reason: RejectReason
  readonly detail: string
}

/** A row whose value does not have its type, by its place among the rows that were read. */
export interface BadRow {
  readonly row: number
  /** Index of the column, or -1 for the record as a whole. */
  readonly bad: number
}

const recordTextMax = 1000
const valueTextMax = 100

const reasons: Record<string, RejectReason> = {
  'MISSING COLUMNS': 'fields-missing',
  'TOO MANY COLUMNS': 'fields-extra',
  'UNQUOTED VALUE': 'quote',
  'INVALID ENCODING': 'encoding',
  'LINE SIZE OVER MAXIMUM': 'too-long',
}

/** Distinct records that the scan refused, in order, at most `max`. `complete` is false when the scan stopped noting them. */
export async function readRefused(
  tables: Tables,
  table: string,
  max: number,
  notedMax: number,
): Promise<{ refused: Refused[]; total: number; complete: boolean }> {
  const from = `(SELECT line, min(error_type::VARCHAR) AS kind, min_by(error_message, error_type::VARCHAR) AS said FROM ${ident(table)} GROUP BY line)`
  const [count = {}] = await tables.query(`SELECT count(*) AS noted, count(DISTINCT line) AS n FROM ${ident(table)}`)
  const rows = await tables.query(`SELECT line, kind, left(said, 300) AS said FROM ${from} ORDER BY line LIMIT ${max}`)
  return {
    total: count['n'] as number,
    complete: (count['noted'] as number) < notedMax,
    refused: rows.map(row => ({
      record: row['line'] as number,
      reason: reasons[row['kind'] as string] ?? 'syntax',
      detail: detailOf(row['kind'] as string, row['said'] as string),
    })),
  }
}

function detailOf(kind: string, said: string): string {
  const [expected, found] = /: (\d+) Found: (\d+)/.exec(said)?.slice(1) ?? []
  if (expected !== undefined) return `${found} fields where there should be ${expected}`
  if (kind === 'INVALID ENCODING')
    return 'bytes that are not UTF-8; declare the encoding (windows-1252, latin-1, utf-16le, utf-16be)'
  if (kind === 'UNQUOTED VALUE') return 'a quote that is not closed, or text after a closing quote'
  return said.split('\n', 1)[0] as string
}

export async function readBadRows(tables: Tables, staged: string, max: number): Promise<BadRow[]> {
  const rows = await tables.query(
    `SELECT file_row_number AS row, bad FROM read_parquet(${text(staged)}, file_row_number = true) WHERE bad IS NOT NULL ORDER BY 1 LIMIT ${max}`,
  )
  return rows.map(row => ({ row: row['row'] as number, bad: row['bad'] as number }))
}

export interface TextFile {
  readonly path: string
  readonly format: 'csv' | 'ndjson'
  readonly marks: Omit<LocateOptions, 'refused' | 'rows' | 'signal'>
  /** Names of the fields as the file has them. */
  readonly fields: readonly string[]
}

/** The rejects of a text file, in its order. */
export async function* describeText(
  file: TextFile,
  columns: readonly Chosen[],
  refused: readonly Refused[],
  badRows: readonly BadRow[],
  signal: AbortSignal,
): AsyncGenerator<Reject> {
  const asked = { refused: refused.map(({ record }) => record), rows: badRows.map(({ row }) => row) }
  let r = 0
  let b = 0
  for await (const place of locate(file.path, { ...file.marks, ...asked, signal })) {
    const at = { record_number: place.record, byte_offset: place.offset, record: place.text.slice(0, recordTextMax) }
    if (place.row === undefined) {
      const { reason, detail } = refused[r++] as Refused
      yield { ...at, column: null, reason, detail }
    } else {
      const { bad } = badRows[b++] as BadRow
      yield { ...at, ...misfit(file, columns[bad], place.text) }
    }
  }
}

function misfit(
  file: TextFile,
  column: Chosen | undefined,
  record: string,
): Pick<Reject, 'column' | 'reason' | 'detail'> {
  if (!column) return { column: null, reason: 'syntax', detail: 'not a JSON object' }
  const value =
    file.format === 'csv'
      ? csvValue(file, record, column.field)
      : jsonValue(record, file.fields[column.field] as string)
  return { column: column.name, reason: 'type', detail: notOfType(value, column.type) }
}

const notOfType = (value: string | undefined, type: ColumnType): string =>
  value === undefined ? `not ${type}` : `${JSON.stringify(value.slice(0, valueTextMax))} is not ${type}`

const csvValue = ({ marks }: TextFile, record: string, field: number): string | undefined =>
  splitRecords(record, marks, { whole: true, recordsMax: 1 })[0]?.[field]

function jsonValue(record: string, name: string): string | undefined {
  try {
    const value = (JSON.parse(record) as Record<string, unknown>)[name]
    return typeof value === 'string' ? value : JSON.stringify(value)
  } catch {
    return undefined
  }
}

/** Writes rejects to a dataset without holding them. */
export async function writeRejects(tables: Tables, scratch: string, rejects: AsyncIterable<Reject>, partRows: number) {
  const path = join(scratch, 'rejects.ndjson')
  const file = await open(path, 'wx')
  try {
    let lines: string[] = []
    for await (const reject of rejects) {
      lines.push(`${JSON.stringify(reject)}\n`)
      if (lines.length >= 1000) {
        await file.writeFile(lines.join(''))
        lines = []
      }
    }
    await file.writeFile(lines.join(''))
  } finally {
    await file.close()
  }
  const columns = rejectColumns.map(({ name, type }) => `${text(name)}: ${text(duckType(type))}`).join(', ')
  return await tables.create(
    `SELECT * FROM read_json(${text(path)}, format = 'newline_delimited', columns = {${columns}})`,
    { partRows },
  )
}

/** The rejects of a file whose records have no place in its bytes (a JSON array, Parquet), as a select. */
export function describeRows(relation: Relation, staged: string, columns: readonly Chosen[]): string {
  const values = columns.map((_, i) => `WHEN ${i} THEN left(c${i}::VARCHAR, ${valueTextMax})`).join(' ')
  const names = columns.map(({ name }, i) => `WHEN ${i} THEN ${text(name)}`).join(' ')
  const types = columns.map(({ type }, i) => `WHEN ${i} THEN ${text(type)}`).join(' ')
  const rebuilt = `to_json(struct_pack(${columns.map(({ name }, i) => `${ident(name)} := c${i}`).join(', ')}))::VARCHAR`
  return `SELECT file_row_number + 1 AS record_number, NULL::BIGINT AS byte_offset,
    CASE bad ${names} END AS "column", CASE WHEN bad < 0 THEN 'syntax' ELSE 'type' END AS reason,
    CASE WHEN bad < 0 THEN 'not a JSON object' ELSE concat('"', CASE bad ${values} END, '" is not ', CASE bad ${types} END) END AS detail,
    left(${relation.withRecord ? 'record' : rebuilt}, ${recordTextMax}) AS record
    FROM ${relation.from(columns)} POSITIONAL JOIN read_parquet(${text(staged)}, file_row_number = true) WHERE bad IS NOT NULL`
}

/** A select of rejects with the types of their contract. */
export const typed = (select: string): string => `SELECT ${castList(rejectColumns)} FROM (${select})`

const placesShown = 3

export function tooManyRejects(source: string, count: string, bound: number, rejects: readonly Reject[]): MeshError {
  const first = rejects
    .slice(0, placesShown)
    .map(({ record_number, byte_offset, column, detail, reason }) => {
      const place = byte_offset === null ? '' : ` (byte ${byte_offset})`
      return `record ${record_number}${place}${column === null ? '' : `, column "${column}"`}: ${detail} [${reason}]`
    })
    .join('; ')
  return new MeshError('MESHWORK_INGEST_REJECTS', { source, count, bound, first })
}
