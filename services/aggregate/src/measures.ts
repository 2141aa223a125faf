// Measures as SQL. Each is an aggregate over one value; the rows that its `where` leaves out give null there, which
// every aggregate passes over, and `of` is not computed for them.

import { type Column, type Measure, MeshError } from '@meshwork/contracts'
import { checkCondition, type CheckedExpression, isInteger, isNumeric, literal, type Tables } from '@meshwork/kit'
import type { Term } from './keys.ts'

export interface MeasureTerm extends Term {
  /** The aggregate over the value, which stands under the given name. */
  aggregate(value: string): string
}

const needsNumber = new Set<Measure['measure']>(['sum', 'mean', 'stddev', 'median', 'quantile'])

export async function measureTerm(
  tables: Pick<Tables, 'expression'>,
  name: string,
  measure: Measure,
  columns: readonly Column[],
): Promise<MeasureTerm> {
  const place = `Measure "${name}"`
  const refuse = (reason: string) =>
    new MeshError('MESHWORK_AGGREGATE_MEASURE', { measure: name, kind: measure.measure, reason })
  if (measure.of === undefined && measure.measure !== 'count') throw refuse('it needs "of", the values it is about')
  if (measure.measure === 'quantile' && measure.quantile === undefined)
    throw refuse('it needs "quantile", from 0 to 1; 0.9 is the 90th percentile')
  if (measure.measure !== 'quantile' && measure.quantile !== undefined)
    throw refuse('it takes no "quantile"; use the measure "quantile"')
  const of = measure.of === undefined ? undefined : await tables.expression(measure.of, place, columns)
  if (of && needsNumber.has(measure.measure) && !isNumeric(of.type))
    throw refuse(
      `"of" must be a number, but ${measure.of} is ${of.type}${of.type === 'boolean' ? '; use "share"' : ''}`,
    )
  if (of && measure.measure === 'share' && of.type !== 'boolean')
    throw refuse(`"of" must be true or false, but ${measure.of} is ${of.type}`)
  const where =
    measure.where === undefined ? undefined : await checkCondition(tables, measure.where, `${place}, where`, columns)
  const value = valueOf(measure, of)
  return {
    name,
    sql: where ? `CASE WHEN ${where.sql} THEN ${value} END` : value,
    columns: [...(of?.columns ?? []), ...(where?.columns ?? [])],
    aggregate: held => aggregates[measure.measure](held, measure.quantile ?? 0.5),
  }
}

function valueOf({ measure }: Measure, of: CheckedExpression | undefined): string {
  if (of === undefined) return '1'
  if (measure === 'share') return `CASE WHEN ${of.sql} THEN 1 ELSE 0 END`
  if (measure === 'stddev' || measure === 'median' || measure === 'quantile') return `CAST(${of.sql} AS DOUBLE)`
  if ((measure === 'sum' || measure === 'mean') && !isInteger(of.type)) return `CAST(${of.sql} AS DOUBLE)`
  return of.sql
}

const aggregates: Record<Measure['measure'], (value: string, quantile: number) => string> = {
  count: value => `count(${value})`,
  countDistinct: value => `count(DISTINCT ${value})`,
  sum: value => `sum(${value})`,
  min: value => `min(${value})`,
  max: value => `max(${value})`,
  mean: value => `avg(${value})`,
  share: value => `avg(${value})`,
  stddev: value => `stddev_samp(${value})`,
  median: value => `quantile_cont(${value}, 0.5)`,
  quantile: (value, quantile) => `quantile_cont(${value}, ${literal(quantile)})`,
}
