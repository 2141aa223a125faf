// What can be said of a calibration without data.

import type { Column } from '@meshwork/contracts'
import { checkCondition, type CheckedExpression, type Tables } from '@meshwork/kit'
import { columnOf, invalid, type OperationOf, type Scene } from '../operation.ts'

export interface CheckedCalibration {
  readonly column: Column
  /** What to fit on; undefined where a fitted artefact is applied. */
  readonly fit: { readonly target: CheckedExpression; readonly where: CheckedExpression | undefined } | undefined
}

export async function checkCalibrate(
  tables: Pick<Tables, 'expression'>,
  scene: Scene,
  { column, target, where, fitted }: OperationOf<'calibrate'>,
): Promise<CheckedCalibration> {
  const found = columnOf(scene, column)
  if (fitted !== undefined) {
    if (target !== undefined || where !== undefined)
      throw invalid(scene, '"target" and "where" say what to fit on, but with "fitted" nothing is fitted')
    return { column: found, fit: undefined }
  }
  if (target === undefined) throw invalid(scene, 'there is neither "target" to fit on nor "fitted"')
  const y = await checkCondition(tables, target, `${scene.where}, target`, scene.columns)
  const condition =
    where === undefined ? undefined : await checkCondition(tables, where, `${scene.where}, where`, scene.columns)
  return { column: found, fit: { target: y, where: condition } }
}
