// Worker threads that share the work of all models, first come first served.
//
//  P1 A worker has at most `stagedMax` requests, so that it never waits for the main thread and late work can overtake.
//  P2 Every request is settled: answered, refused, or failed because its worker died.
//  P3 Workers without work do not keep the process alive.

import { Worker } from 'node:worker_threads'
import type { Fault, LoadAnswer, ModelFile, Reply, Request, RunAnswer, RunRequest } from './messages.ts'

/** The thread ended before it answered. */
export class WorkerDied extends Error {}
/** What the worker said instead of an answer. */
export class WorkerFault extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.what)
    this.fault = fault
  }
}

interface Job {
  readonly request: Request & { readonly id: number }
  readonly transfer: readonly ArrayBuffer[]
  readonly signal: AbortSignal | undefined
  readonly resolve: (answer: RunAnswer | LoadAnswer) => void
  readonly reject: (error: unknown) => void
}
interface Slot {
  readonly worker: Worker
  readonly jobs: Map<number, Job>
  readonly ended: Promise<void>
}

const stagedMax = 2

export class SessionPool {
  readonly size: number
  readonly #slots = new Set<Slot>()
  readonly #queue: Job[] = []
  #lastId = 0
  #closed = false

  constructor(size: number) {
    this.size = size
    process.env['ORT_DISABLE_TELEMETRY'] = '1' // read by the native library when the first worker loads it
  }

  async load(file: ModelFile): Promise<LoadAnswer> {
    return (await this.#ask({ kind: 'load', id: ++this.#lastId, file }, [])) as LoadAnswer
  }

  /** Takes the buffers of the feeds away; they come back with the answer. A request that has not begun obeys the signal. */
  async run(request: RunRequest, signal?: AbortSignal): Promise<RunAnswer> {
    const buffers = request.feeds.flatMap(({ data }) => (Array.isArray(data) ? [] : [data.buffer]))
    return (await this.#ask({ kind: 'run', id: ++this.#lastId, ...request }, buffers, signal)) as RunAnswer
  }

  unload(key: string): void {
    for (const { worker } of this.#slots) worker.postMessage({ kind: 'unload', key } satisfies Request, [])
  }

  /** Starts the workers ahead of the first request. */
  warm(): void {
    while (this.#slots.size < this.size) this.#spawn()
  }

  /** Refuses new work, finishes what has begun, releases the sessions and ends the threads. */
  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#queue.splice(0)) job.reject(new WorkerDied('the service is stopping'))
    const slots = [...this.#slots]
    for (const { worker } of slots) {
      worker.ref()
      worker.postMessage({ kind: 'stop' } satisfies Request, [])
    }
    await Promise.all(slots.map(({ ended }) => ended))
  }

  async #ask(request: Job['request'], transfer: readonly ArrayBuffer[], signal?: AbortSignal) {
    if (this.#closed) throw new WorkerDied('the service is stopping')
    return await new Promise<RunAnswer | LoadAnswer>((resolve, reject) => {
      this.#queue.push({ request, transfer, signal, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      if (this.#queue[0]?.signal?.aborted) {
        const job = this.#queue.shift() as Job
        job.reject(job.signal?.reason)
        continue
      }
      const slot = this.#freest()
      if (slot === undefined) return
      const job = this.#queue.shift() as Job
      if (slot.jobs.size === 0) slot.worker.ref()
      slot.jobs.set(job.request.id, job)
      slot.worker.postMessage(job.request, job.transfer)
    }
  }

  /** An idle worker, else a new one, else one with room. */
  #freest(): Slot | undefined {
    const [best] = [...this.#slots].sort((a, b) => a.jobs.size - b.jobs.size)
    if (best?.jobs.size === 0) return best
    if (this.#slots.size < this.size) return this.#spawn()
    return best !== undefined && best.jobs.size < stagedMax ? best : undefined
  }

  #spawn(): Slot {
    const worker = new Worker(new URL('./worker.ts', import.meta.url))
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const slot: Slot = { worker, jobs: new Map(), ended }
    let reason = 'it exited'
    worker.on('message', (reply: Reply) => this.#settle(slot, reply))
    worker.on('error', (error: unknown) => {
      reason = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', () => {
      this.#slots.delete(slot)
      for (const job of slot.jobs.values()) job.reject(new WorkerDied(reason))
      slot.jobs.clear()
      end()
      if (!this.#closed) this.#dispatch()
    })
    worker.unref()
    this.#slots.add(slot)
    return slot
  }

  #settle(slot: Slot, reply: Reply): void {
    const job = slot.jobs.get(reply.id)
    if (job === undefined) return
    slot.jobs.delete(reply.id)
    if (slot.jobs.size === 0) slot.worker.unref()
    if (reply.kind === 'done') job.resolve(reply.answer)
    else job.reject(new WorkerFault(reply.fault))
    this.#dispatch()
  }
}
