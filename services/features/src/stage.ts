import { FeaturesInputV2, FeaturesOutput, type FittedFeatures, MeshError } from '@meshwork/contracts'
import {
  checkCondition,
  type Dataset,
  defineStage,
  type Tables,
  feature,
  learns,
  nameGuilty,
  nest,
  readFitted,
  type Resolved,
  resolve,
  writeFitted,
} from '@meshwork/kit'
import { contract1 } from './contract-1.ts'
import { plan } from './plan.ts'
import { artefactOf, checkRequest, fitWhereOf, fitWherePlace, keptColumns } from './request.ts'

export const stage = defineStage({
  name: 'features',
  version: '2.0.0',
  summary:
    'Makes new columns: expressions, parts of dates, encoders, scalers, bins and rolling windows, fitted or as fitted.',
  input: FeaturesInputV2,
  output: FeaturesOutput,
  isolation: 'process',
  earlier: [contract1],
  plan,
  run: async (input, context) => {
    const known = await fittedOf(input, context.store)
    const tables = await context.tables(input.dataset)
    const dataset = tables.dataset(input.dataset)
    const keep = keptColumns(input, dataset.columns)
    const step = (message: string) => {
      context.signal.throwIfAborted()
      context.progress(0.1, { message })
    }
    const { outputs, fitted } =
      known === undefined
        ? await fitAndResolve(tables, dataset, input, step)
        : { ...(await resolve(tables, dataset, known.columns.map(feature), { step })), fitted: undefined }
    const names = outputs.map(({ column }) => column.name)
    let done = 0
    const select = (part: Dataset['parts'][number]) => nest(part, outputs, names)
    const written = (rows: number) => {
      done += rows
      context.progress(Math.min(0.99, 0.3 + (0.7 * done) / dataset.rows), { rows: done, message: 'writing' })
    }
    const result =
      names.length === 0
        ? await tables.project(dataset, keep)
        : await tables
            .addColumns(dataset, select, { keep, written: part => written(part.rows) })
            .catch(async (error: unknown) => {
              throw await nameGuilty(tables, dataset, outputs, error)
            })
    const artefact = fitted === undefined ? artefactOf(input) : await writeFitted(context.store, fitted)
    if (artefact === undefined) throw new Error('neither fitted nor given')
    context.progress(1, { rows: dataset.rows })
    return { dataset: result, fitted: artefact, rows: result.rows, columns: outputs.map(({ column }) => column) }
  },
})

async function fittedOf(input: FeaturesInputV2, store: Parameters<typeof readFitted>[0]) {
  checkRequest(input)
  const artefact = artefactOf(input)
  return artefact && (await readFitted(store, artefact))
}

async function fitAndResolve(
  tables: Tables,
  dataset: Dataset,
  input: FeaturesInputV2,
  step: (message: string) => void,
): Promise<{ outputs: Resolved['outputs']; fitted: FittedFeatures }> {
  // Keys of an object have no order that survives storage, so they are taken by name.
  const features = Object.entries(input.columns ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, spec]) => feature({ name, spec }))
  const fitWhere = fitWhereOf(input)
  const where =
    fitWhere === undefined ? undefined : await checkCondition(tables, fitWhere, fitWherePlace, dataset.columns)
  const fits = features.some(({ spec }) => learns(spec))
  const rows = fits && where !== undefined ? await countRows(tables, dataset, where) : dataset.rows
  if (rows === 0 && dataset.rows > 0)
    throw new MeshError('MESHWORK_FEATURES_NOTHING_TO_FIT', { rows: dataset.rows, where: fitWhere ?? '' })
  const resolved = await resolve(tables, dataset, features, { fitOn: { where, rows }, step })
  const fittedOn = { rows, ...(fitWhere === undefined ? {} : { where: fitWhere }) }
  return {
    outputs: resolved.outputs,
    fitted: { schema: 'meshwork.features/1', columns: resolved.features, ...(fits ? { fittedOn } : {}) },
  }
}

async function countRows(tables: Tables, dataset: Dataset, where: { sql: string; columns: readonly string[] }) {
  const [row] = await tables.query(`SELECT count(*) AS n FROM ${dataset.from(where.columns)} WHERE ${where.sql}`)
  return Number(row?.['n'])
}
