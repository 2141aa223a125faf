// Wakes those who wait for news of a run. News of runs that other orchestrators walk come by looking again.

const lookAgainMs = 500

export class RunNews {
  readonly #waiting = new Map<string, Set<() => void>>()

  tell(runId: string): void {
    const waiting = this.#waiting.get(runId)
    this.#waiting.delete(runId)
    for (const wake of waiting ?? []) wake()
  }

  /** Resolves at news of the run, after half a second, or when the signal is aborted. */
  async wait(runId: string, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return
    await new Promise<void>(resolve => {
      const waiting = this.#waiting.get(runId) ?? new Set()
      this.#waiting.set(runId, waiting)
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        waiting.delete(done)
        if (waiting.size === 0 && this.#waiting.get(runId) === waiting) this.#waiting.delete(runId)
        resolve()
      }
      const timer = setTimeout(done, lookAgainMs)
      signal?.addEventListener('abort', done, { once: true })
      waiting.add(done)
    })
  }
}
