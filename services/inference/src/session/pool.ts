// Threads that share the work of all models, or processes of one model, first come first served.
//
//  P1 A worker has at most `stagedMax` requests, so that it never waits for the main thread and late work can overtake.
//  P2 Every request is settled: answered, refused, or failed because its worker died.
//  P3 Workers without work do not keep the process alive.
//  P4 A batch of online calls is made up when a worker has room for it, not before: it takes along what waits by then.
//  P5 Where a time is set and nothing is heard of a worker with work for so long, it is ended; the others go on.
//  P6 Online batches and the runs of datasets take turns where both wait.

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
import { type Runner, startThread, type StartRunner } from './runner.ts'

/** The thread or process ended before it answered. */
export class WorkerDied extends Error {}
/** It was ended because a run took too long. */
export class WorkerHung extends WorkerDied {
  readonly timeoutMs: number
  constructor(timeoutMs: number) {
    super(`a run took longer than ${timeoutMs} ms`)
    this.timeoutMs = timeoutMs
  }
}
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
  readonly runner: Runner
  readonly jobs: Map<number, Job>
  /** Online batches among the jobs. */
  online: number
  readonly ended: Promise<void>
  /** Ends it when nothing is heard of it for too long. */
  watch: NodeJS.Timeout | undefined
  hung: boolean
}

export interface PoolOptions {
  readonly start?: StartRunner
  /** The one model of all its workers: a new worker opens it before anything else, so that no run is charged for it. */
  readonly file?: ModelFile
  /** Milliseconds a run may take before its worker is ended; it has to be one that can be. */
  readonly runMsMax?: number
  /** Told of each worker that ended and was not asked to. */
  readonly ended?: (reason: 'hung' | 'died') => void
}

/** Of a session that is opened, or tried with probing rows. */
const loadMsMin = 60_000

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
  readonly #options: PoolOptions
  readonly #slots = new Set<Slot>()
  readonly #queue: Job[] = []
  readonly #offers: Offer[] = []
  #onlineTurn = true
  #lastId = 0
  #closed = false

  constructor(size: number, options: PoolOptions = {}) {
    this.size = size
    this.#options = options
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
    for (const { runner } of this.#slots) runner.post({ kind: 'unload', key }, [])
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
    for (const { runner } of slots) {
      runner.ref()
      runner.post({ kind: 'stop' }, [])
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
    if (slot.jobs.size === 0) slot.runner.ref()
    slot.jobs.set(job.request.id, job)
    if (job.request.kind === 'infer') slot.online++
    if (slot.jobs.size === 1) this.#watch(slot)
    slot.runner.post(job.request, job.transfer)
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
    const { start = startThread, ended: tell } = this.#options
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const runner = start({
      reply: reply => this.#settle(slot, reply),
      ended: told => {
        if (!this.#slots.delete(slot)) return
        clearTimeout(slot.watch)
        const [running, ...behind] = slot.jobs.values()
        slot.jobs.clear()
        running?.reject(slot.hung ? new WorkerHung(this.#options.runMsMax ?? 0) : new WorkerDied(told))
        // What stood behind it is not to blame, and is still whole where its buffers were not moved.
        if (runner.moves || this.#closed) for (const job of behind) job.reject(new WorkerDied(told))
        else this.#queue.unshift(...behind)
        end()
        if (this.#closed) return
        tell?.(slot.hung ? 'hung' : 'died')
        this.#dispatch()
      },
    })
    const slot: Slot = { runner, jobs: new Map(), online: 0, ended, watch: undefined, hung: false }
    runner.unref()
    this.#slots.add(slot)
    const { file } = this.#options
    // What is wrong with the model is told to those who wait for its runs.
    const told = { transfer: [], signal: undefined, resolve: () => {}, reject: () => {} }
    if (file !== undefined) this.#send(slot, { request: { kind: 'load', id: ++this.#lastId, file }, ...told })
    return slot
  }

  /** From now on it may take its time for the job that is its next one. */
  #watch(slot: Slot): void {
    const { runMsMax } = this.#options
    const { kill } = slot.runner
    clearTimeout(slot.watch)
    const [next] = slot.jobs.values()
    if (runMsMax === undefined || kill === undefined || next === undefined) return
    const { kind } = next.request
    const ms = kind === 'load' || kind === 'probe' ? Math.max(loadMsMin, runMsMax) : runMsMax
    slot.watch = setTimeout(() => {
      slot.hung = true
      kill()
    }, ms)
    slot.watch.unref()
  }

  #settle(slot: Slot, reply: Reply): void {
    const job = slot.jobs.get(reply.id)
    if (job === undefined) return
    slot.jobs.delete(reply.id)
    if (job.request.kind === 'infer') slot.online--
    if (slot.jobs.size === 0) slot.runner.unref()
    this.#watch(slot)
    if (reply.kind === 'done') job.resolve(reply.answer)
    else job.reject(new WorkerFault(reply.fault))
    this.#dispatch()
  }
}
