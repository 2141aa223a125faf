// What can be said of a request before anything is read. Pure.

import { type ArtefactRef, type Column, type FeaturesInputV2, MeshError } from '@meshwork/contracts'
import { columnMissing } from '@meshwork/kit'

/** How messages name the condition; contract 1 calls it "fitWhere". */
export const fitWherePlace = '"fit.where"'

/** Either columns are made and fitted, or what was fitted is applied. */
export function checkRequest(input: FeaturesInputV2): void {
  const refuse = (reason: string) => new MeshError('MESHWORK_FEATURES_INPUT', { reason })
  const artefact = artefactOf(input)
  if (artefact === undefined && input.columns === undefined)
    throw refuse('There is neither "columns" nor a fitted artefact')
  if (artefact === undefined) return
  if (input.columns !== undefined) throw refuse('There are both "columns" and a fitted artefact')
  // Contract 2 cannot say both; contract 1 can.
  if (fitWhereOf(input) !== undefined)
    throw refuse('There is a condition on what to fit on, but with a fitted artefact nothing is fitted')
}

export const artefactOf = ({ fit }: Pick<FeaturesInputV2, 'fit'>): ArtefactRef | undefined =>
  fit && 'artefact' in fit ? fit.artefact : undefined

export const fitWhereOf = ({ fit }: Pick<FeaturesInputV2, 'fit'>): string | undefined =>
  fit && 'where' in fit ? fit.where : undefined

/** Names of the columns of the input that stay. */
export function keptColumns({ keep }: Pick<FeaturesInputV2, 'keep'>, columns: readonly Column[]): string[] {
  if (keep === undefined || keep === 'all') return columns.map(({ name }) => name)
  for (const name of keep)
    if (!columns.some(column => column.name === name)) throw columnMissing('"keep"', name, columns)
  return [...new Set(keep)]
}
