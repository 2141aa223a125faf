// What a model takes and gives: read from the ONNX file and compared with its manifest. Pure.

import { MeshError, type ModelManifest } from '@meshwork/contracts'
import type { Declared, LoadAnswer } from '../session/messages.ts'
import { isTensorType, type TensorType } from './tensor-type.ts'

export interface ModelInput {
  readonly name: string
  readonly type: TensorType
  /** Dimensions after the batch; -1 where any size goes. */
  readonly shape: readonly number[]
  readonly columns: readonly string[] | undefined
}
export interface ModelOutput {
  readonly name: string
  readonly type: TensorType
  /** Values of a row; undefined where neither file nor manifest says. */
  readonly width: number | undefined
  /** Whether there is a second dimension to take places of. */
  readonly wide: boolean
  readonly labels: readonly string[] | undefined
}
export interface Signature {
  readonly inputs: readonly ModelInput[]
  readonly outputs: readonly ModelOutput[]
  /** Rows that every run must have; undefined where any number goes. */
  readonly batch: number | undefined
}

type Described = ModelManifest['inputs'][number] | ModelManifest['outputs'][number]

/** Throws for what cannot be run on columns, and where the manifest says another thing than the file. */
export function signatureOf(manifest: ModelManifest, declared: LoadAnswer): Signature {
  const at = { model: manifest.name, version: manifest.version }
  const unsupported = (reason: string) => new MeshError('MESHWORK_INFERENCE_MODEL_UNSUPPORTED', { ...at, reason })
  const disagree = (reason: string) => new MeshError('MESHWORK_INFERENCE_SIGNATURE', { ...at, reason })

  const pair = <T extends Described>(what: string, found: readonly Declared[], described: readonly T[]) => {
    const names = (values: readonly { name: string }[]) => values.map(({ name }) => name).join(', ') || 'none'
    const stranger = described.find(({ name }) => !found.some(value => value.name === name))
    if (stranger) throw disagree(`it has no ${what} "${stranger.name}", its ${what}s are ${names(found)}`)
    return found.map(value => {
      const said = described.find(({ name }) => name === value.name)
      if (said === undefined) throw disagree(`its ${what} "${value.name}" is not in the manifest (${names(described)})`)
      if (!value.tensor)
        throw unsupported(
          `${what} "${value.name}" is a sequence or a map; export the model with tensors only (skl2onnx: options={"zipmap": False})`,
        )
      if (!isTensorType(value.type)) throw unsupported(`${what} "${value.name}" has elements of type ${value.type}`)
      if (said.type !== value.type)
        throw disagree(`${what} "${value.name}" is ${value.type} in the file and ${said.type} in the manifest`)
      if (value.shape.length > 0 && !compatible(value.shape, said.shape))
        throw disagree(
          `${what} "${value.name}" has the shape [${value.shape.join(', ')}] in the file and [${said.shape.join(', ')}] in the manifest`,
        )
      if (said.shape.length === 0) throw unsupported(`${what} "${value.name}" is one value, without a row for each row`)
      const shape = value.shape.length === 0 ? said.shape : value.shape.map((size, i) => narrower(size, said.shape[i]))
      return { name: value.name, type: value.type, shape, said }
    })
  }

  const inputs = pair('input', declared.inputs, manifest.inputs)
  const outputs = pair('output', declared.outputs, manifest.outputs)
  const batches = new Set(inputs.map(({ shape }) => shape[0] as number).filter(size => size >= 0))
  if (batches.size > 1) throw unsupported(`its inputs have different fixed batches (${[...batches].join(', ')})`)
  const [batch] = batches
  if (batch === 0) throw unsupported('its batch is fixed to 0 rows')
  return {
    batch,
    inputs: inputs.map(({ name, type, shape, said }) => ({ name, type, shape: shape.slice(1), columns: said.columns })),
    outputs: outputs.map(({ name, type, shape, said }) => ({
      name,
      type,
      width: widthOf(shape.slice(1)),
      wide: shape.length > 1,
      labels: said.labels,
    })),
  }
}

const compatible = (found: readonly number[], said: readonly number[]): boolean =>
  found.length === said.length && found.every((size, i) => size === -1 || said[i] === -1 || size === said[i])
const narrower = (found: number, said: number | undefined): number => (found === -1 ? (said ?? -1) : found)
const widthOf = (shape: readonly number[]): number | undefined =>
  shape.some(size => size < 0) ? undefined : shape.reduce((product, size) => product * size, 1)
