// A file as something to select from. Every relation gives one row per record, in the order of the file, with the
// columns `c0`, `c1`, … for the chosen columns and `fault`: NULL, or why the record as a whole cannot be used.

import type { ColumnType } from '@meshwork/contracts'
import { ident, text } from '@meshwork/kit'
import type { Chosen } from '../column/choose.ts'
import type { Dialect } from '../csv/dialect.ts'

export interface Relation {
  /** FROM item, in parentheses. */
  from(columns: readonly Chosen[]): string
  /** Type of the raw values of a column: text for text formats. */
  rawType(column: Chosen): ColumnType
  /** Whether `from` also gives the text of the record, as `record`. */
  readonly withRecord: boolean
}

export const recordBytesMax = 16 * 1024 * 1024
/** Without it DuckDB takes 16 times the largest record for each buffer, which is all of its memory. */
const bufferBytes = 2 * recordBytesMax

export interface CsvFile {
  readonly path: string
  readonly width: number
  readonly header: boolean
  readonly dialect: Pick<Dialect, 'delimiter' | 'quote' | 'escape' | 'comment' | 'nullStrings'>
  /** Where DuckDB notes the records it refuses; new for every scan. */
  readonly rejectsTable: string
  readonly rejectsMax: number
}

export function csvRelation(file: CsvFile): Relation {
  const from = (columns: readonly Chosen[]) => {
    const list = columns.map(({ field }, i) => `f${field} AS c${i}`)
    return `(SELECT ${[...list, 'NULL::VARCHAR AS fault'].join(', ')} FROM ${readCsv(file)})`
  }
  return { from, rawType: () => 'string', withRecord: false }
}

/** All fields as text: types are our own work, so that nothing is rounded or cut. */
function readCsv({ path, width, header, dialect, rejectsTable, rejectsMax }: CsvFile): string {
  const fields = Array.from({ length: width }, (_, i) => `f${i}: 'VARCHAR'`)
  const options = [
    `columns = {${fields.join(', ')}}`,
    'auto_detect = false',
    `header = ${header}`,
    `delim = ${text(dialect.delimiter)}`,
    `quote = ${text(dialect.quote)}`,
    `escape = ${text(dialect.escape)}`,
    ...(dialect.comment === '' ? [] : [`comment = ${text(dialect.comment)}`]),
    `nullstr = [${dialect.nullStrings.map(text).join(', ')}]`,
    "compression = 'none'",
    `max_line_size = ${recordBytesMax}`,
    `buffer_size = ${bufferBytes}`,
    'store_rejects = true',
    `rejects_table = ${text(rejectsTable)}`,
    `rejects_scan = ${text(`${rejectsTable}_scan`)}`,
    `rejects_limit = ${rejectsMax}`,
  ]
  return `read_csv(${text(path)}, ${options.join(', ')})`
}

/** Lines are read as a CSV of one column, whose delimiter is a character that JSON does not allow. */
export function ndjsonLines(file: Pick<CsvFile, 'path' | 'rejectsTable' | 'rejectsMax'>): string {
  const dialect = { delimiter: '\u0001', quote: '', escape: '', comment: '', nullStrings: [''] }
  return `(SELECT f0 AS record FROM ${readCsv({ ...file, width: 1, header: false, dialect })} WHERE f0 IS NOT NULL)`
}

export const jsonElements = (path: string): string =>
  `(SELECT json::VARCHAR AS record FROM read_json_objects(${text(path)}, format = 'array', compression = 'uncompressed', maximum_object_size = ${recordBytesMax}))`

/** `names` are the keys of the objects, by field. */
export function jsonRelation(records: string, names: readonly string[]): Relation {
  const pointer = (name: string) => text(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
  const from = (columns: readonly Chosen[]) => {
    const pointers = columns.map(({ field }) => pointer(names[field] as string)).join(', ')
    const list = columns.map((_, i) => `e[${i + 1}] AS c${i}`)
    return `(SELECT ${[...list, 'fault', 'record'].join(', ')} FROM (
      SELECT record, CASE WHEN fault IS NULL THEN json_extract_string(record, [${pointers}]) END AS e, fault FROM (
        SELECT record, CASE WHEN TRY(json_type(record)) = 'OBJECT' THEN NULL ELSE 'syntax' END AS fault FROM ${records})))`
  }
  return { from, rawType: () => 'string', withRecord: true }
}

export function parquetRelation(
  path: string,
  fields: readonly { readonly name: string; readonly type: ColumnType }[],
): Relation {
  const from = (columns: readonly Chosen[]) => {
    const list = columns.map(({ field }, i) => `${ident(fields[field]?.name as string)} AS c${i}`)
    return `(SELECT ${[...list, 'NULL::VARCHAR AS fault'].join(', ')} FROM read_parquet(${text(path)}))`
  }
  return { from, rawType: ({ field }) => fields[field]?.type as ColumnType, withRecord: false }
}
