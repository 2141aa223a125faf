// Which columns fill which inputs, and how they are read. Pure.

import { closest, type Column, type ColumnType, type InferenceInput, MeshError } from '@meshwork/contracts'
import { columnMissing, ident, isInteger, isNumeric } from '@meshwork/kit'
import type { Signature } from '../model/signature.ts'
import { isFloat, type TensorType, tensorTypes } from '../model/tensor-type.ts'

export interface FilledInput {
  readonly name: string
  readonly type: TensorType
  /** Dimensions after the batch, all known. */
  readonly shape: readonly number[]
  readonly columns: readonly Column[]
}

export interface InputPlan {
  readonly inputs: readonly FilledInput[]
  /** Names of all columns that are read. */
  readonly names: readonly string[]
  /** Select list: one item for each column of each input, in order. */
  readonly select: string
  readonly rowBytes: number
}

type Request = Pick<InferenceInput, 'inputs' | 'nulls'>

export function planInputs(
  { inputs }: Signature,
  request: Request,
  columns: readonly Column[],
  at: { model: string; version: number },
): InputPlan {
  const refuse = (reason: string) => new MeshError('MESHWORK_INFERENCE_INPUTS', { ...at, reason })
  const names = inputs.map(({ name }) => name)
  for (const name of Object.keys(request.inputs ?? {}))
    if (!names.includes(name)) {
      const near = closest(name, names)
      throw refuse(
        `it has no input "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}; its inputs are: ${names.join(', ')}`,
      )
    }
  const filled = inputs.map(input => {
    const wanted = request.inputs?.[input.name] ?? input.columns
    if (wanted === undefined)
      throw refuse(
        `no columns are named for input "${input.name}"; name them in "inputs", for the manifest does not say`,
      )
    const found = wanted.map(name => {
      const column = columns.find(candidate => candidate.name === name)
      if (column === undefined) throw columnMissing(`Input "${input.name}"`, name, columns)
      if (!fits(column.type, input.type))
        throw new MeshError('MESHWORK_COLUMN_TYPE', {
          where: `Input "${input.name}" of model "${at.model}"`,
          column: name,
          expected: expectedOf(input.type),
          actual: column.type,
        })
      return column
    })
    const shape = shapeFor(input.shape, found.length)
    if (shape === undefined)
      throw refuse(
        `input "${input.name}" takes [${input.shape.join(', ')}] values for each row, but ${found.length} are named`,
      )
    return { name: input.name, type: input.type, shape, columns: found }
  })
  return {
    inputs: filled,
    names: [...new Set(filled.flatMap(input => input.columns.map(({ name }) => name)))],
    select: filled
      .flatMap(input => input.columns.map(({ name }) => read(name, input.type, request.nulls ?? 'refuse')))
      .map((sql, i) => `${sql} AS c${i}`)
      .join(', '),
    rowBytes: filled.reduce((sum, input) => sum + input.columns.length * tensorTypes[input.type].bytes, 0),
  }
}

/** Floats are never cut to integers here: that would be a silent loss. */
function fits(column: ColumnType, type: TensorType): boolean {
  if (type === 'string') return column === 'string'
  if (type === 'bool') return column === 'boolean'
  if (isFloat(type)) return isNumeric(column) || column === 'boolean'
  return isInteger(column) || column === 'boolean'
}

const expectedOf = (type: TensorType): string =>
  type === 'string'
    ? 'string'
    : type === 'bool'
      ? 'boolean'
      : isFloat(type)
        ? 'a number or boolean'
        : 'an integer or boolean'

/** The shape with its one open dimension filled, or undefined where the columns do not fit. */
function shapeFor(shape: readonly number[], columns: number): number[] | undefined {
  const open = shape.filter(size => size < 0).length
  const known = shape.filter(size => size >= 0).reduce((product, size) => product * size, 1)
  if (open > 1 || known === 0 || columns % known !== 0) return undefined
  if (open === 0) return known === columns ? [...shape] : undefined
  return shape.map(size => (size < 0 ? columns / known : size))
}

function read(name: string, type: TensorType, nulls: 'refuse' | 'nan'): string {
  const cast = `CAST(${ident(name)} AS ${tensorTypes[type].duck})`
  if (type === 'bool') return `CAST(${cast} AS UTINYINT)`
  return nulls === 'nan' && isFloat(type) ? `coalesce(${cast}, CAST('nan' AS ${tensorTypes[type].duck}))` : cast
}
