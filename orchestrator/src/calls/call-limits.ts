/** At most so many calls in flight for each address; who waits is let in at once when a place is free, first come first served. */
export class CallLimits {
  readonly #max: number
  readonly #taken = new Map<string, number>()
  readonly #waiting = new Map<string, (() => void)[]>()

  constructor(max: number) {
    this.#max = max
  }

  of(url: string): { readonly taken: number; readonly waiting: number; readonly max: number } {
    return { taken: this.#taken.get(url) ?? 0, waiting: this.#waiting.get(url)?.length ?? 0, max: this.#max }
  }

  /** Whether somebody waits, for whichever address. */
  get waits(): boolean {
    for (const { length } of this.#waiting.values()) if (length > 0) return true
    return false
  }

  /** Resolves with the release of a place. Throws the signal's reason. */
  async take(url: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const taken = this.#taken.get(url) ?? 0
    if (taken < this.#max) this.#taken.set(url, taken + 1)
    else {
      await new Promise<void>((resolve, reject) => {
        const queue = this.#waiting.get(url) ?? []
        this.#waiting.set(url, queue)
        const enter = () => {
          signal.removeEventListener('abort', leave)
          resolve()
        }
        const leave = () => {
          queue.splice(queue.indexOf(enter), 1)
          reject(signal.reason as Error)
        }
        queue.push(enter)
        signal.addEventListener('abort', leave, { once: true })
      })
    }
    return () => {
      const next = this.#waiting.get(url)?.shift()
      if (next) next()
      else this.#taken.set(url, (this.#taken.get(url) ?? 1) - 1)
    }
  }
}
