// The reference that lies with a version of a model.

import { readFile, stat } from 'node:fs/promises'
import { compile, ModelReference } from '@meshwork/contracts'
import type { ModelFace } from '../oip/tensor.ts'

const bytesMax = 16 * 1024 * 1024

/** Throws an Error that says what is wrong with the file. */
export async function readReference(path: string): Promise<ModelReference> {
  if ((await stat(path)).size > bytesMax) throw new Error(`the reference has more than ${bytesMax} bytes`)
  let read: unknown
  try {
    read = JSON.parse(await readFile(path, 'utf8'))
  } catch {
    throw new Error('the reference is not JSON')
  }
  const [fault] = compile(ModelReference).check(read)
  if (fault) throw new Error(`the reference is wrong: ${fault.pointer} ${fault.detail}`)
  const reference = read as ModelReference
  for (const { name, edges, values, counts } of reference.features) {
    const refuse = (reason: string) => new Error(`the reference is wrong: feature "${name}" ${reason}`)
    if ((edges === undefined) === (values === undefined)) throw refuse('has either edges or values')
    const bins = values?.length ?? (edges?.length ?? 0) + 1
    if (counts.length !== bins) throw refuse(`has ${counts.length} counts for ${bins} bins`)
    const order = values ?? edges ?? []
    if (order.some((value, i) => i > 0 && value <= (order[i - 1] as number))) throw refuse('is not ascending')
  }
  return reference
}

/** Throws where the reference is of another model. */
export function requireSameTensors(reference: ModelReference, face: ModelFace): void {
  for (const { side, tensor, name } of reference.features) {
    const tensors = side === 'input' ? face.inputs : face.outputs
    if (!tensors.some(one => one.name === tensor))
      throw new Error(`the reference is of another model: feature "${name}" is of ${side} "${tensor}"`)
  }
}
