// What can be said of a request before anything is read. Pure.

import { type Column, type FeaturesInput, MeshError } from '@meshwork/contracts'
import { columnMissing } from '@meshwork/kit'

/** Either columns are made and fitted, or what was fitted is applied. */
export function checkRequest({ columns, fitted, fitWhere }: FeaturesInput): void {
  const refuse = (reason: string) => new MeshError('MESHWORK_FEATURES_INPUT', { reason })
  if (fitted === undefined && columns === undefined) throw refuse('There is neither "columns" nor "fitted"')
  if (fitted === undefined) return
  if (columns !== undefined) throw refuse('There are both "columns" and "fitted"')
  if (fitWhere !== undefined) throw refuse('"fitWhere" says what to fit on, but with "fitted" nothing is fitted')
}

/** Names of the columns of the input that stay. */
export function keptColumns({ keep }: Pick<FeaturesInput, 'keep'>, columns: readonly Column[]): string[] {
  if (keep === undefined || keep === 'all') return columns.map(({ name }) => name)
  for (const name of keep)
    if (!columns.some(column => column.name === name)) throw columnMissing('"keep"', name, columns)
  return [...new Set(keep)]
}
