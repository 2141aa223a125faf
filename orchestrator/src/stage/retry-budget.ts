// How many calls of a deployment may be repeated ones: a fifth of the first ones, and ten a second. When all that is
// called fails, the repetitions would otherwise be most of the load. Pure; times are milliseconds of one steady clock.

const share = 0.2
const perSecond = 10
const most = 100

export class RetryBudget {
  #tokens = most
  #at = 0

  first(): void {
    this.#tokens = Math.min(most, this.#tokens + share)
  }

  /** Takes a repetition, or answers after how many milliseconds there may be one. */
  take(now: number): number {
    this.#tokens = Math.min(most, this.#tokens + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
    if (this.#tokens >= 1) {
      this.#tokens--
      return 0
    }
    return Math.ceil(((1 - this.#tokens) / perSecond) * 1000)
  }
}
