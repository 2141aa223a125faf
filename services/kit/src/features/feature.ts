// A feature as it was asked for, and the columns it becomes.

import type { Column, Fitted, FittedFeatures, FeatureSpec } from '@meshwork/contracts'
import { MeshError } from '@meshwork/contracts'
import type { Dataset } from '../data/dataset.ts'
import type { CheckedExpression } from '../data/expression/check.ts'
import type { Tables } from '../data/tables.ts'

export type Spec = Exclude<FeatureSpec, string>
export type SpecOf<K extends Spec['kind']> = Extract<Spec, { kind: K }>

/** What features need of tables and of a dataset: those of a stage, or rows that came with a request. */
export type FeatureTables = Pick<Tables, 'session' | 'expression' | 'query'>
export type FeatureRows = Pick<Dataset, 'columns' | 'rows' | 'from'>

export interface Feature {
  readonly name: string
  /** As it was written, for the artefact. */
  readonly written: FeatureSpec
  readonly spec: Spec
  /** What an artefact says was learnt. */
  readonly fitted: Fitted | undefined
}

/** A feature of which all columns are known. */
export interface Prepared {
  readonly feature: Feature
  readonly where: string
  /** The column it looks at; not for expressions. */
  readonly column: Column | undefined
  /** The expression, or the target. */
  readonly expression: CheckedExpression | undefined
  /** Columns that it is made from. */
  readonly reads: readonly string[]
  /** Columns that it learns from. */
  readonly learnsFrom: readonly string[]
}

/** A new column: SQL over columns that stand on a lower level, or a column of a table made for it. */
export interface Output {
  /** Name of the feature it belongs to. */
  readonly feature: string
  readonly column: Column
  readonly sql: string
  readonly reads: readonly string[]
  /** 0 stands beside the columns of the dataset. */
  readonly level: number
  /** Table with one row for each row of the dataset, in order, with the place of the row as `r`. */
  readonly table?: string
}

const needsFit = new Set<Spec['kind']>(['oneHot', 'ordinal', 'frequency', 'target', 'standard', 'minMax', 'bins'])

export const learns = ({ kind }: Spec): boolean => needsFit.has(kind)

export function feature({ name, spec, fitted }: FittedFeatures['columns'][number]): Feature {
  const full: Spec = typeof spec === 'string' ? { kind: 'expression', expression: spec } : spec
  return { name, written: spec, spec: full, fitted }
}

export const placeOf = (name: string): string => `Feature "${name}"`

export const specInvalid = (where: string, reason: string): MeshError =>
  new MeshError('MESHWORK_FEATURES_SPEC', { where, reason })
