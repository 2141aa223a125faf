// Wakes those who wait for news of a run. News of runs that other orchestrators walk come by looking again.

const lookAgainMs = 500

export class RunNews {
  readonly #news = new Waiting()
  readonly #ends = new Waiting()

  tell(runId: string, ended = false): void {
    this.#news.wake(runId)
    if (ended) this.#ends.wake(runId)
  }

  /** Resolves at news of the run, after half a second, or when the signal is aborted. */
  async wait(runId: string, signal?: AbortSignal): Promise<void> {
    await this.#news.wait(runId, lookAgainMs, signal)
  }

  /** Resolves at the end of the run, or after a time of at most half a second. */
  async waitForEnd(runId: string, ms: number): Promise<void> {
    await this.#ends.wait(runId, Math.min(ms, lookAgainMs))
  }
}

class Waiting {
  readonly #byRun = new Map<string, Set<() => void>>()

  wake(runId: string): void {
    const waiting = this.#byRun.get(runId)
    this.#byRun.delete(runId)
    for (const wake of waiting ?? []) wake()
  }

  async wait(runId: string, ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return
    await new Promise<void>(resolve => {
      const waiting = this.#byRun.get(runId) ?? new Set()
      this.#byRun.set(runId, waiting)
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        waiting.delete(done)
        if (waiting.size === 0 && this.#byRun.get(runId) === waiting) this.#byRun.delete(runId)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
      waiting.add(done)
    })
  }
}
