// Lets calls of stages with a limit begin when it is their turn, first come first served. Stages without one cost nothing.

import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { StageLimitRow, StageLimits } from '../store/stage-limits.ts'
import type { CallRate } from './reserve.ts'

interface Waiter {
  readonly enter: () => void
}

const lookMs = 1000
const failurePauseMs = 500
/** Reserved with one statement. */
const reservedMax = 64

export class CallRates {
  readonly #limits: Pick<StageLimits, 'list' | 'reserve'>
  readonly #log: Logger
  #known = new Map<string, StageLimitRow>()
  readonly #waiting = new Map<string, Waiter[]>()
  readonly #stop = new AbortController()
  #look: Promise<void> = Promise.resolve()

  constructor(limits: Pick<StageLimits, 'list' | 'reserve'>, log: Logger) {
    this.#limits = limits
    this.#log = log
  }

  /** Throws when the limits cannot be read; afterwards they are looked at every second. */
  async start(): Promise<void> {
    await this.refresh()
    this.#look = this.#keepLooking()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#look
  }

  async refresh(): Promise<void> {
    this.#known = new Map((await this.#limits.list()).map(row => [row.stage, row]))
  }

  of(stage: string): (CallRate & { readonly waiting: number }) | undefined {
    const known = this.#known.get(stage)
    return known && { ...known, waiting: this.#waiting.get(stage)?.length ?? 0 }
  }

  /** Calls that wait, by stage. */
  waiting(): ReadonlyMap<string, number> {
    return new Map([...this.#known.keys()].map(stage => [stage, this.#waiting.get(stage)?.length ?? 0]))
  }

  /** Resolves when a call of the stage may begin. Throws the signal's reason. */
  async take(stage: string, signal: AbortSignal): Promise<void> {
    if (!this.#known.has(stage)) return
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const queue = this.#waiting.get(stage)
      const leave = () => {
        const all = this.#waiting.get(stage) ?? []
        const at = all.indexOf(waiter)
        if (at >= 0) all.splice(at, 1)
        reject(signal.reason as Error)
      }
      const waiter: Waiter = {
        enter: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      if (queue) queue.push(waiter)
      else {
        this.#waiting.set(stage, [waiter])
        void this.#serve(stage)
      }
    })
  }

  async #serve(stage: string): Promise<void> {
    const queue = this.#waiting.get(stage) ?? []
    const enterNext = () => queue.shift()?.enter()
    while (queue.length > 0 && !this.#stop.signal.aborted) {
      try {
        const { waitsMs, nextMs } = await this.#limits.reserve(stage, Math.min(queue.length, reservedMax))
        let waited = 0
        for (const waitMs of waitsMs) {
          if (waitMs > waited) await this.#pause(waitMs - waited)
          waited = Math.max(waited, waitMs)
          enterNext()
        }
        // Somebody may have taken the limit away or changed it, so nobody sleeps for longer than a look.
        if (waitsMs.length === 0) await this.#pause(Math.min(nextMs ?? 0, lookMs))
      } catch (error) {
        this.#log.warn({ err: error, stage }, 'no time could be reserved for calls of a stage with a limit')
        await this.#pause(failurePauseMs)
      }
    }
    this.#waiting.delete(stage)
  }

  async #keepLooking(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#pause(lookMs)
      await this.refresh().catch((error: unknown) =>
        this.#log.warn({ err: error }, 'the limits of stages were not read'),
      )
    }
  }

  async #pause(ms: number): Promise<void> {
    await pause(Math.ceil(ms), undefined, { signal: this.#stop.signal }).catch(() => {})
  }
}
