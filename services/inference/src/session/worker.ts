// A thread, or a process of a model's own, that holds sessions and runs them. Sessions stay off the HTTP thread because a
// run blocks its thread; threads are asked to stop, never terminated, because ending one inside a run ends the process.

import { halfAsBits } from './half-as-bits.ts'
import type { InferenceSession } from 'onnxruntime-node'
import type { TensorData } from '../model/tensor-type.ts'
import { inferBatch } from './infer-batch.ts'
import type { Declared, Fault, LoadAnswer, ModelFile, Reply, Request } from './messages.ts'
import { openSession, readModelFile } from './open-session.ts'
import { probe } from './probe.ts'
import { port } from './port.ts'
import { RunFault, runBatch } from './run-batch.ts'

if (!halfAsBits) throw new Error('the engine keeps its Float16Array')
const sessions = new Map<string, Promise<InferenceSession>>()

/** Smaller ones are copied: to move a buffer costs more. */
const movedBytesMin = 4096
const working = new Set<Promise<void>>()

port.listen((request: Request) => {
  if (request.kind === 'stop') {
    void stop()
    return
  }
  const work = request.kind === 'unload' ? unload(request.key) : serve(request)
  working.add(work)
  void work.finally(() => working.delete(work))
})

async function serve(request: Exclude<Request, { kind: 'stop' | 'unload' }>): Promise<void> {
  const { id } = request
  try {
    const session = await sessionOf(request.file)
    if (request.kind === 'load') return reply({ id, kind: 'done', answer: declared(session) })
    if (request.kind === 'probe') {
      const answer = await probe(session, declared(session), request.rowsMax)
      return reply({ id, kind: 'done', answer })
    }
    if (request.kind === 'infer') {
      const answer = await inferBatch(session, request)
      const alone = answer.calls?.flatMap(call => (call.kind === 'outputs' ? call.outputs : []))
      const outputs = answer.merged ?? alone ?? []
      return reply(
        { id, kind: 'done', answer },
        outputs.map(({ data }) => data),
      )
    }
    const started = performance.now()
    const values = await runBatch(session, request)
    const seconds = (performance.now() - started) / 1000
    const { feeds } = request
    reply({ id, kind: 'done', answer: { values, feeds, seconds } }, [...values, ...feeds.map(({ data }) => data)])
  } catch (error) {
    reply({ id, kind: 'failed', fault: faultOf(error) })
  }
}

function sessionOf(file: ModelFile): Promise<InferenceSession> {
  const known = sessions.get(file.key)
  if (known) return known
  const opening = readModelFile(file).then(openSession)
  sessions.set(file.key, opening)
  opening.catch(() => sessions.delete(file.key))
  return opening
}

const declared = (session: InferenceSession): LoadAnswer => ({
  inputs: session.inputMetadata.map(plain),
  outputs: session.outputMetadata.map(plain),
})

const plain = (value: InferenceSession.ValueMetadata): Declared => ({
  name: value.name,
  tensor: value.isTensor,
  type: value.isTensor ? value.type : 'none',
  shape: value.isTensor ? value.shape.map(size => (typeof size === 'number' && size >= 0 ? size : -1)) : [],
  ...(value.isTensor && typeof value.shape[0] === 'string' ? { batchSymbol: value.shape[0] } : {}),
})

function faultOf(error: unknown): Fault {
  if (error instanceof RunFault) return error.fault
  const reason = error instanceof Error ? error.message : String(error)
  return { what: 'unreadable', reason: reason.replace(/\s+/g, ' ').slice(0, 300) }
}

function reply(message: Reply, data: readonly TensorData[] = []): void {
  const buffers = data.flatMap(values =>
    Array.isArray(values) || values.buffer.byteLength < movedBytesMin ? [] : [values.buffer],
  )
  port.post(message, [...new Set(buffers)])
}

async function unload(key: string): Promise<void> {
  const session = sessions.get(key)
  sessions.delete(key)
  await session?.then(opened => opened.release()).catch(() => {})
}

async function stop(): Promise<void> {
  await Promise.allSettled(working)
  for (const key of sessions.keys()) await unload(key)
  port.close()
}
