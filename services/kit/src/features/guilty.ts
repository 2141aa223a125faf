// When an expression fails on the data, DuckDB does not say which one it was: each is tried alone, until one fails.

import { MeshError } from '@meshwork/contracts'
import { ident } from '../data/sql.ts'
import { type Output, placeOf, type FeatureTables, type FeatureRows } from './feature.ts'
import { nest, wholeOf } from './nest.ts'

const failed = (error: unknown): error is MeshError =>
  error instanceof MeshError && error.code === 'MESHWORK_EXPRESSION_FAILED'

/** A failure while one feature is fitted, named after it. */
export const named = (error: unknown, feature: string): unknown =>
  failed(error) ? failureOf(error, feature, error) : error

/** The failure with the feature that caused it, where one can be found; otherwise as it is. */
export async function nameGuilty(
  tables: FeatureTables,
  dataset: FeatureRows,
  outputs: readonly Output[],
  error: unknown,
): Promise<unknown> {
  if (!failed(error)) return error
  for (const { column, feature } of outputs.toSorted((a, b) => a.level - b.level)) {
    const rows = nest(wholeOf(dataset), outputs, [column.name])
    try {
      await tables.query(`SELECT count(${ident(column.name)}) AS n FROM (${rows})`)
    } catch (cause) {
      if (!failed(cause)) return error
      return failureOf(cause, feature, error)
    }
  }
  return error
}

function failureOf(failure: MeshError, feature: string, cause: unknown): MeshError {
  const reason = failure.message.replace(/^The data: |\.$/g, '')
  return new MeshError('MESHWORK_EXPRESSION_FAILED', { where: placeOf(feature), reason }, { cause })
}
