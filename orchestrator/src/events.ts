// Wakes those who wait for news of a run. Of runs that are walked here they are told at once; of those that other
// orchestrators walk by looking, for all of them together, as long as somebody waits.

/** Waiting ends after that in any case: what was told between a read and the wait is seen then. */
const lookAgainMs = 500
const lookElsewhereMs = 40
/** The end of a run is told, or seen by looking; this is for what nobody has thought of. */
const lookForEndMs = 2000

export interface RunPulse extends Record<string, unknown> {
  readonly id: string
  /** How many events it has. */
  readonly seq: number
  readonly ended: boolean
}

export interface Elsewhere {
  /** Whether a run is walked by this orchestrator. */
  readonly isHere: (runId: string) => boolean
  readonly look: (runIds: readonly string[]) => Promise<readonly RunPulse[]>
}

export class RunNews {
  readonly #news = new Waiting()
  readonly #ends = new Waiting()
  readonly #elsewhere: Elsewhere | undefined
  /** Events that runs had when they were last looked at. */
  #seen = new Map<string, number>()
  #looking: NodeJS.Timeout | undefined

  constructor(elsewhere?: Elsewhere) {
    this.#elsewhere = elsewhere
  }

  tell(runId: string, ended = false): void {
    this.#news.wake(runId)
    if (ended) this.#ends.wake(runId)
  }

  /** Resolves at news of the run, after half a second, or when the signal is aborted. */
  async wait(runId: string, signal?: AbortSignal): Promise<void> {
    this.#lookSoon()
    await this.#news.wait(runId, lookAgainMs, signal)
  }

  /** Resolves at the end of the run, or after a time of at most two seconds. */
  async waitForEnd(runId: string, ms: number): Promise<void> {
    this.#lookSoon()
    await this.#ends.wait(runId, Math.min(ms, lookForEndMs))
  }

  #lookSoon(): void {
    if (!this.#elsewhere || this.#looking) return
    const { isHere, look } = this.#elsewhere
    this.#looking = setTimeout(() => {
      const ids = [...new Set([...this.#news.runs, ...this.#ends.runs])].filter(id => !isHere(id))
      if (ids.length === 0) this.#seen.clear()
      const looked = ids.length === 0 ? Promise.resolve([]) : look(ids)
      // A database that is away says so to those who ask it; here they only wait a little longer.
      void looked
        .then(pulses => this.#compare(pulses))
        .catch(() => {})
        .finally(() => {
          this.#looking = undefined
          if (this.#news.waits || this.#ends.waits) this.#lookSoon()
        })
    }, lookElsewhereMs)
    this.#looking.unref()
  }

  #compare(pulses: readonly RunPulse[]): void {
    const before = this.#seen
    this.#seen = new Map(pulses.map(({ id, seq }) => [id, seq]))
    for (const { id, seq, ended } of pulses) if (ended || (before.get(id) ?? seq) !== seq) this.tell(id, ended)
  }
}

class Waiting {
  readonly #byRun = new Map<string, Set<() => void>>()

  get runs(): Iterable<string> {
    return this.#byRun.keys()
  }

  get waits(): boolean {
    return this.#byRun.size > 0
  }

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
