// Outputs of a model as records. Pure.

import type { OnlineOutput } from '@meshwork/contracts'
import type { OipTensor } from '../oip/tensor.ts'
import type { NewColumn } from '../table/outputs.ts'

type Value = OnlineOutput['records'][number][string]

/** `tensors` have a row for each record. */
export function recordsOf(columns: readonly NewColumn[], tensors: readonly OipTensor[], rows: number) {
  const takes = columns.map(({ column, take }) => {
    const tensor = tensors.find(({ name }) => name === take.output)
    if (tensor === undefined || tensor.data.length % rows !== 0) throw new Error(`no rows of output "${take.output}"`)
    const width = tensor.data.length / rows
    return { name: column.name, type: column.type, data: tensor.data, width, place: take.place ?? 0 }
  })
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(
      takes.map(({ name, type, data, width, place }) => [name, plain(data[row * width + place], type === 'boolean')]),
    ),
  )
}

function plain(value: number | bigint | string | undefined, isBoolean: boolean): Value {
  if (isBoolean) return value !== 0
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  return value ?? null
}
