// Lets calls of stages that may be called only so often begin when it is their turn, first come first served. Stages without one cost nothing.

import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { StageLimits } from '../store/stage-limits.ts'
import type { Waits } from './call-wait.ts'
import type { KnownLimits } from './known-limits.ts'

interface Waiter {
  readonly enter: () => void
}

const lookMs = 1000
const failurePauseMs = 500
/** Reserved with one statement. */
const reservedMax = 64

export class CallRates {
  readonly #known: Pick<KnownLimits, 'of'>
  readonly #limits: Pick<StageLimits, 'reserve'>
  readonly #log: Logger
  readonly #waiting = new Map<string, Waiter[]>()
  readonly #stop = new AbortController()

  constructor(known: Pick<KnownLimits, 'of'>, limits: Pick<StageLimits, 'reserve'>, log: Logger) {
    this.#known = known
    this.#limits = limits
    this.#log = log
  }

  stop(): void {
    this.#stop.abort()
  }

  /** Calls that wait here. */
  waiting(stage: string): number {
    return this.#waiting.get(stage)?.length ?? 0
  }

  /** Resolves when a call of the stage may begin. Throws the signal's reason. */
  async take(stage: string, { signal, onWait }: Waits): Promise<void> {
    const { count = null, perMs = null } = this.#known.of(stage) ?? {}
    if (count === null || perMs === null) return
    signal.throwIfAborted()
    onWait({ reason: 'stage-rate', stage, count, perMs })
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

  async #pause(ms: number): Promise<void> {
    await pause(Math.ceil(ms), undefined, { signal: this.#stop.signal }).catch(() => {})
  }
}
