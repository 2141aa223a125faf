// Group commit: what comes while a write is on its way is written together by the next.

export interface BatcherOptions<T, R> {
  /** Items of one write at the most. */
  readonly max: number
  /** Two items of one key never stand in one write. */
  readonly keyOf: (item: T) => string
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
    await Promise.resolve() // what is added in this turn of the loop goes along
    while (this.#waiting.length > 0) {
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
    const keys = new Set<string>()
    const batch: Waiting<T, R>[] = []
    const rest: Waiting<T, R>[] = []
    for (const waiting of this.#waiting) {
      const key = this.#options.keyOf(waiting.item)
      if (batch.length < this.#options.max && !keys.has(key)) batch.push(waiting)
      else rest.push(waiting)
      keys.add(key)
    }
    this.#waiting = rest
    return batch
  }
}
