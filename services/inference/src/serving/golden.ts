// Golden rows: inputs and the answers that whoever published the model got for them. A version that answers otherwise
// is not served.

import { readFile, stat } from 'node:fs/promises'
import { readJsonTensor } from '../oip/json-tensor.ts'
import { readJson } from '../oip/read-json.ts'
import type { ModelFace, OipTensor, TensorFace } from '../oip/tensor.ts'
import type { Value } from '../session/messages.ts'

export interface Golden {
  readonly inputs: readonly OipTensor[]
  readonly outputs: readonly OipTensor[]
}

const bytesMax = 64 * 1024 * 1024
const closeness = 1e-4

/** Throws where the file is not of golden rows for this model. */
export async function readGolden(path: string, face: ModelFace): Promise<Golden> {
  if ((await stat(path)).size > bytesMax) throw new Error(`the golden rows have more than ${bytesMax} bytes`)
  const tree = readJson(await readFile(path, 'utf8'), 'the file of golden rows') as Record<
    string,
    Record<string, unknown>
  >
  const side = (key: 'inputs' | 'outputs', faces: readonly TensorFace[]): OipTensor[] =>
    faces.flatMap(one => {
      const data = tree[key]?.[one.name]
      if (data !== undefined) return [tensorOf(one, data)]
      if (key === 'outputs') return []
      throw new Error(`the golden rows have no input "${one.name}"`)
    })
  return { inputs: side('inputs', face.inputs), outputs: side('outputs', face.outputs) }
}

function tensorOf({ name, datatype }: TensorFace, nested: unknown): OipTensor {
  const shape: number[] = []
  for (let level = nested; Array.isArray(level) && shape.length < 8; level = level[0]) shape.push(level.length)
  const elements = shape.reduce((product, size) => product * size, 1)
  return { name, datatype, shape, data: readJsonTensor(datatype, elements, nested, name) }
}

/** What differs, in words; undefined where all is close. */
export function differenceOf(golden: Golden, answers: readonly Value[]): string | undefined {
  for (const { name, data } of golden.outputs) {
    const got = answers.find(answer => answer.name === name)?.data
    if (got?.length !== data.length)
      return `output "${name}" has ${got?.length ?? 'no'} values instead of ${data.length}`
    for (let i = 0; i < data.length; i++)
      if (!close(data[i], got[i]))
        return `value ${i} of output "${name}" is ${String(got[i])} instead of ${String(data[i])}`
  }
  return undefined
}

function close(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || a === b) return true
  return typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= closeness * Math.max(1, Math.abs(a))
}
