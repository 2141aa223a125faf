import {
  type Calibration,
  type Column,
  MeshError,
  PostprocessInput,
  type PostprocessOperation,
  PostprocessOutput,
} from '@meshwork/contracts'
import { type Dataset, defineStage, ident, type PartSource, type StageContext, type Tables } from '@meshwork/kit'
import { calibrate, writeCalibrations } from './calibrate.ts'
import type { Made } from './made.ts'
import { makeColumns } from './operations.ts'

export const stage = defineStage({
  name: 'postprocess',
  version: '1.0.0',
  summary: 'Turns scores into answers: bands, labels, the best class or the best few, and calibrated probabilities.',
  input: PostprocessInput,
  output: PostprocessOutput,
  isolation: 'process',
  run: async (input, context) => {
    const tables = await context.tables(input.dataset)
    const dataset = tables.dataset(input.dataset)
    const { layers, calibrations } = await prepare(input.operations, tables, dataset, context)
    const made = layers.flat()
    let done = 0
    const written = (part: PartSource) => {
      done += part.rows
      context.progress(Math.min(0.99, 0.2 + (0.8 * done) / Math.max(1, dataset.rows)), { rows: done })
    }
    const names = made.map(({ column }) => ident(column.name)).join(', ')
    const result = await tables.addColumns(dataset, part => `SELECT ${names} FROM ${nested(part.from(), layers)}`, {
      written,
    })
    await checkLabels(input.operations, tables, result, context)
    const fitted = Object.keys(calibrations).length === 0 ? null : await writeCalibrations(context.store, calibrations)
    return { dataset: result, rows: result.rows, columns: made.map(({ column }) => column), fitted }
  },
})

/** Each operation is a layer over those before it, so that later ones can use what earlier ones made. */
async function prepare(
  operations: readonly PostprocessOperation[],
  tables: Tables,
  dataset: Dataset,
  context: StageContext,
) {
  const layers: Made[][] = []
  const calibrations: Record<string, Calibration> = {}
  let columns: Column[] = [...dataset.columns]
  for (const [i, operation] of operations.entries()) {
    context.signal.throwIfAborted()
    const where = `Operation ${i + 1} (${operation.operation})`
    let made: Made[]
    if (operation.operation === 'calibrate') {
      const source = nested(dataset.from(), layers)
      const one = await calibrate(operation, { tables, store: context.store, source, columns, where })
      calibrations[operation.as] = one.calibration
      made = [one.made]
    } else made = makeColumns(operation, columns, where)
    for (const { column } of made) {
      if (columns.some(({ name }) => name.toLowerCase() === column.name.toLowerCase()))
        throw new MeshError('MESHWORK_COLUMN_EXISTS', { where, column: column.name })
      columns = [...columns, column]
    }
    layers.push(made)
    context.progress((0.2 * (i + 1)) / operations.length, { message: where })
  }
  return { layers, calibrations }
}

const nested = (source: string, layers: readonly (readonly Made[])[]): string =>
  layers.reduce(
    (inner, made) =>
      `(SELECT *, ${made.map(({ column, sql }) => `${sql} AS ${ident(column.name)}`).join(', ')} FROM ${inner})`,
    source,
  )

/** A class number without a label became null where it was not: that fails the step. */
async function checkLabels(
  operations: readonly PostprocessOperation[],
  tables: Tables,
  result: { hash: string },
  context: StageContext,
): Promise<void> {
  for (const [i, operation] of operations.entries()) {
    if (operation.operation !== 'label') continue
    context.signal.throwIfAborted()
    const { column, as, labels } = operation
    const [row] = await tables.query(
      `SELECT count(*) AS rows, min(${ident(column)})::VARCHAR AS value FROM ${tables.dataset(result).from([column, as])} WHERE ${ident(column)} IS NOT NULL AND ${ident(as)} IS NULL`,
    )
    const rows = Number(row?.['rows'])
    if (rows > 0)
      throw new MeshError('MESHWORK_POSTPROCESS_NO_LABEL', {
        where: `Operation ${i + 1} (label)`,
        column,
        rows,
        last: labels.length - 1,
        value: String(row?.['value']),
      })
  }
}
