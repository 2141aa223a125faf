import { type Calibration, type Column, MeshError, PostprocessInput, PostprocessOutput } from '@meshwork/contracts'
import { type Dataset, defineStage, identList, type StageContext, type Tables } from '@meshwork/kit'
import { argmax, topK } from './best.ts'
import { threshold } from './band.ts'
import { writeCalibrations } from './calibrate/artefact.ts'
import { calibrate } from './calibrate/calibrate.ts'
import { label } from './label.ts'
import { plan } from './plan.ts'
import { type Made, nest, type Scene } from './operation.ts'

export const stage = defineStage({
  name: 'postprocess',
  version: '1.0.0',
  summary: 'Turns scores into decisions: bands, labels, the best of several, calibrated probabilities.',
  input: PostprocessInput,
  output: PostprocessOutput,
  isolation: 'process',
  plan,
  run: async (input, context) => {
    const tables = await context.tables(input.dataset)
    const dataset = tables.dataset(input.dataset)
    const { layers, columns, fitted } = await prepare(input, tables, dataset, context)
    const names = identList(columns.map(({ name }) => name))
    const base = dataset.columns.map(({ name }) => name)
    let done = 0
    const result = await tables.addColumns(
      dataset,
      part => `SELECT ${names} FROM ${nest(part.from(used(layers, base)), layers)}`,
      {
        written: ({ rows }) => {
          done += rows
          context.progress(Math.min(0.99, 0.5 + (0.5 * done) / dataset.rows), { rows: done, message: 'writing' })
        },
      },
    )
    const artefact = await writeCalibrations(context.store, fitted)
    context.progress(1, { rows: result.rows })
    return { dataset: result, rows: result.rows, columns, fitted: artefact }
  },
})

async function prepare(
  { operations }: PostprocessInput,
  tables: Tables,
  dataset: Dataset,
  { store, signal, progress }: Pick<StageContext, 'store' | 'signal' | 'progress'>,
) {
  const known: Column[] = [...dataset.columns]
  const columns: Column[] = []
  const layers: Made['layers'][number][] = []
  const fitted: Record<string, Calibration> = {}
  const prefix = freePrefix([...known.map(({ name }) => name), ...JSON.stringify(operations).split('"')])
  const base = dataset.columns.map(({ name }) => name)
  const from = (names: readonly string[]) =>
    nest(dataset.from(used([...layers, names.map(name => ({ name, sql: `"${name}"` }))], base)), layers)
  for (const [i, operation] of operations.entries()) {
    signal.throwIfAborted()
    const scene: Scene = {
      where: `Operation ${i + 1} (${operation.operation})`,
      columns: known,
      prefix: `${prefix}${i}_`,
    }
    const made = await (async (): Promise<Made> => {
      switch (operation.operation) {
        case 'threshold':
          return threshold(scene, operation)
        case 'label':
          return await label(scene, operation, tables, from)
        case 'argmax':
          return argmax(scene, operation)
        case 'topK':
          return topK(scene, operation)
        case 'calibrate': {
          const done = await calibrate(scene, operation, { tables, store, signal, rows: dataset.rows, from })
          if (done.fitted !== undefined) fitted[operation.as] = done.fitted
          return done.made
        }
      }
    })()
    for (const column of made.columns) {
      if (known.some(({ name }) => name.toLowerCase() === column.name.toLowerCase()))
        throw new MeshError('MESHWORK_COLUMN_EXISTS', { where: scene.where, column: column.name })
      known.push(column)
      columns.push(column)
    }
    layers.push(...made.layers)
    progress((0.5 * (i + 1)) / operations.length, { message: scene.where })
  }
  return { layers, columns, fitted }
}

/** Columns of the dataset that the SQL of the layers names: only their files are read. */
function used(layers: Made['layers'], base: readonly string[]): string[] {
  const sql = layers.flat().map(made => made.sql)
  return base.filter(name => sql.some(text => text.includes(`"${name.replaceAll('"', '""')}"`)))
}

/** A beginning that no name has, whatever its case. */
function freePrefix(names: readonly string[]): string {
  let prefix = 'm_'
  while (names.some(name => name.toLowerCase().startsWith(prefix))) prefix = `m${prefix}`
  return prefix
}
