// A request for inference: JSON, JSON followed by the bytes of tensors, or nothing but the bytes of the one input.
// Everything is checked against the model; what is wrong is a 400 that names the input and the reason. Pure.

import { readBinaryTensor } from './binary-tensor.ts'
import { isDatatype, rowOf } from './datatype.ts'
import { badRequest } from './fault.ts'
import { InexactNumber, readJsonTensor } from './json-tensor.ts'
import { booleanOf, countOf, type Parameters, readParameters } from './parameters.ts'
import { readExact, readObject, shown } from './read-json.ts'
import { checkShape, elementsOf, readShape } from './shape.ts'
import type { ModelFace, OipTensor, TensorFace } from './tensor.ts'

export interface WantedOutput {
  readonly name: string
  readonly binary: boolean
  /** Only the k most likely classes. */
  readonly classes: number | undefined
}

export interface InferRequest {
  readonly id: string | undefined
  readonly inputs: readonly OipTensor[]
  readonly outputs: readonly WantedOutput[]
  /** 1 is the most urgent; 0 the usual. */
  readonly priority: number
  readonly timeoutUs: number | undefined
}

type Tree = Record<string, unknown>

/** `header` is Inference-Header-Content-Length as it came. */
export function readInferRequest(body: Uint8Array, header: string | undefined, face: ModelFace): InferRequest {
  const length = headerLength(header, body.length)
  if (length === 0 && header !== undefined) return rawRequest(body, face)
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const text = buffer.toString('utf8', 0, length)
  const binary = new BinaryData(buffer.subarray(length), header !== undefined, face.name)
  const tree = readObject(text, 'the request')
  if (tree === undefined) throw badRequest('the request is empty')
  try {
    return readTree(tree, binary, face)
  } catch (error) {
    if (!(error instanceof InexactNumber)) throw error
    return readAgain(text, binary.again(), face)
  }
}

function readAgain(text: string, binary: BinaryData, face: ModelFace): InferRequest {
  try {
    return readTree(readExact(text) as Tree, binary, face)
  } catch (error) {
    if (!(error instanceof InexactNumber)) throw error
    throw badRequest(
      `input '${error.message}' has a number past 2^53 with an exponent or a fraction; write all its digits`,
    )
  }
}

function headerLength(header: string | undefined, available: number): number {
  if (header === undefined) return available
  const length = Number(header)
  if (/^\d{1,15}$/.test(header.trim()) && length <= available) return length
  throw badRequest(
    `inference header size should be in range (0, ${available}), got Inference-Header-Content-Length: ${header.slice(0, 40)}`,
  )
}

/** The bytes behind the JSON, given out in the order of the inputs. */
class BinaryData {
  readonly #bytes: Buffer
  readonly #announced: boolean
  readonly #model: string
  #at = 0

  constructor(bytes: Buffer, announced: boolean, model: string) {
    this.#bytes = bytes
    this.#announced = announced
    this.#model = model
  }

