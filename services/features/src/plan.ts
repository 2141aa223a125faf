// Which columns the features would make, and everything that is wrong with them.

import { type Column, type DatasetRef, type FeaturesInputV2, MeshError, ProblemError } from '@meshwork/contracts'
import {
  checkCondition,
  duckType,
  type PlanContext,
  type PlannedDatasets,
  columnsOfFeature,
  type Feature,
  feature,
  prepare,
  type Prepared,
  readFitted,
  refuseKnown,
} from '@meshwork/kit'
import { artefactOf, checkRequest, fitWhereOf, fitWherePlace, keptColumns } from './request.ts'

export async function plan(input: FeaturesInputV2, context: PlanContext): Promise<PlannedDatasets> {
  const { dataset } = input
  const sound = await context.at('', undefined, () => {
    checkRequest(input)
    return true
  })
  const kept = context.knows(input.keep) ? await keep(input, context) : undefined
  const fitWhere = fitWhereOf(input)
  if (fitWhere !== undefined && context.knows(fitWhere))
    await context.at('/fit/where', dataset, () =>
      checkCondition(context.tables, fitWhere, fitWherePlace, dataset.columns),
    )
  const features = sound && (await featuresOf(input, context))
  const made = features && (await new Rounds(input, dataset, context).plan(features))
  if (!kept || !sound) return {}
  if (!made) return { '/dataset': context.openDataset(kept) }
  const { columns, complete } = made
  const all = [...kept, ...columns]
  const keepsAll = input.keep === undefined || input.keep === 'all'
  return { '/dataset': complete ? context.dataset(all, ...(keepsAll ? [dataset] : [])) : context.openDataset(all) }
}

async function keep(input: FeaturesInputV2, context: PlanContext): Promise<Column[] | undefined> {
  const { dataset, keep: names } = input
  let whole = true
  if (Array.isArray(names))
    for (const [i, name] of names.entries())
      whole =
        (await context.at(`/keep/${i}`, dataset, () => keptColumns({ keep: [name] }, dataset.columns))) !== undefined &&
        whole
  if (!whole) return undefined
  const kept = keptColumns(input, dataset.columns)
  return kept.map(name => dataset.columns.find(column => column.name === name) as Column)
}

/** undefined where they are not known: the artefact is made by a step before, or is none. */
async function featuresOf(input: FeaturesInputV2, context: PlanContext): Promise<Feature[] | undefined> {
  const { columns } = input
  const fitted = artefactOf(input)
  if (!context.knows(input.fit) && fitted === undefined) return undefined
  if (fitted !== undefined) {
    if (!context.knows(fitted) || !context.exists(fitted)) return undefined
    const read = await context.at('/fit/artefact', undefined, () => readFitted(context.store, fitted))
    return read?.columns.map(feature)
  }
  if (!context.knows(columns)) return undefined
  return Object.entries(columns ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, spec]) => feature({ name, spec }))
}

/** Features in rounds, as they are made: each when the columns it needs are there. */
class Rounds {
  readonly #input: FeaturesInputV2
  readonly #dataset: DatasetRef
  readonly #context: PlanContext
  readonly #made: { feature: string; column: Column }[] = []
  readonly #refused = new Set<string>()
  #complete = true

  constructor(input: FeaturesInputV2, dataset: DatasetRef, context: PlanContext) {
    this.#input = input
    this.#dataset = dataset
    this.#context = context
  }

  async plan(features: readonly Feature[]): Promise<{ columns: Column[]; complete: boolean }> {
    let open = [...features]
    while (open.length > 0) {
      const { ready, waiting } = await this.#try(open)
      if (ready.length === 0 && waiting.size === open.length) {
        this.#tellWaiting(open, waiting)
        this.#complete = false
        break
      }
      const fresh = ready.flatMap(prepared => this.#columns(prepared))
      for (const output of fresh)
        await this.#context.at(this.#place(output.feature), undefined, () => refuseKnown(output, this.#scope(), fresh))
      this.#made.push(...fresh)
      open = open.filter(one => waiting.has(one))
    }
    const order = new Map(features.map(({ name }, i) => [name, i]))
    const place = ({ feature: name }: { feature: string }) => order.get(name) ?? features.length
    // Columns of an artefact stand in its order, those that are fitted in the order in which they are made.
    const made = artefactOf(this.#input) === undefined ? this.#made : this.#made.toSorted((a, b) => place(a) - place(b))
    return { columns: made.map(({ column }) => column), complete: this.#complete }
  }

  #scope(): Column[] {
    return [...this.#dataset.columns, ...this.#made.map(({ column }) => column)]
  }

  #place(name: string): string {
    return artefactOf(this.#input) === undefined
      ? `/columns/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      : '/fit/artefact'
  }

  async #try(open: readonly Feature[]): Promise<{ ready: Prepared[]; waiting: Map<Feature, ProblemError> }> {
    const ready: Prepared[] = []
    const waiting = new Map<Feature, ProblemError>()
    for (const one of open) {
      try {
        ready.push(await prepare(this.#context.tables, one, this.#scope(), artefactOf(this.#input) === undefined))
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error
        if (error.code === 'MESHWORK_COLUMN_MISSING') waiting.set(one, error)
        else this.#refuse(one, error)
      }
    }
    for (const prepared of ready) await this.#checkCast(prepared)
    return { ready, waiting }
  }

  #refuse(one: Feature, error: ProblemError): void {
    this.#context.fault(this.#place(one.name), error, this.#dataset)
    this.#refused.add(one.name)
    this.#complete = false
  }

  /** A type that an expression cannot be cast to. */
  async #checkCast({ feature: one, expression }: Prepared): Promise<void> {
    const { spec } = one
    if (spec.kind !== 'expression' || spec.type === undefined || !expression) return
    const sql = `SELECT CAST(NULL::${duckType(expression.type)} AS ${duckType(spec.type)}) AS value`
    await this.#context.at(this.#place(one.name), undefined, () => this.#context.tables.describe(sql))
  }

  #columns(prepared: Prepared): { feature: string; column: Column }[] {
    const { feature: one } = prepared
    const columns = columnsOfFeature(prepared, one.fitted)
    if (!columns) this.#complete = false
    return (columns ?? []).map(column => ({ feature: one.name, column }))
  }

  /** Of those that wait for each other or for nothing, the ones that do not merely wait for one that is wrong. */
  #tellWaiting(open: readonly Feature[], waiting: ReadonlyMap<Feature, ProblemError>): void {
    const waits = (one: Feature, names: Iterable<string>) =>
      [...names].some(name => waiting.get(one)?.message.includes(`column "${name}"`))
    const names = open.map(({ name }) => name)
    const own = open.filter(one => !waits(one, names) && !waits(one, this.#refused))
    const circle = this.#refused.size === 0 ? open : []
    for (const one of own.length > 0 ? own : circle)
      this.#refuse(one, waiting.get(one) ?? new MeshError('MESHWORK_FEATURES_INPUT', { reason: 'it cannot be made' }))
  }
}
