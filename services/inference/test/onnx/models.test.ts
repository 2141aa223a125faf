// Every model of the ONNX project's own tests over HTTP, as JSON and as binary, against the outputs that it expects. The
// files come with Debian's libonnx-testdata, or from a folder in MESHWORK_TEST_ONNX.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import t from 'tap'
import { readBinaryTensor, writeBinaryTensor } from '../../src/oip/binary-tensor.ts'
import { readJsonTensor, writeJsonTensor } from '../../src/oip/json-tensor.ts'
import { readExact } from '../../src/oip/read-json.ts'
import { type Datatype, datatypeOf, rowOf } from '../../src/oip/datatype.ts'
import type { OipTensor } from '../../src/oip/tensor.ts'
import { serve, type Server } from '../serving.ts'
import { readModel, readTensor } from './onnx-file.ts'

const folder = process.env['MESHWORK_TEST_ONNX'] ?? '/usr/share/libonnx-testdata/data'
const there = existsSync(folder)
const lengthHeader = 'inference-header-content-length'
/** As ONNX compares. */
const [relative, absolute] = [1e-3, 1e-7]
/** Their outputs are random. */
const random = /bernoulli|dropout|random|multinomial/

type Outcome = { readonly kind: 'passed' | 'refused' | 'other' | 'wrong'; readonly why: string }

t.test(
  'the models of the ONNX tests',
  { timeout: 900_000, ...(there ? {} : { skip: `there is no ${folder}` }) },
  async t => {
    const server = await serve(t, {}, { MESHWORK_INFERENCE_CONTROL: 'explicit' })
    const outcomes = new Map<string, Outcome[]>()
    for (const group of readdirSync(folder).sort())
      for (const name of readdirSync(join(folder, group)).sort()) {
        const place = join(folder, group, name)
        if (!existsSync(join(place, 'model.onnx'))) continue
        const outcome = await tried(server, place)
        const key = `${group}: ${outcome.kind}${outcome.kind === 'passed' ? '' : `, ${outcome.why}`}`
        outcomes.set(key, [...(outcomes.get(key) ?? []), outcome])
        if (outcome.kind === 'wrong') t.fail(`${group}/${name}: ${outcome.why}`)
      }
    for (const [key, list] of [...outcomes].sort(([a], [b]) => a.localeCompare(b)))
      t.comment(`${String(list.length).padStart(5)}  ${key}`)
    t.ok([...outcomes.keys()].some(key => key.includes('passed')))
  },
)

async function tried(server: Server, place: string): Promise<Outcome> {
  const name = basename(place).toLowerCase().slice(0, 100)
  const content = readFileSync(join(place, 'model.onnx'))
  const { inputs, outputs } = readModel(content)
  const odd = [...inputs, ...outputs].find(({ type }) => type === undefined)
  if (odd !== undefined) return { kind: 'refused', why: 'sequences, maps, optional values' }
  if (inputs.length === 0) return { kind: 'refused', why: 'no inputs' }
  const version = join(server.folder, name, '1')
  await mkdir(version, { recursive: true })
  const sha256 = createHash('sha256').update(content).digest('hex')
  const about = { schema: 'meshwork.model/1', name, version: 1, file: 'model.onnx', sha256, bytes: content.length }
  await writeFile(join(version, 'model.onnx'), content)
  await writeFile(join(version, 'manifest.json'), JSON.stringify({ ...about, inputs, outputs }))
  const repository = async (what: string) =>
    await server.call(`/v2/repository/models/${name}/${what}`, { method: 'POST', body: '{}' })
  try {
    const loaded = await repository('load')
    if (loaded.status !== 200) return { kind: 'refused', why: reasonOf(String(loaded.json.error)) }
    return await answered(server, place, name, {
      inputs: inputs.map(put => put.name),
      outputs: outputs.map(put => put.name),
    })
  } finally {
    await repository('unload')
    await rm(join(server.folder, name), { recursive: true })
  }
}

async function answered(
  server: Server,
  place: string,
  model: string,
  names: { inputs: string[]; outputs: string[] },
): Promise<Outcome> {
  for (const set of readdirSync(place).filter(entry => entry.startsWith('test_data_set_'))) {
    const read = (kind: string, list: string[]) =>
      list.map((name, i) => {
        const path = join(place, set, `${kind}_${i}.pb`)
        const tensor = existsSync(path) ? readTensor(readFileSync(path)) : undefined
        return tensor && { ...tensor, name }
      })
    const [given, expected] = [read('input', names.inputs), read('output', names.outputs)]
    if (given.includes(undefined) || expected.includes(undefined))
      return { kind: 'refused', why: 'data of other types' }
    for (const binary of [true, false]) {
      const inputs = given as OipTensor[]
      if (!binary && !inputs.every(saidInJson)) continue
      const { status, error, outputs } = await ask(server, model, inputs, names.outputs, binary)
      if (status >= 500) return { kind: 'wrong', why: `${status}: ${error}` }
      if (status !== 200) {
        if (!binary && /FP16 data via JSON/.test(error)) continue
        return { kind: 'refused', why: reasonOf(error) }
      }
      const wrong = (expected as OipTensor[]).map((one, i) => different(one, outputs[i], model)).find(Boolean)
      if (wrong === undefined) continue
      // Whose fault is it? What the runtime answers without a server is what we have to answer.
      const alone = await withoutServer(place, inputs, names.outputs)
      const ours = alone.map((one, i) => different(one, outputs[i], model, 0)).find(Boolean)
      if (ours !== undefined) return { kind: 'wrong', why: `${binary ? 'binary' : 'JSON'}: ${ours}` }
      return { kind: 'other', why: 'ONNX Runtime itself answers so' }
    }
  }
  return { kind: 'passed', why: '' }
}

