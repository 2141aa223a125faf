// Checks a feature against the columns that are there. Reads no data.

import { type Column, type ColumnType, MeshError } from '@meshwork/contracts'
import { isNumeric } from '../data/column-type.ts'
import { columnMissing } from '../data/expression/check.ts'
import type { Tables } from '../data/tables.ts'
import { type Feature, placeOf, type Prepared, type Spec, type SpecOf, specInvalid } from './feature.ts'

/**
 * Throws MESHWORK_COLUMN_MISSING where a column is not in scope (yet). What is only learnt from need not be there when
 * nothing is to be fitted: flights that are still to come have no delay.
 */
export async function prepare(
  tables: Pick<Tables, 'expression'>,
  feature: Feature,
  scope: readonly Column[],
  fits: boolean,
): Promise<Prepared> {
  const { name, spec } = feature
  const where = placeOf(name)
  if (spec.kind === 'expression') {
    const expression = await tables.expression(spec.expression, where, scope)
    return { feature, where, column: undefined, expression, reads: expression.columns, learnsFrom: [] }
  }
  const find = (wanted: string): Column => {
    const column = scope.find(candidate => candidate.name === wanted)
    if (!column) throw columnMissing(where, wanted, scope)
    return column
  }
  const column = find(spec.column)
  checkSpec(spec, column, where)
  if (spec.kind === 'target' && fits) {
    const expression = await tables.expression(spec.target, `${where} target`, scope)
    if (expression.type !== 'boolean' && !isNumeric(expression.type))
      throw specInvalid(where, `the target gives ${expression.type}, but it must be a number, or true or false`)
    return { feature, where, column, expression, reads: [column.name], learnsFrom: expression.columns }
  }
  const also =
    spec.kind === 'rolling' ? [spec.orderBy, ...(spec.partitionBy ?? [])].map(wanted => find(wanted).name) : []
  return { feature, where, column, expression: undefined, reads: [column.name, ...also], learnsFrom: [] }
}

function checkSpec(spec: Exclude<Spec, { kind: 'expression' }>, column: Column, where: string): void {
  const needs = (fits: (type: ColumnType) => boolean, expected: string) => {
    if (!fits(column.type))
      throw new MeshError('MESHWORK_COLUMN_TYPE', { where, column: column.name, expected, actual: column.type })
  }
  switch (spec.kind) {
    case 'datePart':
      return checkDatePart(spec, where, needs)
    case 'standard':
      return needs(isNumeric, 'a number')
    case 'minMax':
      if ((spec.min ?? 0) >= (spec.max ?? 1)) throw specInvalid(where, '"min" must be below "max"')
      return needs(isNumeric, 'a number')
    case 'bins':
      if ((spec.edges === undefined) === (spec.count === undefined))
        throw specInvalid(where, 'it needs either "edges" or "count"')
      if (spec.edges?.some((edge, i, edges) => i > 0 && edge <= (edges[i - 1] as number)))
        throw specInvalid(where, '"edges" must ascend, each above the one before')
      return needs(isNumeric, 'a number')
    case 'rolling':
      return spec.measure === 'count' ? undefined : needs(isNumeric, 'a number')
    case 'oneHot':
    case 'ordinal':
    case 'frequency':
    case 'target':
      return undefined
  }
}

const clockParts = new Set<SpecOf<'datePart'>['part']>(['hour', 'minute', 'minuteOfDay', 'second'])

function checkDatePart(
  spec: SpecOf<'datePart'>,
  where: string,
  needs: (fits: (type: ColumnType) => boolean, expected: string) => void,
): void {
  const clock = clockParts.has(spec.part)
  const types = clock ? ['timestamp', 'timestamptz', 'time'] : ['timestamp', 'timestamptz', 'date']
  needs(type => types.includes(type), types.join(' or '))
  if (spec.cyclic !== undefined && (spec.part === 'year' || spec.part === 'epoch'))
    throw specInvalid(where, `"${spec.part}" does not come round, so it has no ${spec.cyclic}`)
}