  take(size: number, input: string): Buffer {
    if (!this.#announced)
      throw badRequest(
        `must specify valid 'Inference-Header-Content-Length' in request header, for input '${input}' comes as binary data`,
      )
    if (this.#at + size > this.#bytes.length)
      throw badRequest(
        `unexpected size for input '${input}', expecting ${size} additional bytes for model '${this.#model}', ${this.#bytes.length - this.#at} are left`,
      )
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  end(): void {
    if (this.#at < this.#bytes.length)
      throw badRequest(
        `unexpected additional input data for model '${this.#model}': ${this.#bytes.length - this.#at} bytes are left over`,
      )
  }

  again(): BinaryData {
    return new BinaryData(this.#bytes, this.#announced, this.#model)
  }
}

function readTree(tree: Tree, binary: BinaryData, face: ModelFace): InferRequest {
  const { id } = tree
  if (id !== undefined && typeof id !== 'string') throw badRequest("'id' of the request must be a string")
  const parameters = readParameters(tree['parameters'], 'the request')
  if (parameters['sequence_id'] !== undefined && parameters['sequence_id'] !== 0 && parameters['sequence_id'] !== '')
    throw badRequest(`model '${face.name}' keeps no sequences: send no 'sequence_id'`)
  if (!Array.isArray(tree['inputs'])) throw badRequest("the request must have 'inputs', an array")
  const inputs = readInputs(tree['inputs'], binary, face)
  binary.end()
  return {
    id: id === '' ? undefined : id,
    inputs,
    outputs: readOutputs(tree['outputs'], parameters, face),
    priority: countOf(parameters, 'priority', 'the request') ?? 0,
    timeoutUs: countOf(parameters, 'timeout', 'the request') || undefined,
  }
}

function readInputs(list: readonly unknown[], binary: BinaryData, face: ModelFace): OipTensor[] {
  const given = new Map<string, OipTensor>()
  const known = face.inputs.map(({ name }) => name)
  for (const [i, value] of list.entries()) {
    if (value === null || typeof value !== 'object') throw badRequest(`input ${i} of the request must be an object`)
    const input = value as Tree
    const { name } = input
    if (typeof name !== 'string') throw badRequest(`input ${i} of the request must have a 'name', a string`)
    const declared = face.inputs.find(one => one.name === name)
    if (declared === undefined)
      throw badRequest(
        `unexpected inference input '${name.slice(0, 100)}' for model '${face.name}', its inputs are: ${known.join(', ')}`,
      )
    if (given.has(name)) throw badRequest(`input '${name}' already exists in request`)
    given.set(name, readInput(input, declared, binary, face))
  }
  const missing = known.filter(name => !given.has(name))
  if (missing.length > 0)
    throw badRequest(
      `expected ${known.length} inputs but got ${given.size} inputs for model '${face.name}'. Got input(s) ['${[...given.keys()].join("', '")}'], but missing required input(s) ['${missing.join("', '")}']`,
    )
  return known.map(name => given.get(name) as OipTensor)
}

function readInput(input: Tree, declared: TensorFace, binary: BinaryData, face: ModelFace): OipTensor {
  const { name, datatype } = declared
  if (!isDatatype(input['datatype']))
    throw badRequest(
      `input '${name}' must have a 'datatype' that this server knows, got ${shown(input['datatype'])}; model '${face.name}' takes ${datatype}`,
    )
  if (input['datatype'] !== datatype)
    throw badRequest(
      `inference input '${name}' data-type is '${input['datatype']}', but model '${face.name}' expects '${datatype}'`,
    )
  const shape = readShape(input['shape'], name)
  const elements = elementsOf(shape, name)
  checkShape(shape, declared, face.name)
  const parameters = readParameters(input['parameters'], `input '${name}'`)
  if (parameters['shared_memory_region'] !== undefined)
    throw badRequest(`input '${name}' is in shared memory, which this server does not read`)
  const size = countOf(parameters, 'binary_data_size', `input '${name}'`)
  if (size !== undefined && input['data'] !== undefined)
    throw badRequest(`input '${name}' has both 'data' and 'binary_data_size'`)
  if (size !== undefined)
    return { name, datatype, shape, data: readBinaryTensor(datatype, elements, binary.take(size, name), name) }
  if (input['data'] === undefined) throw badRequest(`input '${name}' must have 'data', or come as binary data`)
  return { name, datatype, shape, data: readJsonTensor(datatype, elements, input['data'], name) }
}

function readOutputs(list: unknown, parameters: Parameters, face: ModelFace): WantedOutput[] {
  const usual = booleanOf(parameters, 'binary_data_output', 'the request') ?? false
  if (list === undefined || (Array.isArray(list) && list.length === 0))
    return face.outputs.map(({ name }) => ({ name, binary: usual, classes: undefined }))
  if (!Array.isArray(list)) throw badRequest("'outputs' of the request must be an array")
  const wanted = new Map<string, WantedOutput>()
  for (const [i, value] of list.entries()) {
    const { name, parameters: own } = (value ?? {}) as Tree
    if (typeof name !== 'string') throw badRequest(`output ${i} of the request must have a 'name', a string`)
    if (!face.outputs.some(output => output.name === name))
      throw badRequest(
        `unexpected inference output '${name.slice(0, 100)}' for model '${face.name}', its outputs are: ${face.outputs.map(output => output.name).join(', ')}`,
      )
    if (wanted.has(name)) throw badRequest(`output '${name}' already exists in request`)
    const of = `output '${name}'`
    const read = readParameters(own, of)
    if (read['shared_memory_region'] !== undefined)
      throw badRequest(`${of} is to go to shared memory, which this server does not write`)
    const binary = booleanOf(read, 'binary_data', of) ?? usual
    wanted.set(name, { name, binary, classes: countOf(read, 'classification', of) || undefined })
  }
  return [...wanted.values()]
}

/** The whole body is the one input: its shape follows from its size, or is one row. */
function rawRequest(body: Uint8Array, face: ModelFace): InferRequest {
  const [input, ...others] = face.inputs
  if (input === undefined || others.length > 0)
    throw badRequest(
      `Raw request must only have 1 input (found 1) to be deduced but got ${face.inputs.length} inputs in '${face.name}' model configuration`,
    )
  const shape = rawShape(input, body.length, face.name)
  const data = readBinaryTensor(input.datatype, elementsOf(shape, input.name), rawBytes(input, body), input.name)
  return {
    id: undefined,
    inputs: [{ name: input.name, datatype: input.datatype, shape, data }],
    outputs: face.outputs.map(({ name }) => ({ name, binary: true, classes: undefined })),
    priority: 0,
    timeoutUs: undefined,
  }
}

function rawShape({ name, datatype, shape }: TensorFace, size: number, model: string): number[] {
  const bytes = rowOf(datatype).bytes
  if (shape === undefined) throw badRequest(`the shape of input '${name}' of model '${model}' cannot be deduced`)
  // The first dimension is the batch where it is open, and one row is sent.
  const row = shape[0] === -1 && shape.length > 1 ? [1, ...shape.slice(1)] : [...shape]
  const open = row.filter(one => one === -1).length
  if (bytes === undefined) {
    if (row.every(one => one === -1 || one === 1)) return row.map(() => 1)
    throw badRequest(`For BYTES datatype raw input '${name}', the model must have input shape [1]`)
  }
  if (open > 1)
    throw badRequest(
      `The shape of the raw input '${name}' can not be deduced because there are more than one variable-sized dimension`,
    )
  const known = row.filter(one => one >= 0).reduce((product, one) => product * one, bytes)
  if (open === 1 && known > 0 && size % known === 0) return row.map(one => (one === -1 ? size / known : one))
  if (open === 0 && known === size) return row
  throw badRequest(
    `The ${size} bytes of the raw input '${name}' do not fit its shape [${row.join(',')}] of ${datatype}`,
  )
}

/** Raw BYTES come without the length that the tensor has. */
function rawBytes({ datatype }: TensorFace, body: Uint8Array): Uint8Array {
  if (datatype !== 'BYTES') return body
  const length = Buffer.alloc(4)
  length.writeUInt32LE(body.length)
  return Buffer.concat([length, body])
}
