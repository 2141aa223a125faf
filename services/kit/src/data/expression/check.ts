// A user's expression, from text to SQL that may be put into a select.

import { closest, type Column, type ColumnType, MeshError } from '@meshwork/contracts'
import { columnTypeOf, duckType } from '../column-type.ts'
import { readDuckFailure } from '../duck-failure.ts'
import type { Session } from '../session.ts'
import { ident, text } from '../sql.ts'
import { judge } from './gate.ts'

export interface CheckedExpression {
  /** In parentheses, ready for a select list. */
  readonly sql: string
  /** Type a dataset would store it as. */
  readonly type: ColumnType
  /** Columns it reads, as the dataset spells them. */
  readonly columns: readonly string[]
}

const columnsShownMax = 30

/**
 * Throws MESHWORK_EXPRESSION_INVALID with the reason, or MESHWORK_COLUMN_MISSING with the nearest name.
 * `where` names the place in the request, as in `Feature "hour"`.
 */
export async function checkExpression(
  session: Session,
  source: string,
  where: string,
  columns: readonly Column[],
): Promise<CheckedExpression> {
  const refuse = (reason: string) =>
    new MeshError('MESHWORK_EXPRESSION_INVALID', { where, expression: source.slice(0, 200), reason })
  const [row] = await session.query(`SELECT json_serialize_sql(${text(`SELECT ${source}`)}::VARCHAR) AS tree`)
  const tree = JSON.parse(row?.['tree'] as string) as { error?: boolean; error_message?: string }
  if (tree.error) throw refuse((tree.error_message ?? 'it cannot be parsed').split('\n')[0] as string)
  const verdict = judge(
    tree,
    columns.map(({ name }) => name),
  )
  if (verdict.kind === 'refused') throw refuse(verdict.reason)
  if (verdict.kind === 'unknown-column') throw columnMissing(where, verdict.column, columns)
  const sql = `(\n${source}\n)`
  return { sql, type: await bind(session, sql, columns, refuse), columns: verdict.columns }
}

/** The error for a column that is not there, with the name that was perhaps meant. */
export function columnMissing(where: string, column: string, columns: readonly Column[]): MeshError {
  const names = columns.map(({ name }) => name)
  const near = closest(column, names)
  const shown = names.length > columnsShownMax ? [...names.slice(0, columnsShownMax), '…'] : names
  return new MeshError('MESHWORK_COLUMN_MISSING', {
    where,
    column,
    suggestion: near === undefined ? '' : `; did you mean "${near}"?`,
    columns: shown.join(', '),
  })
}

async function bind(
  session: Session,
  sql: string,
  columns: readonly Column[],
  refuse: (reason: string) => MeshError,
): Promise<ColumnType> {
  const row = columns.map(({ name, type }) => `NULL::${duckType(type)} AS ${ident(name)}`).join(', ')
  let described: { type: string }[]
  try {
    const prepared = await session.connection().prepare(`SELECT ${sql} AS value FROM (SELECT ${row})`)
    described = [{ type: String(prepared.columnType(0)) }]
    prepared.destroySync()
  } catch (error) {
    const failure = readDuckFailure(error)
    if (!failure) throw error
    const candidates = failure.candidates.length > 0 ? ` (there are: ${failure.candidates.join(', ')})` : ''
    throw refuse(`${failure.message}${candidates}`)
  }
  const type = columnTypeOf(described[0]?.type ?? '')
  if (type === undefined) throw refuse(`it gives ${described[0]?.type}, which a column cannot hold`)
  return type
}
