// What a table is grouped by, as SQL.

import { type Column, type GroupKey, MeshError } from '@meshwork/contracts'
import { columnMissing, ident, isTemporal, type Tables, text } from '@meshwork/kit'

export interface Term {
  /** Name of the column of the result. */
  readonly name: string
  readonly sql: string
  /** Columns of the dataset it reads. */
  readonly columns: readonly string[]
}

export async function keyTerm(
  tables: Pick<Tables, 'expression'>,
  key: GroupKey,
  columns: readonly Column[],
): Promise<Term> {
  if (typeof key === 'string') {
    const { name } = find('groupBy', key, columns)
    return { name, sql: ident(name), columns: [name] }
  }
  if ('expression' in key) {
    const checked = await tables.expression(key.expression, `Group key "${key.as}"`, columns)
    return { name: key.as, sql: checked.sql, columns: checked.columns }
  }
  const where = `Group key "${key.as}"`
  const { name, type } = find(where, key.column, columns)
  if (!isTemporal(type) || type === 'time')
    throw new MeshError('MESHWORK_COLUMN_TYPE', { where, column: name, expected: 'a date or timestamp', actual: type })
  return { name: key.as, sql: `date_trunc(${text(key.every)}, ${ident(name)})`, columns: [name] }
}

function find(where: string, name: string, columns: readonly Column[]): Column {
  const column = columns.find(candidate => candidate.name === name)
  if (!column) throw columnMissing(where, name, columns)
  return column
}
