// The columns that the operations would add, and everything that is wrong with them.

import {
  type Column,
  type DatasetRef,
  MeshError,
  type PostprocessInput,
  type PostprocessOperation,
} from '@meshwork/contracts'
import { type PlanContext, type PlannedDatasets } from '@meshwork/kit'
import { threshold } from './band.ts'
import { argmax, topK } from './best.ts'
import { checkCalibrate } from './calibrate/check.ts'
import { readCalibration } from './calibrate/artefact.ts'
import { labelColumn } from './label.ts'
import { columnOf, type Scene } from './operation.ts'

export async function plan({ dataset, operations }: PostprocessInput, context: PlanContext): Promise<PlannedDatasets> {
  let known: DatasetRef = dataset
  let complete = true
  for (const [i, operation] of operations.entries()) {
    const pointer = `/operations/${i}`
    const scene: Scene = {
      where: `Operation ${i + 1} (${operation.operation})`,
      columns: known.columns,
      prefix: 'm_',
    }
    const made = await columnsMade(scene, operation, pointer, known, context)
    if (!made) complete = false
    for (const column of made ?? [])
      if (known.columns.some(({ name }) => name.toLowerCase() === column.name.toLowerCase()))
        context.fault(pointer, new MeshError('MESHWORK_COLUMN_EXISTS', { where: scene.where, column: column.name }))
      else known = { ...known, columns: [...known.columns, column] }
    if (context.isOpen(dataset)) known = context.openDataset(known.columns) as unknown as DatasetRef
  }
  return { '/dataset': complete ? context.dataset(known.columns, dataset) : context.openDataset(known.columns) }
}

/** The columns that an operation reads, each at its place. */
async function columnsThere(
  scene: Scene,
  operation: PostprocessOperation,
  pointer: string,
  over: DatasetRef,
  context: PlanContext,
): Promise<boolean> {
  const look = async (at: string, name: string) =>
    !context.knows(name) ||
    (await context.at(`${pointer}${at}`, over, () =>
      operation.operation === 'label' ? labelColumn(scene, { column: name, as: '' }) : columnOf(scene, name),
    )) !== undefined
  if ('column' in operation) return await look('/column', operation.column)
  let all = true
  if (context.knows(operation.columns))
    for (const [i, name] of operation.columns.entries()) all = (await look(`/columns/${i}`, name)) && all
  return all
}

/** undefined where they cannot be told. */
async function columnsMade(
  scene: Scene,
  operation: PostprocessOperation,
  pointer: string,
  over: DatasetRef,
  context: PlanContext,
): Promise<readonly Column[] | undefined> {
  const known = context.knows(operation)
  if (!(await columnsThere(scene, operation, pointer, over, context))) return undefined
  switch (operation.operation) {
    case 'threshold':
      // What a threshold is, is often a parameter; which column it makes does not depend on it.
      if (!known) return context.knows(operation.as) ? [{ name: operation.as, type: 'string' }] : undefined
      return await context.at(pointer, over, () => threshold(scene, operation).columns)
    case 'label':
      return known ? await context.at(pointer, over, () => labelColumn(scene, operation).columns) : undefined
    case 'argmax':
      return known ? await context.at(pointer, over, () => argmax(scene, operation).columns) : undefined
    case 'topK':
      return known ? await context.at(pointer, over, () => topK(scene, operation).columns) : undefined
    case 'calibrate': {
      if (!context.knows([operation.as, operation.column, operation.method])) return undefined
      const { as, method, fitted } = operation
      await context.at(pointer, over, () => checkCalibrate(context.tables, scene, operation))
      if (fitted !== undefined && context.knows(fitted) && context.exists(fitted))
        await context.at(`${pointer}/fitted`, undefined, () =>
          readCalibration(context.store, fitted, { where: scene.where, as, method }),
        )
      return [{ name: as, type: 'float64' }]
    }
  }
}
