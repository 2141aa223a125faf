// Whether a deployment is called. One that fails call after call is left alone for a while, then tried with one call; the
// while doubles until a call succeeds. Pure; times are milliseconds of one steady clock.

const failuresToOpen = 5
const firstMs = 1000
const lastMs = 30_000

export type Outcome =
  | 'good'
  /** It answered, and badly, or not in time. That may be the fault of what it was asked. */
  | 'bad'
  /** No connection came about, or it broke: that is the fault of no request. */
  | 'away'
  /** Nothing is known: the call was ended from here, or refused for want of room. */
  | 'unknown'

export class Circuit {
  #failures = 0
  #awayInARow = 0
  #opened = 0
  #openUntil: number | undefined
  #trying = false

  /** Whether a call may be made now. */
  allows(now: number): boolean {
    return this.#openUntil === undefined || (now >= this.#openUntil && !this.#trying)
  }

  /** Until when it is left alone; nothing where it is not. */
  get openUntil(): number | undefined {
    return this.#openUntil
  }

  /** Nobody is there: a call would be for nothing, even where there is no other deployment. */
  get isAway(): boolean {
    return this.#awayInARow >= failuresToOpen
  }

  /** A call is made. Answers how to tell its end. */
  begin(): (outcome: Outcome, now: number) => void {
    const trial = this.#openUntil !== undefined
    if (trial) this.#trying = true
    return (outcome, now) => {
      if (trial) this.#trying = false
      if (outcome === 'unknown') return
      this.#awayInARow = outcome === 'away' ? this.#awayInARow + 1 : 0
      if (outcome === 'good') this.#close()
      // What was under way when it was opened says nothing new.
      else if (this.#openUntil === undefined || (trial && now >= this.#openUntil)) this.#failed(now)
    }
  }

  #close(): void {
    this.#failures = 0
    this.#opened = 0
    this.#openUntil = undefined
  }

  #failed(now: number): void {
    this.#failures++
    if (this.#failures >= failuresToOpen) this.#openUntil = now + Math.min(lastMs, firstMs * 2 ** this.#opened++)
  }
}