async function withoutServer(place: string, inputs: readonly OipTensor[], outputs: string[]): Promise<OipTensor[]> {
  const session = await InferenceSession.create(join(place, 'model.onnx'), { logSeverityLevel: 4 })
  const feeds = inputs.map(({ name, datatype, shape, data }) => {
    const type = rowOf(datatype).tensor as 'float32'
    return [name, new Tensor(type, data as Float32Array, shape)] as const
  })
  const answers = await session.run(Object.fromEntries(feeds))
  await session.release()
  return outputs.map(name => {
    const { type, dims, data } = answers[name] as Tensor
    return { name, datatype: datatypeOf(type) as Datatype, shape: dims, data: data as OipTensor['data'] }
  })
}

/** JSON has no NaN, and the protocol no FP16 in it. */
const saidInJson = ({ datatype, data }: OipTensor): boolean =>
  datatype !== 'FP16' &&
  !(datatype.startsWith('FP') && Array.from(data as Float64Array).some(value => Number.isNaN(value)))

async function ask(server: Server, model: string, inputs: readonly OipTensor[], outputs: string[], binary: boolean) {
  const blocks: Buffer[] = []
  const list = inputs.map(({ name, datatype, shape, data }) => {
    const head = `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join()}]`
    if (!binary) return `${head},"data":${writeJsonTensor(datatype, data)}}`
    const block = writeBinaryTensor(datatype, data)
    blocks.push(block)
    return `${head},"parameters":{"binary_data_size":${block.length}}}`
  })
  const wanted = outputs.map(name => `{"name":${JSON.stringify(name)},"parameters":{"binary_data":${binary}}}`)
  const json = Buffer.from(`{"inputs":[${list.join()}],"outputs":[${wanted.join()}]}`)
  const answer = await server.call(`/v2/models/${model}/infer`, {
    method: 'POST',
    body: Buffer.concat([json, ...blocks]),
    headers: binary ? { [lengthHeader]: String(json.length) } : {},
  })
  if (answer.status !== 200) return { status: answer.status, error: String(answer.json.error), outputs: [] }
  return {
    status: 200,
    error: '',
    outputs: tensorsOf(answer.bytes, Number(answer.headers.get(lengthHeader) ?? answer.bytes.length)),
  }
}

function tensorsOf(bytes: Buffer, headerLength: number): OipTensor[] {
  const { outputs } = readExact(bytes.toString('utf8', 0, headerLength)) as {
    outputs: {
      name: string
      datatype: Datatype
      shape: number[]
      data?: unknown[]
      parameters?: { binary_data_size: number }
    }[]
  }
  let at = headerLength
  return outputs.map(({ name, datatype, shape, data, parameters }) => {
    const elements = shape.reduce((product, size) => product * size, 1)
    const from = at
    at += parameters?.binary_data_size ?? 0
    const values =
      data === undefined
        ? readBinaryTensor(datatype, elements, bytes.subarray(from, at), name)
        : readJsonTensor(
            datatype,
            elements,
            data.map(value => (value === null ? Number.NaN : value)),
            name,
          )
    return { name, datatype, shape, data: values }
  })
}

function different(
  expected: OipTensor,
  got: OipTensor | undefined,
  model: string,
  tolerance = relative,
): string | undefined {
  if (got === undefined) return `output "${expected.name}" is missing`
  if (got.datatype !== expected.datatype) return `${expected.name} is ${got.datatype} instead of ${expected.datatype}`
  if (String(got.shape) !== String(expected.shape))
    return `${expected.name} has the shape [${got.shape.join()}] instead of [${expected.shape.join()}]`
  if (random.test(model)) return undefined
  const [a, b] = [valuesOf(expected), valuesOf(got)]
  const at = a.findIndex((value, i) => !close(value, b[i], tolerance))
  return at < 0 ? undefined : `value ${at} of ${expected.name} is ${b[at]} instead of ${a[at]}`
}

const valuesOf = ({ datatype, data }: OipTensor): (string | bigint | number)[] =>
  datatype === 'FP16' ? Array.from(data as Uint16Array, half) : Array.from(data as ArrayLike<number>)

function close(a: string | bigint | number, b: string | bigint | number | undefined, tolerance: number): boolean {
  if (a === b || Object.is(a, b)) return true
  return (
    typeof a === 'number' &&
    typeof b === 'number' &&
    Math.abs(a - b) <= (tolerance === 0 ? 0 : absolute) + tolerance * Math.abs(a)
  )
}

function half(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

/** What is the same for many models, without their names. */
function reasonOf(error: string): string {
  if (/NUL character/.test(error)) return 'strings with NUL'
  const inner = /^failed to load '.*' version 1: (.*)$/.exec(error)?.[1] ?? error
  const [, unread] = /cannot be loaded by ONNX Runtime: (.*)$/.exec(inner) ?? []
  const text = (unread ?? inner)
    .replace(/"[^"]*"|'[^']*'/g, '…')
    .replace(/Model … version 1 cannot be run on a dataset: /, '')
  return text.slice(0, 130)
}
