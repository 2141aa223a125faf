// Columns of a result as the tensors that a model takes: rows side by side.

import { MeshError } from '@meshwork/contracts'
import type { Chunks } from '@meshwork/kit'
import { isFloat, tensorTypes } from '../model/tensor-type.ts'
import type { InputPlan } from '../table/inputs.ts'
import type { MadeInput } from './messages.ts'

interface Vector {
  readonly items?: ArrayLike<number | bigint>
  readonly validity: { readonly data: unknown; itemValid(index: number): boolean }
  getItem(index: number): unknown
}

/** Throws MESHWORK_INFERENCE_NULLS for the first column that has any. */
export async function readInputs(chunks: Chunks, { inputs }: InputPlan, rows: number): Promise<MadeInput[]> {
  const made = inputs.map(({ name, type, shape, columns }) => ({
    name,
    type,
    shape: [rows, ...shape],
    data: tensorTypes[type].make(rows * columns.length),
  }))
  const places = inputs.flatMap(({ columns }, input) => columns.map(({ name }, at) => ({ name, input, at })))
  const nulls = places.map(() => 0)
  let from = 0
  for (;;) {
    const chunk = await chunks.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) break
    for (const [i, { input, at }] of places.entries()) {
      const vector = chunk.getColumnVector(i) as unknown as Vector
      nulls[i] = (nulls[i] as number) + nullsIn(vector, chunk.rowCount)
      const { data } = made[input] as MadeInput
      const width = (inputs[input] as InputPlan['inputs'][number]).columns.length
      const target = data as Float32Array // the select gives the type of the tensor
      for (let row = 0, place = from * width + at; row < chunk.rowCount; row++, place += width)
        if (vector.items === undefined) (data as string[])[place] = vector.getItem(row) as string
        else target[place] = (vector.items as Float32Array)[row] as number
    }
    from += chunk.rowCount
  }
  if (from !== rows) throw new Error(`${from} rows were made of ${rows} records`)
  const withNull = nulls.findIndex(count => count > 0)
  if (withNull < 0) return made
  const { name, input } = places[withNull] as (typeof places)[number]
  const { type, name: filled } = made[input] as MadeInput
  throw new MeshError('MESHWORK_INFERENCE_NULLS', {
    column: name,
    input: filled,
    count: nulls[withNull] as number,
    wayOut: isFloat(type) ? ', or send NaN for them with nulls: "nan" if the model knows missing values' : '',
  })
}

function nullsIn({ validity }: Vector, rows: number): number {
  if (validity.data === null) return 0
  let count = 0
  for (let i = 0; i < rows; i++) if (!validity.itemValid(i)) count++
  return count
}
