import { MeshError } from '@meshwork/contracts'

export interface LimiterOptions {
  readonly stage: string
  /** Calls in progress at a time. */
  readonly places: number
  /** Calls that may wait; one more is refused. */
  readonly waitingMax: number
}

const retryAfterSeconds = 1

/** A bounded number of places and a bounded queue for them, first in first out. */
export class Limiter {
  readonly #options: LimiterOptions
  readonly #waiting = new Set<() => void>()
  #taken = 0

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves with the release of a place. Throws MESHWORK_STAGE_BUSY at the limit, or the signal's reason. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const { stage, places, waitingMax } = this.#options
    if (this.#taken < places) {
      this.#taken++
      return this.#release()
    }
    if (this.#waiting.size >= waitingMax) {
      const params = { stage, running: this.#taken, waiting: this.#waiting.size, seconds: retryAfterSeconds }
      throw new MeshError('MESHWORK_STAGE_BUSY', params, { retryAfterSeconds })
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#waiting.delete(enter)
        reject(signal.reason as Error)
      }
      this.#waiting.add(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
    return this.#release()
  }

  /** The place goes to the next in the queue without being free in between. */
  #release(): () => void {
    let held = true
    return () => {
      if (!held) return
      held = false
      const [next] = this.#waiting
      if (next === undefined) this.#taken--
      else {
        this.#waiting.delete(next)
        next()
      }
    }
  }
}
