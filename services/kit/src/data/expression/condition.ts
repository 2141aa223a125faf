import { type Column, MeshError } from '@meshwork/contracts'
import type { CheckedExpression } from './check.ts'
import type { Tables } from '../tables.ts'

/** A user's expression that must be true or false, as in a `where`. */
export async function checkCondition(
  tables: Pick<Tables, 'expression'>,
  source: string,
  where: string,
  columns: readonly Column[],
): Promise<CheckedExpression> {
  const checked = await tables.expression(source, where, columns)
  if (checked.type === 'boolean') return checked
  throw new MeshError('MESHWORK_EXPRESSION_INVALID', {
    where,
    expression: source.slice(0, 200),
    reason: `it gives ${checked.type}, but a condition must be true or false`,
  })
}
