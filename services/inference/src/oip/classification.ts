import { badRequest } from './fault.ts'
import type { OipTensor } from './tensor.ts'

/** The k largest values of each row as texts `value:index` or `value:index:label`; equal ones in their order. */
export function classify(tensor: OipTensor, k: number, labels: readonly string[] | undefined): OipTensor {
  const { name, datatype, shape, data } = tensor
  if (datatype === 'BYTES' || datatype === 'BOOL' || datatype === 'FP16')
    throw badRequest(`output '${name}' is ${datatype}, of which there is no classification`)
  const rows = shape.length > 1 ? (shape[0] as number) : 1
  const width = rows === 0 ? 0 : data.length / rows
  const shown = Math.min(k, width)
  const values = data as ArrayLike<number | bigint>
  const texts: string[] = []
  for (let row = 0; row < rows; row++) {
    const value = (i: number) => values[row * width + i] as number | bigint
    const order = Array.from({ length: width }, (_, i) => i).sort((a, b) => {
      const [left, right] = [value(a), value(b)]
      return left < right ? 1 : left > right ? -1 : a - b
    })
    for (const i of order.slice(0, shown)) {
      const label = labels?.[i]
      const number = datatype === 'FP32' || datatype === 'FP64' ? (value(i) as number).toFixed(6) : String(value(i))
      texts.push(label === undefined ? `${number}:${i}` : `${number}:${i}:${label}`)
    }
  }
  return { name, datatype: 'BYTES', shape: shape.length > 1 ? [rows, shown] : [shown], data: texts }
}
