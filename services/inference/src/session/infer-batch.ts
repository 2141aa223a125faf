// Calls through a session: as one run where they come as one, each alone where that run fails, so that a call that makes
// it fail fails alone.

import { type InferenceSession, Tensor } from 'onnxruntime-node'
import type { TensorData } from '../model/tensor-type.ts'
import { datatypeOf, type ElementType } from '../oip/datatype.ts'
import { apart } from './merge.ts'
import type { CallAnswer, InferAnswer, InferBatch, Value } from './messages.ts'

type Runner = Pick<InferenceSession, 'run'>
type Seconds = { input: number; infer: number; output: number }
type Calls = Pick<InferBatch, 'feeds' | 'outputs' | 'rows'>

export async function inferBatch(session: Runner, { feeds, outputs, rows }: Calls): Promise<InferAnswer> {
  const seconds: Seconds = { input: 0, infer: 0, output: 0 }
  if (rows.length === 1) return { calls: [await inferAlone(session, feeds, outputs, seconds)], runs: 1, seconds }
  const total = rows.reduce((sum, one) => sum + one, 0)
  const merged = await run(session, feeds, outputs, seconds).catch(() => undefined)
  if (merged?.every(({ dims }) => dims[0] === total)) return { merged, runs: 1, seconds }
  const calls: CallAnswer[] = []
  for (const own of apart(feeds, rows) ?? []) calls.push(await inferAlone(session, own, outputs, seconds))
  return { calls, runs: calls.length, seconds }
}

async function inferAlone(
  session: Runner,
  feeds: readonly Value[],
  names: readonly string[],
  seconds: Seconds,
): Promise<CallAnswer> {
  try {
    return { kind: 'outputs', outputs: await run(session, feeds, names, seconds) }
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 500)
    return { kind: 'fault', fault: { what: 'run', reason, rows: feeds[0]?.dims[0] ?? 1 } }
  }
}

async function run(
  session: Runner,
  feeds: readonly Value[],
  names: readonly string[],
  seconds: Seconds,
): Promise<Value[]> {
  const started = performance.now()
  const tensors = Object.fromEntries(
    feeds.map(({ name, type, dims, data }) => [name, new Tensor(type as 'float32', data as Float32Array, dims)]),
  )
  const built = performance.now()
  let began = built
  // The runtime puts the run off by a turn of the event loop; this is called just before it.
  setImmediate(() => (began = performance.now()))
  const answer = await session.run(tensors, names)
  const ran = performance.now()
  const values = names.map(name => valueOf(name, answer[name]))
  seconds.input += (built - started) / 1000
  seconds.infer += (ran - began) / 1000
  seconds.output += (performance.now() - ran) / 1000
  return values
}

function valueOf(name: string, tensor: unknown): Value {
  if (!(tensor instanceof Tensor)) throw new Error(`output "${name}" is not a tensor`)
  const { type, dims } = tensor
  if (datatypeOf(type) === undefined) throw new Error(`output "${name}" has elements of type ${type}`)
  return { name, type: type as ElementType, dims, data: tensor.data as TensorData }
}
