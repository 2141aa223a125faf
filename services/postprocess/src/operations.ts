// The columns that an operation makes, as SQL over the columns before it. Pure.

import { type Column, MeshError, type PostprocessOperation } from '@meshwork/contracts'
import { columnMissing, ident, isNumeric, literal, text } from '@meshwork/kit'
import type { Made } from './made.ts'

type Operation<K extends PostprocessOperation['operation']> = Extract<PostprocessOperation, { operation: K }>

/** `where` names the place, as in `Operation 2 (threshold)`. */
export function makeColumns(
  operation: Exclude<PostprocessOperation, { operation: 'calibrate' }>,
  columns: readonly Column[],
  where: string,
): Made[] {
  switch (operation.operation) {
    case 'threshold':
      return [threshold(operation, columns, where)]
    case 'label':
      return [label(operation, columns, where)]
    case 'argmax':
      return argmax(operation, columns, where)
    case 'topK':
      return topK(operation, columns, where)
  }
}

export function refuse(where: string, reason: string): MeshError {
  return new MeshError('MESHWORK_POSTPROCESS_OPERATION', { where, reason })
}

/** A column that holds numbers; throws where it is missing or does not. */
export function numeric(name: string, columns: readonly Column[], where: string): Column {
  const column = columns.find(candidate => candidate.name === name)
  if (!column) throw columnMissing(where, name, columns)
  if (!isNumeric(column.type))
    throw new MeshError('MESHWORK_COLUMN_TYPE', { where, column: name, expected: 'a number', actual: column.type })
  return column
}

function threshold(
  { column, as, thresholds, labels }: Operation<'threshold'>,
  columns: readonly Column[],
  where: string,
): Made {
  numeric(column, columns, where)
  if (labels.length !== thresholds.length + 1)
    throw refuse(
      where,
      `${thresholds.length} thresholds make ${thresholds.length + 1} bands, but there are ${labels.length} labels`,
    )
  if (thresholds.some((bound, i) => i > 0 && bound <= (thresholds[i - 1] as number)))
    throw refuse(where, 'the thresholds must rise')
  const name = ident(column)
  const bands = thresholds.map((bound, i) => `WHEN ${name} < ${literal(bound)} THEN ${text(labels[i] as string)}`)
  return made(
    as,
    'string',
    `CASE WHEN ${name} IS NULL OR isnan(${name}::DOUBLE) THEN NULL ${bands.join(' ')} ELSE ${text(labels.at(-1) as string)} END`,
  )
}

function label({ column, as, labels }: Operation<'label'>, columns: readonly Column[], where: string): Made {
  numeric(column, columns, where)
  const cases = labels.map((name, i) => `WHEN ${i} THEN ${text(name)}`)
  return made(as, 'string', `CASE ${ident(column)} ${cases.join(' ')} END`)
}

function argmax(
  { columns: scores, as, labels, scoreAs }: Operation<'argmax'>,
  columns: readonly Column[],
  where: string,
): Made[] {
  const names = labelsOf(scores, labels, columns, where)
  const best = `greatest(${scores.map(score).join(', ')})`
  const cases = scores.map((name, i) => `WHEN ${score(name)} = ${best} THEN ${text(names[i] as string)}`)
  return [
    made(as, 'string', `CASE ${cases.join(' ')} END`),
    ...(scoreAs === undefined ? [] : [made(scoreAs, 'float64', best)]),
  ]
}

function topK(
  { columns: scores, k, as, labels }: Operation<'topK'>,
  columns: readonly Column[],
  where: string,
): Made[] {
  const names = labelsOf(scores, labels, columns, where)
  if (k > scores.length) throw refuse(where, `k is ${k}, but there are ${scores.length} columns`)
  // Pairs sorted by score, the highest first, and by place: a list of (−score, place), nulls left out.
  const pairs = scores.map(
    (name, i) => `CASE WHEN ${score(name)} IS NULL THEN NULL ELSE {'s': -${score(name)}, 'i': ${i + 1}} END`,
  )
  const sorted = `list_sort(list_filter([${pairs.join(', ')}], lambda pair: pair IS NOT NULL))`
  const list = `[${names.map(text).join(', ')}]`
  return Array.from({ length: k }, (_, place) => [
    made(`${as}_${place + 1}`, 'string', `${list}[(${sorted})[${place + 1}].i]`),
    made(`${as}_${place + 1}_score`, 'float64', `-(${sorted})[${place + 1}].s`),
  ]).flat()
}

function labelsOf(
  scores: readonly string[],
  labels: readonly string[] | undefined,
  columns: readonly Column[],
  where: string,
): readonly string[] {
  for (const name of scores) numeric(name, columns, where)
  if (labels !== undefined && labels.length !== scores.length)
    throw refuse(where, `${scores.length} columns need as many labels, but there are ${labels.length}`)
  return labels ?? scores
}

/** A score as a number; NaN counts as missing. */
const score = (name: string): string =>
  `CASE WHEN isnan(${ident(name)}::DOUBLE) THEN NULL ELSE ${ident(name)}::DOUBLE END`

const made = (name: string, type: Column['type'], sql: string): Made => ({ column: { name, type }, sql })
