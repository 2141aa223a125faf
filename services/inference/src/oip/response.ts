// The answer to a request for inference: JSON, and behind it the bytes of the outputs that were asked for in binary.
// Pure.

import { writeBinaryTensor } from './binary-tensor.ts'
import { classify } from './classification.ts'
import { OipFault } from './fault.ts'
import { writeJsonTensor } from './json-tensor.ts'
import type { InferRequest } from './request.ts'
import type { OipTensor } from './tensor.ts'

export interface InferAnswer {
  /** JSON as text where nothing follows it: it then goes to the socket in one piece with the headers. */
  readonly body: Buffer | string
  /** Length of the JSON where tensors follow it. */
  readonly headerLength: number | undefined
}

export interface Answering {
  readonly model: string
  readonly version: string
  /** Labels of the classes of an output. */
  readonly labels: (output: string) => readonly string[] | undefined
}

export function writeInferAnswer(
  { model, version, labels }: Answering,
  request: Pick<InferRequest, 'id' | 'outputs'>,
  tensors: readonly OipTensor[],
): InferAnswer {
  const binaries: Buffer[] = []
  const outputs = request.outputs.map(({ name, binary, classes }) => {
    const found = tensors.find(tensor => tensor.name === name)
    if (found === undefined) throw new OipFault(500, `model '${model}' gave no output '${name}'`)
    const tensor = classes === undefined ? found : classify(found, classes, labels(name))
    const { datatype, shape, data } = tensor
    const head = `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join()}]`
    if (binary) {
      const bytes = writeBinaryTensor(datatype, data)
      binaries.push(bytes)
      return `${head},"parameters":{"binary_data_size":${bytes.length}}}`
    }
    if (datatype === 'FP16')
      throw new OipFault(
        400,
        `sending FP16 data via JSON is not supported. Please use the binary data format for output '${name}'`,
      )
    return `${head},"data":${writeJsonTensor(datatype, data)}}`
  })
  const id = request.id === undefined ? '' : `"id":${JSON.stringify(request.id)},`
  const text = `{${id}"model_name":${JSON.stringify(model)},"model_version":${JSON.stringify(version)},"outputs":[${outputs.join()}]}`
  if (binaries.length === 0) return { body: text, headerLength: undefined }
  const json = Buffer.from(text)
  return { body: Buffer.concat([json, ...binaries]), headerLength: json.length }
}
