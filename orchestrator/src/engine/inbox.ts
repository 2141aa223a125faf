/** What a walker waits for: things that happened, in order, one reader. */
export class Inbox<T> {
  #items: T[] = []
  #wake: (() => void) | undefined

  put(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** Everything that has come, at least one thing, or nothing when so many milliseconds have passed. */
  async take(forMs: number | undefined): Promise<T[]> {
    if (this.#items.length === 0) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
        if (forMs !== undefined) timer = setTimeout(resolve, Math.max(0, forMs))
      })
      clearTimeout(timer)
      this.#wake = undefined
    }
    const items = this.#items
    this.#items = []
    return items
  }
}
