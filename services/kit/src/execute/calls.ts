// The life of the calls of one stage.
//
// Invariants
//  C1 Work with one idempotency key is done by one execution at a time: callers in this process join it, callers at
//     other replicas wait for its record. (Two replicas that find the same stale claim at one moment may both do it;
//     the first result recorded stands.)
//  C2 Work is stopped when its last caller has gone or has spent its time; a result that came is recorded all the same.
//  C3 Only successes are recorded. A failure is told to everyone who waited, and the next call tries anew.
//  C4 An output that does not fit the contract never leaves the service.

import { hash } from 'node:crypto'
import {
  canonicalJson,
  compile,
  MeshError,
  type ProblemError,
  type Progress,
  sentence,
  type StageResult,
} from '@meshwork/contracts'
import type { Stage } from '../stage/define.ts'
import type { Claim, Claims } from './claims.ts'
import type { Limiter } from './limiter.ts'
import type { Executor, RunInfo, Work, WorkHooks } from './work.ts'

export interface Call {
  readonly body: unknown
  readonly key: string | undefined
  readonly timeoutMs: number | undefined
  readonly run: RunInfo | undefined
  readonly traceId: string | undefined
}

export interface CallsOptions {
  readonly stage: Stage
  readonly executor: Executor
  readonly limiter: Limiter
  readonly claims: Claims
  readonly observe: (event: CallEvent) => void
}

/** What happened to a piece of work, for logs and metrics. */
export type CallEvent =
  | { readonly kind: 'started'; readonly work: Work }
  | { readonly kind: 'joined'; readonly how: 'in-flight' | 'record' }
  | { readonly kind: 'ended'; readonly work: Work; readonly seconds: number; readonly result: StageResult }
  | { readonly kind: 'failed'; readonly work: Work; readonly seconds: number; readonly error: unknown }

interface Flight {
  readonly inputHash: string
  readonly promise: Promise<StageResult>
  readonly stop: AbortController
  readonly listeners: Set<(progress: Progress) => void>
  latest: Progress | undefined
  callers: number
}

export const sha256 = (text: string): string => hash('sha256', text)

export class Calls {
  readonly #options: CallsOptions
  readonly #flights = new Map<string, Flight>()
  readonly #open = new Set<Flight>()

  constructor(options: CallsOptions) {
    this.#options = options
  }

  /** `hooks.signal` tells that the caller has gone. */
  async call(call: Call, hooks: WorkHooks): Promise<StageResult> {
    const inputHash = sha256(canonicalJson(call.body))
    const standing = call.key === undefined ? undefined : this.#flights.get(call.key)
    if (standing && standing.inputHash !== inputHash)
      throw new MeshError('MESHWORK_STAGE_KEY_REUSED', { key: call.key ?? '' })
    if (standing) this.#options.observe({ kind: 'joined', how: 'in-flight' })
    return await this.#wait(standing ?? this.#start(call, inputHash), call, hooks)
  }

  /** Resolves when no work is in progress. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled([...this.#open].map(({ promise }) => promise))
  }

  /** Stops all work. */
  abort(reason: ProblemError): void {
    for (const flight of this.#open) flight.stop.abort(reason)
  }

  #start(call: Call, inputHash: string): Flight {
    const stop = new AbortController()
    const listeners: Flight['listeners'] = new Set()
    const onProgress = (progress: Progress) => {
      flight.latest = progress
      for (const listener of listeners) listener(progress)
    }
    const work: Work = {
      body: call.body,
      inputHash,
      run: call.run,
      idempotencyKey: call.key,
      traceId: call.traceId,
    }
    const promise = this.#perform(work, call.key, { signal: stop.signal, onProgress })
    const flight: Flight = { inputHash, promise, stop, listeners, latest: undefined, callers: 0 }
    const land = () => {
      this.#open.delete(flight)
      if (call.key !== undefined && this.#flights.get(call.key) === flight) this.#flights.delete(call.key)
    }
    this.#open.add(flight)
    if (call.key !== undefined) this.#flights.set(call.key, flight)
    promise.then(land, land)
    return flight
  }

  async #wait(flight: Flight, call: Call, hooks: WorkHooks): Promise<StageResult> {
    flight.callers++
    flight.listeners.add(hooks.onProgress)
    if (flight.latest) hooks.onProgress(flight.latest)
    let timer: NodeJS.Timeout | undefined
    let gone: (() => void) | undefined
    const left = new Promise<never>((_, reject) => {
      gone = () => reject(new MeshError('MESHWORK_STAGE_CANCELLED'))
      hooks.signal.addEventListener('abort', gone, { once: true })
      const { timeoutMs } = call
      if (timeoutMs !== undefined)
        timer = setTimeout(
          () => reject(new MeshError('MESHWORK_STAGE_DEADLINE', { stage: this.#options.stage.name, timeoutMs })),
          timeoutMs,
        )
    })
    try {
      if (hooks.signal.aborted) throw new MeshError('MESHWORK_STAGE_CANCELLED')
      return await Promise.race([flight.promise, left])
    } catch (error) {
      if (flight.callers === 1) {
        // Nobody joins what is being stopped: a new call with the key waits until its claim is released.
        if (call.key !== undefined && this.#flights.get(call.key) === flight) this.#flights.delete(call.key)
        flight.stop.abort(error)
      }
      throw error
    } finally {
      clearTimeout(timer)
      if (gone) hooks.signal.removeEventListener('abort', gone)
      flight.listeners.delete(hooks.onProgress)
      flight.callers--
    }
  }

  async #perform(work: Work, key: string | undefined, hooks: WorkHooks): Promise<StageResult> {
    const { limiter, observe } = this.#options
    const claim = key === undefined ? undefined : await this.#claim(work, key, hooks.signal)
    if (claim?.kind === 'recorded') {
      observe({ kind: 'joined', how: 'record' })
      return claim.result
    }
    try {
      const release = await limiter.take(hooks.signal)
      const started = performance.now()
      const seconds = () => (performance.now() - started) / 1000
      observe({ kind: 'started', work })
      try {
        const result = await this.#execute(work, hooks)
        if (claim) await claim.record(result)
        observe({ kind: 'ended', work, seconds: seconds(), result })
        return result
      } catch (error) {
        observe({ kind: 'failed', work, seconds: seconds(), error })
        throw error
      } finally {
        release()
      }
    } finally {
      await claim?.release()
    }
  }

  /** A store that is away fails here, before any work: that is told like other failures, or nobody would see it. */
  async #claim(work: Work, key: string, signal: AbortSignal): Promise<Claim> {
    const { claims, observe } = this.#options
    const started = performance.now()
    try {
      return await claims.claim(key, work.inputHash, signal)
    } catch (error) {
      observe({ kind: 'failed', work, seconds: (performance.now() - started) / 1000, error })
      throw error
    }
  }

  async #execute(work: Work, hooks: WorkHooks): Promise<StageResult> {
    const { stage, executor } = this.#options
    const answer = await executor.execute(work, hooks)
    const output = JSON.parse(JSON.stringify(answer ?? null)) as StageResult['output']
    const faults = compile(stage.output).check(output)
    if (faults.length > 0)
      throw new MeshError('MESHWORK_STAGE_OUTPUT_INVALID', { stage: stage.name, problems: sentence(faults) })
    return { output, version: stage.version, inputHash: work.inputHash, outputHash: sha256(canonicalJson(output)) }
  }
}
