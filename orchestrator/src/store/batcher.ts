// Group commit: what comes while a write is on its way is written together by the next.
//
// Each write is given a turn of the event loop before it. A database in this thread does its work before it answers:
// without that turn the answers of stages that came meanwhile would stay unread, and each would be written alone.

import { setImmediate } from 'node:timers/promises'

export interface BatcherOptions<T, R> {
  /** Items of one write at the most. */
  readonly max: number
  /** Two items of one key never stand in one write. Without it any two may. */
  readonly keyOf?: (item: T) => string
  /** Answers a result for each item, in order. */
  readonly write: (items: readonly T[]) => Promise<readonly R[]>
  /** Whether a write failed because of an item, with nothing written: then each is written alone. */
  readonly isOfItem?: (error: unknown) => boolean
}

interface Waiting<T, R> {
  readonly item: T
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
}

export class Batcher<T, R> {
  readonly #options: BatcherOptions<T, R>
  #waiting: Waiting<T, R>[] = []
  #writing: Promise<void> | undefined

  constructor(options: BatcherOptions<T, R>) {
    this.#options = options
  }

  async add(item: T): Promise<R> {
    return await new Promise<R>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#writing ??= this.#drain()
    })
  }

  async idle(): Promise<void> {
    await this.#writing
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await setImmediate()
      await this.#write(this.#take())
    }
    this.#writing = undefined
  }

  async #write(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.#options.write(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, i) => resolve(results[i] as R))
    } catch (error) {
      if (batch.length > 1 && this.#options.isOfItem?.(error)) for (const waiting of batch) await this.#write([waiting])
      else for (const { reject } of batch) reject(error)
    }
  }

  #take(): Waiting<T, R>[] {
    const { max, keyOf } = this.#options
    if (!keyOf) return this.#waiting.splice(0, max)
    const keys = new Set<string>()
    const batch: Waiting<T, R>[] = []
    const rest: Waiting<T, R>[] = []
    for (const waiting of this.#waiting) {
      const key = keyOf(waiting.item)
      if (batch.length < max && !keys.has(key)) batch.push(waiting)
      else rest.push(waiting)
      keys.add(key)
    }
    this.#waiting = rest
    return batch
  }
}
