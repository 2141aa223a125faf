// What a walk measures of itself. Times are milliseconds of one monotonic clock; pure but for what it remembers.
//
// Of the time of a run a part is calls (at least one in flight), a part is rest (nothing to do before a time that was
// asked for: a retry, a pause), and what is left is the orchestrator's own.

export interface Shares {
  readonly seconds: number
  readonly ownSeconds: number
}

export class Timeline {
  readonly #beganAt: number
  readonly #answeredAt = new Map<string, number>()
  #busyMs = 0
  #since: number
  #calls = 0
  #resting = false
  #called = false

  constructor(now: number) {
    this.#beganAt = now
    this.#since = now
  }

  /** A call is sent. Answers the milliseconds since the walk began if it is the first. */
  called(now: number): number | undefined {
    this.#pass(now)
    this.#calls++
    const first = !this.#called
    this.#called = true
    return first ? now - this.#beganAt : undefined
  }

  answered(step: string, now: number): void {
    this.#pass(now)
    this.#calls--
    this.#answeredAt.set(step, now)
  }

  /** Milliseconds from the answer of the last of these steps; nothing where this walk has not seen all of them. */
  since(steps: readonly string[], now: number): number | undefined {
    let last: number | undefined
    for (const step of steps) {
      const at = this.#answeredAt.get(step)
      if (at === undefined) return undefined
      last = Math.max(last ?? at, at)
    }
    return last === undefined ? undefined : now - last
  }

  rest(resting: boolean, now: number): void {
    this.#pass(now)
    this.#resting = resting
  }

  /** Shares of the time so far; `waitedMs` is what the run waited before the walk began. */
  shares(now: number, waitedMs: number): Shares {
    this.#pass(now)
    const ms = now - this.#beganAt + waitedMs
    return { seconds: ms / 1000, ownSeconds: Math.max(0, ms - this.#busyMs) / 1000 }
  }

  #pass(now: number): void {
    if (this.#calls > 0 || this.#resting) this.#busyMs += now - this.#since
    this.#since = now
  }
}
