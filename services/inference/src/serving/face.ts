// A model as the protocol shows it: from the ONNX file, checked against the manifest. Pure.

import { MeshError, type ModelManifest } from '@meshwork/contracts'
import { datatypeOf } from '../oip/datatype.ts'
import type { ModelFace, TensorFace } from '../oip/tensor.ts'
import type { Declared, LoadAnswer } from '../session/messages.ts'

export function faceOf(manifest: ModelManifest, declared: LoadAnswer): ModelFace {
  const at = { model: manifest.name, version: manifest.version }
  const show = (
    what: string,
    found: Declared,
    said: { readonly type: string; readonly shape: readonly number[] } | undefined,
  ): TensorFace => {
    const refuse = (reason: string) => new MeshError('MESHWORK_INFERENCE_MODEL_UNSUPPORTED', { ...at, reason })
    const disagree = (reason: string) => new MeshError('MESHWORK_INFERENCE_SIGNATURE', { ...at, reason })
    const { name, tensor, type, shape } = found
    if (!tensor) throw refuse(`${what} "${name}" is a sequence or a map; export the model with tensors only`)
    const datatype = datatypeOf(type)
    if (datatype === undefined) throw refuse(`${what} "${name}" has elements of type ${type}`)
    if (said === undefined) throw disagree(`its ${what} "${name}" is not in the manifest`)
    if (said.type !== type) throw disagree(`${what} "${name}" is ${type} in the file and ${said.type} in the manifest`)
    if (shape.length === 0) return { name, datatype, shape: said.shape.length === 0 ? undefined : said.shape }
    const agrees =
      shape.length === said.shape.length &&
      shape.every((size, i) => size === -1 || said.shape[i] === -1 || size === said.shape[i])
    if (!agrees)
      throw disagree(
        `${what} "${name}" has the shape [${shape.join(', ')}] in the file and [${said.shape.join(', ')}] in the manifest`,
      )
    return { name, datatype, shape: shape.map((size, i) => (size === -1 ? (said.shape[i] as number) : size)) }
  }
  const side = (what: string, found: readonly Declared[], said: ModelManifest['outputs']): TensorFace[] => {
    const stranger = said.find(({ name }) => !found.some(one => one.name === name))
    if (stranger !== undefined)
      throw new MeshError('MESHWORK_INFERENCE_SIGNATURE', { ...at, reason: `it has no ${what} "${stranger.name}"` })
    return found.map(one =>
      show(
        what,
        one,
        said.find(({ name }) => name === one.name),
      ),
    )
  }
  return {
    name: manifest.name,
    version: String(manifest.version),
    inputs: side('input', declared.inputs, manifest.inputs),
    outputs: side('output', declared.outputs, manifest.outputs),
  }
}
