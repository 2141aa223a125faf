// Worker threads that share the work of all models, first come first served.
//
//  P1 A worker has at most `stagedMax` requests, so that it never waits for the main thread and late work can overtake.
//  P2 Every request is settled: answered, refused, or failed because its worker died.
//  P3 Workers without work do not keep the process alive.
//  P4 A batch of online calls is made up when a worker has room for it, not before: it takes along what waits by then.
//  P5 Online batches and the runs of datasets take turns where both wait.

import { Worker } from 'node:worker_threads'
import type {
  Answer,
  Fault,
  InferAnswer,
  InferBatch,
  LoadAnswer,
  ModelFile,
  ProbeAnswer,
  Reply,
  Request,
  RunAnswer,
  RunRequest,
} from './messages.ts'

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
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}
interface Slot {
  readonly worker: Worker
  readonly jobs: Map<number, Job>
  /** Online batches among the jobs. */
  online: number
  readonly ended: Promise<void>
}

const stagedMax = 2
/** Smaller buffers are copied: to move one costs more. */
const movedBytesMin = 4096

/** Somebody who has a batch to run as soon as there is room for it. */
export interface Offer {
  /** Whether its runs are so short that a worker should have the next one at hand. */
  readonly quick: boolean
  /** undefined when nothing waits any more. */
  take(): OnlineBatch | undefined
}
export interface OnlineBatch {
  readonly batch: InferBatch
  readonly resolve: (answer: InferAnswer) => void
  readonly reject: (error: unknown) => void
}

export class SessionPool {
  readonly size: number
  readonly #slots = new Set<Slot>()
  readonly #queue: Job[] = []
  readonly #offers: Offer[] = []
  #onlineTurn = true
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

  /** Gives a batch when a worker has room. */
  offer(offer: Offer): void {
    if (this.#closed) {
      offer.take()?.reject(new WorkerDied('the service is stopping'))
      return
    }
    this.#offers.push(offer)
    this.#dispatch()
  }

  /** Opens the model in every worker, one after the other, so that the others go on, and tries it with probing rows. */
  async prepare(file: ModelFile, rowsMax: number): Promise<{ declared: LoadAnswer; probe: ProbeAnswer }> {
    this.warm()
    let prepared: { declared: LoadAnswer; probe: ProbeAnswer } | undefined
    for (const slot of Array.from(this.#slots)) {
      const declared = (await this.#post(slot, { kind: 'load', id: ++this.#lastId, file })) as LoadAnswer
      const most = prepared === undefined ? rowsMax : 1
      const probe = (await this.#post(slot, { kind: 'probe', id: ++this.#lastId, file, rowsMax: most })) as ProbeAnswer
      prepared ??= { declared, probe }
    }
    if (prepared === undefined) throw new WorkerDied('no thread could be started')
    return prepared
  }

  /** How many of the workers have work. */
  get busy(): number {
    let busy = 0
    for (const { jobs } of this.#slots) if (jobs.size > 0) busy++
    return busy
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
    for (const offer of this.#offers.splice(0)) offer.take()?.reject(new WorkerDied('the service is stopping'))
    const slots = [...this.#slots]
    for (const { worker } of slots) {
      worker.ref()
      worker.postMessage({ kind: 'stop' } satisfies Request, [])
    }
    await Promise.all(slots.map(({ ended }) => ended))
  }

  async #ask(request: Job['request'], transfer: readonly ArrayBuffer[], signal?: AbortSignal) {
    if (this.#closed) throw new WorkerDied('the service is stopping')
    return await new Promise<Answer>((resolve, reject) => {
      this.#queue.push({ request, transfer, signal, resolve, reject })
      this.#dispatch()
    })
  }

  async #post(slot: Slot, request: Job['request']): Promise<Answer> {
    if (this.#closed || !this.#slots.has(slot)) throw new WorkerDied('the thread has ended')
    return await new Promise<Answer>((resolve, reject) =>
      this.#send(slot, { request, transfer: [], signal: undefined, resolve, reject }),
    )
  }

  #dispatch(): void {
    for (;;) {
      while (this.#queue[0]?.signal?.aborted) {
        const job = this.#queue.shift() as Job
        job.reject(job.signal?.reason)
      }
      const both = this.#offers.length > 0 && this.#queue.length > 0
      const online = both ? this.#onlineTurn : this.#offers.length > 0
      if (!online && this.#queue.length === 0) return
      const slot = this.#freest(online ? this.#offers[0] : undefined)
      if (slot === undefined) return
      if (both) this.#onlineTurn = !this.#onlineTurn
      if (!online) this.#send(slot, this.#queue.shift() as Job)
      else this.#sendOnline(slot, (this.#offers.shift() as Offer).take())
    }
  }

  #sendOnline(slot: Slot, taken: OnlineBatch | undefined): void {
    if (taken === undefined) return
    const transfer = taken.batch.feeds.flatMap(({ data }) =>
      Array.isArray(data) || data.buffer.byteLength < movedBytesMin ? [] : [data.buffer],
    )
    const request = { kind: 'infer' as const, id: ++this.#lastId, ...taken.batch }
    const resolve = taken.resolve as (answer: Answer) => void
    this.#send(slot, { request, transfer, signal: undefined, resolve, reject: taken.reject })
  }

  #send(slot: Slot, job: Job): void {
    if (slot.jobs.size === 0) slot.worker.ref()
    slot.jobs.set(job.request.id, job)
    if (job.request.kind === 'infer') slot.online++
    slot.worker.postMessage(job.request, job.transfer)
  }

  /** An idle worker, else a new one, else one with room; not behind another online batch, unless they are quick. */
  #freest(offer: Offer | undefined): Slot | undefined {
    let best: Slot | undefined
    for (const slot of this.#slots) {
      if (offer !== undefined && slot.online > 0 && !offer.quick) continue
      if (slot.jobs.size < (best?.jobs.size ?? stagedMax)) best = slot
    }
    if (best?.jobs.size === 0) return best
    return this.#slots.size < this.size ? this.#spawn() : best
  }

  #spawn(): Slot {
    const worker = new Worker(new URL('./worker.ts', import.meta.url))
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const slot: Slot = { worker, jobs: new Map(), online: 0, ended }
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
    if (job.request.kind === 'infer') slot.online--
    if (slot.jobs.size === 0) slot.worker.unref()
    if (reply.kind === 'done') job.resolve(reply.answer)
    else job.reject(new WorkerFault(reply.fault))
    this.#dispatch()
  }
}
