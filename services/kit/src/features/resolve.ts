// From features to new columns, in rounds: a round takes every feature whose columns are there, checks all of them,
// then fits them side by side. Features of `columns` may stand in any order, since keys of JSON objects have none.

import { type Column, type Fitted, type FittedFeatures, MeshError } from '@meshwork/contracts'
import type { CheckedExpression } from '../data/expression/check.ts'
import {
  type Feature,
  learns,
  type Output,
  placeOf,
  type Prepared,
  specInvalid,
  type FeatureTables,
  type FeatureRows,
} from './feature.ts'
import { fit } from './fit.ts'
import { named } from './guilty.ts'
import { nest, wholeOf } from './nest.ts'
import { prepare } from './prepare.ts'
import { makeRolling } from './rolling.ts'
import { transform } from './transform.ts'

/** DuckDB limits the depth of a statement. */
const levelsMax = 50

export interface Resolved {
  readonly outputs: readonly Output[]
  /** In the order in which they were made. */
  readonly features: FittedFeatures['columns']
}

export interface ResolveOptions {
  /** Rows to fit on: a condition over the dataset, and how many they are. Without it nothing is fitted. */
  readonly fitOn?: { readonly where: CheckedExpression | undefined; readonly rows: number }
  readonly step: (message: string) => void
  /** Told the reason where the columns of the features that are left never come; without it that is an error. */
  readonly leave?: (error: unknown) => void
}

export async function resolve(
  tables: FeatureTables,
  dataset: FeatureRows,
  features: readonly Feature[],
  options: ResolveOptions,
): Promise<Resolved> {
  const outputs: Output[] = []
  const made: FittedFeatures['columns'] = []
  let open = [...features]
  for (let round = 0; open.length > 0; round++) {
    const scope = [...dataset.columns, ...outputs.map(({ column }) => column)]
    const { ready, missing } = await readyOf(tables, open, scope, options.fitOn !== undefined)
    if (ready.length === 0) {
      if (options.leave === undefined) throw missing
      options.leave(missing)
      break
    }
    open = open.filter(feature => !ready.some(one => one.feature === feature))
    options.step(`features ${ready.map(({ feature }) => feature.name).join(', ')}`.slice(0, 200))
    const learnt = await learn(tables, dataset, ready, outputs, options)
    const rowsOf = (columns: readonly string[]) => `(${nest(wholeOf(dataset), outputs, columns)})`
    const rolled = ready.filter(({ feature }) => feature.spec.kind === 'rolling')
    const fresh: Output[] = await makeRolling(tables, rolled, rowsOf, `rolling_${round}`)
    for (const [i, prepared] of ready.entries()) {
      const { feature, reads } = prepared
      const fitted = learnt[i] as Fitted
      made.push({ name: feature.name, spec: feature.written, ...(learns(feature.spec) ? { fitted } : {}) })
      if (feature.spec.kind === 'rolling') continue
      const level = 1 + Math.max(0, ...reads.map(read => levelOf(read, outputs)))
      if (level > levelsMax) throw specInvalid(prepared.where, `it stands on more than ${levelsMax} features in a row`)
      const columns = await transform(tables, prepared, fitted, `feature_${round}_${i}`)
      fresh.push(...columns.map(({ column, sql }) => ({ feature: feature.name, column, sql, reads, level })))
    }
    for (const output of fresh) refuseKnown(output, scope, fresh)
    outputs.push(...fresh)
  }
  // Shown in the order of the artefact: the one that is written, or the one that was given.
  const place = new Map((options.fitOn === undefined ? features : made).map(({ name }, i) => [name, i]))
  const placeOfOutput = ({ feature }: Output) => place.get(feature) ?? made.length
  return { outputs: outputs.toSorted((a, b) => placeOfOutput(a) - placeOfOutput(b)), features: made }
}

/** Those whose columns are all there, and the first reason why another is not among them. */
async function readyOf(
  tables: FeatureTables,
  open: readonly Feature[],
  scope: readonly Column[],
  fits: boolean,
): Promise<{ ready: Prepared[]; missing: unknown }> {
  const ready: Prepared[] = []
  let missing: unknown
  for (const feature of open) {
    try {
      ready.push(await prepare(tables, feature, scope, fits))
    } catch (error) {
      if (!(error instanceof MeshError && error.code === 'MESHWORK_COLUMN_MISSING')) throw error
      missing ??= error
    }
  }
  return { ready, missing }
}

async function learn(
  tables: FeatureTables,
  dataset: FeatureRows,
  ready: readonly Prepared[],
  outputs: readonly Output[],
  { fitOn }: ResolveOptions,
): Promise<Fitted[]> {
  if (fitOn === undefined) return ready.map(({ feature }) => feature.fitted ?? {})
  const rows = {
    rows: fitOn.rows,
    from: (columns: readonly string[]) => `(${nest(wholeOf(dataset), outputs, columns, fitOn.where)})`,
  }
  return await tables.session.each(ready, (one, lane) =>
    fit(tables, one, rows, lane).catch((error: unknown) => {
      throw named(error, one.feature.name)
    }),
  )
}

const levelOf = (name: string, outputs: readonly Output[]): number =>
  outputs.find(({ column }) => column.name === name)?.level ?? 0

export function refuseKnown(
  { column, feature }: Pick<Output, 'column' | 'feature'>,
  scope: readonly Column[],
  fresh: readonly Pick<Output, 'column'>[],
): void {
  const lower = column.name.toLowerCase()
  const twice = fresh.filter(other => other.column.name.toLowerCase() === lower).length > 1
  if (!twice && !scope.some(({ name }) => name.toLowerCase() === lower)) return
  throw new MeshError('MESHWORK_COLUMN_EXISTS', { where: placeOf(feature), column: column.name })
}
