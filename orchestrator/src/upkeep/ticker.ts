// Does something again and again, one time after the other: it says itself when the next time is.

const failurePauseMs = 2000

export class Ticker {
  readonly #tick: () => Promise<number>
  readonly #failed: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> = Promise.resolve()
  #stopped = false

  /** `tick` answers the milliseconds until the next. */
  constructor(tick: () => Promise<number>, failed: (error: unknown) => void) {
    this.#tick = tick
    this.#failed = failed
  }

  start(): void {
    this.#again(0)
  }

  /** Waits for what is being done. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#working
  }

  #again(ms: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#working = this.#tick()
        .catch((error: unknown) => {
          this.#failed(error)
          return failurePauseMs
        })
        .then(wait => this.#again(wait))
    }, ms)
  }
}
