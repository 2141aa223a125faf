// What is judged, as SQL. Checks everything that can be known without reading data.

import { type Column, type EvaluateInput, MeshError } from '@meshwork/contracts'
import {
  checkCondition,
  type CheckedExpression,
  columnMissing,
  ident,
  isInteger,
  isNumeric,
  type Tables,
  text,
} from '@meshwork/kit'

export type Checker = Pick<Tables, 'expression'>
export type Request = Omit<EvaluateInput, 'dataset'>

export interface SliceTerm {
  readonly by: string
  readonly sql: string
}

export interface Judged {
  readonly target: CheckedExpression
  readonly prediction: CheckedExpression | undefined
  readonly where: string | undefined
  readonly slices: readonly SliceTerm[]
  /** Columns of the dataset that are read. */
  readonly reads: readonly string[]
}

const sliceValueLengthMax = 200

export const cannot = (reason: string) => new MeshError('MESHWORK_EVALUATE_REQUEST', { reason })

export async function judgedTerms(
  tables: Checker,
  request: Request,
  columns: readonly Column[],
  scores: readonly string[],
): Promise<Judged> {
  const target = await tables.expression(request.target, 'target', columns)
  const prediction =
    request.prediction === undefined ? undefined : await tables.expression(request.prediction, 'prediction', columns)
  const where = request.where === undefined ? undefined : await checkCondition(tables, request.where, 'where', columns)
  const slices: (SliceTerm & { columns: readonly string[] })[] = []
  for (const slice of request.slices ?? []) slices.push(await sliceTerm(tables, slice, columns))
  checkSliceNames(slices.map(({ by }) => by))
  const used = [target, ...(prediction ? [prediction] : []), ...(where ? [where] : []), ...slices]
  const read = new Set([...used.flatMap(term => term.columns), ...scores])
  return {
    target,
    prediction,
    where: where?.sql,
    slices: slices.map(({ by, sql }) => ({ by, sql })),
    reads: columns.map(({ name }) => name).filter(name => read.has(name)),
  }
}

export function checkSliceNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw cannot(`two slicings are called "${twice}"; give one of them another name with "as"`)
}

/** There must be something to judge. */
export function requirePrediction(kind: 'two-classes' | 'many-classes' | 'regression', request: Request): void {
  if (request.prediction !== undefined) return
  if (kind === 'regression') throw cannot('regression needs "prediction"')
  if (kind === 'two-classes' && request.score === undefined) throw cannot('two classes need "score" or "prediction"')
  if (kind === 'many-classes' && request.scores === undefined) throw cannot('classes need "prediction" or "scores"')
}

/** SQL of true where the labels are the positive class. Integers that are neither 0 nor 1 are told by `oddLabel`. */
export function positiveOf(what: string, term: CheckedExpression, positive: string | undefined): string {
  if (positive !== undefined && !(term.type === 'boolean')) return `(CAST(${term.sql} AS VARCHAR) = ${text(positive)})`
  if (term.type === 'boolean') return positive === 'false' ? `(NOT ${term.sql})` : term.sql
  if (isInteger(term.type)) return `(${term.sql} = 1)`
  throw cannot(
    `${what} is ${term.type}; say with "positive" which label is the positive class, or give an expression that is true for it`,
  )
}

/** SQL of true where an integer label is neither 0 nor 1. */
export const oddLabel = (term: CheckedExpression, positive: string | undefined): string =>
  positive === undefined && isInteger(term.type) ? `(${term.sql} NOT IN (0, 1))` : 'false'

export function requireNumber(what: string, term: CheckedExpression): CheckedExpression {
  if (isNumeric(term.type)) return term
  throw cannot(`${what} must be a number, but it is ${term.type}`)
}

export async function sliceTerm(
  tables: Checker,
  slice: NonNullable<Request['slices']>[number],
  columns: readonly Column[],
) {
  const cut = (sql: string) => `left(CAST(${sql} AS VARCHAR), ${sliceValueLengthMax})`
  if (typeof slice === 'string') {
    if (!columns.some(({ name }) => name === slice)) throw columnMissing('slices', slice, columns)
    return { by: slice, sql: cut(ident(slice)), columns: [slice] }
  }
  const checked = await tables.expression(slice.expression, `Slicing "${slice.as}"`, columns)
  return { by: slice.as, sql: cut(checked.sql), columns: checked.columns }
}
