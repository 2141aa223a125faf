// Models to measure with, written as ONNX: the few messages of the format (protobuf) that they need.

import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

interface Tensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly data: Float32Array
}
interface Graph {
  readonly nodes: readonly { readonly op: string; readonly inputs: readonly string[]; readonly output: string }[]
  readonly weights: readonly Tensor[]
  /** Width of a row that goes in and of one that comes out. */
  readonly widths: readonly [input: number, output: number]
}

const float32 = 1
const irVersion = 9
const opsetVersion = 17

/** Layers of these widths with ReLU between them; weights are small and always the same. */
export function mlp(widths: readonly number[]): Graph {
  const nodes: Graph['nodes'][number][] = []
  const weights: Tensor[] = []
  let seed = 1
  const next = () => ((seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32 - 0.5) * 0.05
  let at = 'x'
  widths.slice(1).forEach((width, i) => {
    const from = widths[i] as number
    const last = i === widths.length - 2
    weights.push({ name: `w${i}`, dims: [from, width], data: Float32Array.from({ length: from * width }, next) })
    nodes.push({ op: 'MatMul', inputs: [at, `w${i}`], output: last ? 'y' : `m${i}` })
    if (!last) nodes.push({ op: 'Relu', inputs: [`m${i}`], output: `r${i}` })
    at = `r${i}`
  })
  return { nodes, weights, widths: [widths[0] as number, widths.at(-1) as number] }
}

export const identity = (width: number): Graph => ({
  nodes: [{ op: 'Identity', inputs: ['x'], output: 'y' }],
  weights: [],
  widths: [width, width],
})

/** A tensor as a manifest has it. */
export interface Put {
  readonly name: string
  readonly type: 'float32'
  readonly shape: readonly number[]
}
export interface Model {
  readonly content: Buffer
  readonly inputs: readonly Put[]
  readonly outputs: readonly Put[]
}

export function modelOf(graph: Graph): Model {
  const put = (name: string, width: number): Put => ({ name, type: 'float32', shape: [-1, width] })
  const [input, output] = graph.widths
  return { content: contentOf(graph), inputs: [put('x', input)], outputs: [put('y', output)] }
}

/** A version of a model in a folder of models; answers the path of its file. */
export async function publish(folder: string, name: string, model: Model, version = 1): Promise<string> {
  const { content, inputs, outputs } = model
  const place = join(folder, name, String(version))
  await mkdir(place, { recursive: true })
  const path = join(place, 'model.onnx')
  await writeFile(path, content)
  const sha256 = createHash('sha256').update(content).digest('hex')
  const file = { file: 'model.onnx', sha256, bytes: content.length }
  const manifest = { schema: 'meshwork.model/1', name, version, ...file, inputs, outputs }
  await writeFile(join(place, 'manifest.json'), JSON.stringify(manifest))
  return path
}

function contentOf({ nodes, weights, widths: [input, output] }: Graph): Buffer {
  const graph = Buffer.concat([
    ...nodes.map(({ op, inputs, output: to }) =>
      bytes(1, Buffer.concat([...inputs.map(name => text(1, name)), text(2, to), text(4, op)])),
    ),
    text(2, 'graph'),
    ...weights.map(({ name, dims, data }) =>
      bytes(
        5,
        Buffer.concat([...dims.map(size => number(1, size)), number(2, float32), text(8, name), bytes(9, rawOf(data))]),
      ),
    ),
    bytes(11, valueOf('x', input)),
    bytes(12, valueOf('y', output)),
  ])
  return Buffer.concat([number(1, irVersion), bytes(7, graph), bytes(8, number(2, opsetVersion))])
}

function valueOf(name: string, width: number): Buffer {
  const shape = Buffer.concat([bytes(1, text(2, 'N')), bytes(1, number(1, width))])
  const tensor = Buffer.concat([number(1, float32), bytes(2, shape)])
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensor))])
}

const rawOf = (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)
const text = (field: number, value: string) => bytes(field, Buffer.from(value))
const number = (field: number, value: number) => Buffer.concat([varint(field * 8), varint(value)])
const bytes = (field: number, value: Buffer) => Buffer.concat([varint(field * 8 + 2), varint(value.length), value])

function varint(value: number): Buffer {
  const out: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...out, left])
    out.push((left % 128) + 128)
  }
}
