// Worker processes of one stage: as many as there are calls in progress, kept warm between calls, one started ahead.

import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Counter } from 'prom-client'
import type { Executor, Work, WorkHooks } from './work.ts'
import { Worker, type WorkerOptions } from './worker.ts'

export interface WorkerPoolOptions extends WorkerOptions {
  /** Where workers make the scratch folders of their calls. */
  readonly scratchRoot: string
  /** Idle workers that are kept. */
  readonly keep: number
  readonly restarts: Counter<'stage' | 'reason'>
  /** Calls after which a worker is replaced. */
  readonly worksMax?: number
}

const worksMaxDefault = 200
/** A worker that holds more than this share of its memory after a call is replaced. */
const memoryKeptShare = 0.6

export class WorkerPool implements Executor {
  readonly #options: WorkerPoolOptions
  readonly #idle: Worker[] = []
  readonly #all = new Set<Worker>()
  #closed = false

  constructor(options: WorkerPoolOptions) {
    this.#options = options
  }

  /** Starts one worker and waits until it could work; fails when the stage cannot be imported. */
  async start(): Promise<void> {
    const worker = this.#spawn()
    await worker.ready
    if (this.#closed) await worker.end()
    else this.#idle.push(worker)
  }

  async execute(work: Work, hooks: WorkHooks): Promise<unknown> {
    const worker = this.#takeIdle() ?? this.#spawn()
    const scratch = randomUUID()
    try {
      return await worker.run({ ...work, scratch }, hooks)
    } finally {
      // A worker that was killed could not clear up after itself.
      if (!worker.alive)
        await rm(join(this.#options.scratchRoot, scratch), { recursive: true, force: true, maxRetries: 3 })
      this.#giveBack(worker)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#all].map(worker => worker.end()))
  }

  #takeIdle(): Worker | undefined {
    for (let worker = this.#idle.pop(); worker !== undefined; worker = this.#idle.pop()) if (worker.alive) return worker
    return undefined
  }

  #giveBack(worker: Worker): void {
    const { worksMax = worksMaxDefault } = this.#options
    const tired = worker.works >= worksMax || worker.memoryBytes() > this.#options.memoryBytes * memoryKeptShare
    if (worker.alive && !tired && !this.#closed && this.#idle.length < this.#options.keep) {
      this.#idle.push(worker)
      return
    }
    void worker.end()
    // Another is ready before the next call needs it, unless the stage cannot start at all.
    if (!this.#closed && worker.works > 0 && this.#idle.length === 0) this.start().catch(() => {})
  }

  #spawn(): Worker {
    const worker = new Worker(this.#options)
    this.#all.add(worker)
    void worker.exit().then(how => {
      this.#all.delete(worker)
      if (this.#closed) return
      const reason = how === 'exit code 0' ? 'recycled' : how === 'signal SIGKILL' ? 'killed' : 'crashed'
      this.#options.restarts.inc({ stage: this.#options.stage, reason })
    })
    return worker
  }
}
