// DuckDB's types and the column types of a dataset. What a dataset cannot hold is cast where that loses nothing
// that matters, and refused otherwise.

import { type Column, type ColumnType, MeshError, columnTypes, datasetColumnsMax } from '@meshwork/contracts'
import { ident } from './sql.ts'

const duckTypes: Record<ColumnType, string> = {
  boolean: 'BOOLEAN',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'UTINYINT',
  uint16: 'USMALLINT',
  uint32: 'UINTEGER',
  uint64: 'UBIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  string: 'VARCHAR',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  binary: 'BLOB',
}
const columnTypeByDuck = new Map(Object.entries(duckTypes).map(([column, duck]) => [duck, column as ColumnType]))

/** Types that a select may give and a dataset stores as another: sums are HUGEINT, exact numerics become floats. */
const storedAs: readonly (readonly [pattern: RegExp, type: ColumnType])[] = [
  [/^HUGEINT$/, 'int64'],
  [/^UHUGEINT$/, 'uint64'],
  [/^DECIMAL\(/, 'float64'],
  [/^(ENUM\(|UUID$|JSON$|BIT$)/, 'string'],
  [/^TIMESTAMP_(S|MS|NS)$/, 'timestamp'],
  [/^TIME_NS$/, 'time'],
  [/^"NULL"$|^SQLNULL$|^NULL$/, 'string'],
]

export const duckType = (type: ColumnType): string => duckTypes[type]

/** The column type that holds values of a DuckDB type, or undefined where none does (lists, structs, intervals). */
export function columnTypeOf(duck: string): ColumnType | undefined {
  return columnTypeByDuck.get(duck) ?? storedAs.find(([pattern]) => pattern.test(duck))?.[1]
}

export const isNumeric = (type: ColumnType): boolean => /^(u?int|float)/.test(type)
export const isInteger = (type: ColumnType): boolean => /^u?int/.test(type)
export const isTemporal = (type: ColumnType): boolean => /^(date|time)/.test(type)

/** The columns that a select gives, as a dataset holds them. Throws for what it cannot hold. */
export function columnsOfSelect(described: readonly { readonly name: string; readonly type: string }[]): Column[] {
  if (described.length > datasetColumnsMax)
    throw new MeshError('MESHWORK_DATASET_COLUMNS', { columns: described.length, max: datasetColumnsMax })
  const seen = new Set<string>()
  return described.map(({ name, type }) => {
    const held = columnTypeOf(type)
    if (held === undefined)
      throw new MeshError('MESHWORK_COLUMN_UNSUPPORTED', { column: name, type, types: columnTypes.join(', ') })
    if (seen.has(name.toLowerCase()))
      throw new MeshError('MESHWORK_COLUMN_EXISTS', { where: 'The result', column: name })
    seen.add(name.toLowerCase())
    return { name, type: held }
  })
}

/** A select list that gives exactly the columns, in order and type. */
export const castList = (columns: readonly Column[]): string =>
  columns.map(({ name, type }) => `CAST(${ident(name)} AS ${duckType(type)}) AS ${ident(name)}`).join(', ')
