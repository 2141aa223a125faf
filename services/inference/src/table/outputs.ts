// Which new columns the outputs of a model become. Pure.

import { closest, type Column, columnNameMaxLength, type InferenceInput, MeshError } from '@meshwork/contracts'
import type { ModelOutput, Signature } from '../model/signature.ts'
import { type TensorType, tensorTypes } from '../model/tensor-type.ts'
import type { Take } from '../session/messages.ts'

export interface NewColumn {
  readonly column: Column
  readonly type: TensorType
  readonly take: Take
}

export const newColumnsMax = 256

export function planOutputs(
  { outputs }: Signature,
  wanted: InferenceInput['outputs'],
  existing: readonly Column[],
  at: { model: string; version: number },
): NewColumn[] {
  const refuse = (reason: string) => new MeshError('MESHWORK_INFERENCE_OUTPUTS', { ...at, reason })
  const make = (output: ModelOutput, name: string, place?: number): NewColumn => ({
    column: { name, type: tensorTypes[output.type].column },
    type: output.type,
    take: { output: output.name, ...(place === undefined ? {} : { place }) },
  })

  const asked = (): NewColumn[] =>
    Object.entries(wanted ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { output: from, index }]) => {
        const output = outputs.find(candidate => candidate.name === from)
        const names = outputs.map(candidate => candidate.name)
        if (output === undefined) {
          const near = closest(from, names)
          throw refuse(
            `there is no output "${from}"${near === undefined ? '' : `; did you mean "${near}"?`}; outputs are: ${names.join(', ')}`,
          )
        }
        if (index === undefined) {
          if (output.width !== undefined && output.width !== 1)
            throw refuse(`output "${from}" has ${output.width} values for each row; say which with "index" (from 0)`)
          return make(output, name)
        }
        if (!output.wide && index > 0) throw refuse(`output "${from}" has one value for each row, so no index ${index}`)
        if (output.width !== undefined && index >= output.width)
          throw refuse(`output "${from}" has ${output.width} values for each row, so no index ${index}`)
        return make(output, name, output.wide ? index : undefined)
      })

  const all = (): NewColumn[] =>
    outputs.flatMap(output => {
      if (output.width === undefined)
        throw refuse(`how many values output "${output.name}" has is not known; name those you want in "outputs"`)
      if (output.width === 1) return [make(output, output.name)]
      if (output.width > newColumnsMax)
        throw refuse(
          `output "${output.name}" has ${output.width} values for each row; name those you want in "outputs" (at most ${newColumnsMax})`,
        )
      const labels = output.labels?.length === output.width ? output.labels : undefined
      return Array.from({ length: output.width }, (_, i) => make(output, `${output.name}_${labels?.[i] ?? i}`, i))
    })

  const columns = wanted === undefined ? all() : asked()
  if (columns.length > newColumnsMax)
    throw refuse(`they are ${columns.length} columns, more than ${newColumnsMax}; name those you want in "outputs"`)
  const taken = new Set(existing.map(({ name }) => name.toLowerCase()))
  for (const { column, take } of columns) {
    if (column.name.length > columnNameMaxLength || column.name === '')
      throw refuse(`"${column.name.slice(0, 40)}…" is no name for a column; name the columns in "outputs"`)
    if (taken.has(column.name.toLowerCase()))
      throw new MeshError('MESHWORK_COLUMN_EXISTS', { where: `Output "${take.output}"`, column: column.name })
    taken.add(column.name.toLowerCase())
  }
  return columns
}
