import type { Feed } from '../session/messages.ts'

/** A bounded number of buffers: who wants one waits until one comes back. */
export class Buffers {
  readonly #make: () => readonly Feed[]
  readonly #free: (readonly Feed[])[] = []
  readonly #waiting: ((feeds: readonly Feed[]) => void)[] = []
  #left: number

  constructor(most: number, make: () => readonly Feed[]) {
    this.#left = most
    this.#make = make
  }

  async take(): Promise<readonly Feed[]> {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#left > 0) {
      this.#left--
      return this.#make()
    }
    return await new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Undefined for one that was lost on its way; another may be made then. */
  give(feeds: readonly Feed[] | undefined): void {
    const next = this.#waiting.shift()
    if (next !== undefined) next(feeds ?? this.#make())
    else if (feeds === undefined) this.#left++
    else this.#free.push(feeds)
  }
}
