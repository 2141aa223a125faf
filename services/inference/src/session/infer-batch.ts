// Calls through a session: as one run where they can be merged, each alone otherwise, so that a call that makes the
// run fail fails alone.

import { type InferenceSession, Tensor } from 'onnxruntime-node'
import type { TensorData } from '../model/tensor-type.ts'
import { datatypeOf, datatypes, type ElementType } from '../oip/datatype.ts'
import type { CallAnswer, InferAnswer, InferCall, Value } from './messages.ts'

type Runner = Pick<InferenceSession, 'run'>
type Seconds = { input: number; infer: number; output: number }

export async function inferBatch(session: Runner, calls: readonly InferCall[]): Promise<InferAnswer> {
  const seconds: Seconds = { input: 0, infer: 0, output: 0 }
  const merged = calls.length > 1 ? await inferMerged(session, calls, seconds) : undefined
  if (merged) return { calls: merged, runs: 1, seconds }
  const answers: CallAnswer[] = []
  for (const call of calls) answers.push(await inferAlone(session, call, seconds))
  return { calls: answers, runs: calls.length, seconds }
}

async function inferAlone(session: Runner, call: InferCall, seconds: Seconds): Promise<CallAnswer> {
  try {
    return { kind: 'outputs', outputs: await run(session, call.feeds, call.outputs, seconds) }
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 500)
    return { kind: 'fault', fault: { what: 'run', reason, rows: call.feeds[0]?.dims[0] ?? 1 } }
  }
}

/** undefined where the run failed, or its outputs have not a row for each row. */
async function inferMerged(
  session: Runner,
  calls: readonly InferCall[],
  seconds: Seconds,
): Promise<CallAnswer[] | undefined> {
  const [first] = calls as readonly [InferCall]
  const rows = calls.map(({ feeds }) => feeds[0]?.dims[0] as number)
  const total = rows.reduce((sum, one) => sum + one, 0)
  const started = performance.now()
  const feeds = first.feeds.map((feed, i) => ({
    ...feed,
    dims: [total, ...feed.dims.slice(1)],
    data: joined(
      feed.type,
      calls.map(call => (call.feeds[i] as Value).data),
    ),
  }))
  seconds.input += (performance.now() - started) / 1000
  const outputs = await run(session, feeds, first.outputs, seconds).catch(() => undefined)
  if (outputs === undefined || outputs.some(({ dims }) => dims[0] !== total)) return undefined
  const splitting = performance.now()
  let from = 0
  const answers = rows.map((count): CallAnswer => {
    const until = from + count
    const own = outputs.map(({ name, type, dims, data }) => {
      const width = data.length / total
      const [start, end] = [from * width, until * width]
      const part = Array.isArray(data) ? data.slice(start, end) : data.subarray(start, end)
      return { name, type, dims: [count, ...dims.slice(1)], data: part }
    })
    from = until
    return { kind: 'outputs', outputs: own }
  })
  seconds.output += (performance.now() - splitting) / 1000
  return answers
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
  const answer = await session.run(tensors, names)
  const ran = performance.now()
  const values = names.map(name => valueOf(name, answer[name]))
  seconds.input += (built - started) / 1000
  seconds.infer += (ran - built) / 1000
  seconds.output += (performance.now() - ran) / 1000
  return values
}

function valueOf(name: string, tensor: unknown): Value {
  if (!(tensor instanceof Tensor)) throw new Error(`output "${name}" is not a tensor`)
  const { type, dims } = tensor
  if (datatypeOf(type) === undefined) throw new Error(`output "${name}" has elements of type ${type}`)
  return { name, type: type as ElementType, dims, data: tensor.data as TensorData }
}

function joined(type: ElementType, parts: readonly TensorData[]): TensorData {
  if (type === 'string') return (parts as readonly string[][]).flat()
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const whole = datatypes[datatypeOf(type) as 'FP32'].make(length)
  let at = 0
  for (const part of parts as readonly Float32Array[]) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
