// The answers to the steps of a run that wait, as far as its walk has read them.

import type { SignalRow } from '../store/signals.ts'
import type { StepState } from '../step/state.ts'

export class Answers {
  readonly #read: () => Promise<SignalRow[]>
  #rows: ReadonlyMap<string, SignalRow> = new Map()
  /** How many there were when they were read. */
  count = 0

  constructor(read: () => Promise<SignalRow[]>) {
    this.#read = read
  }

  get steps(): ReadonlySet<string> {
    return new Set(this.#rows.keys())
  }

  get byStep(): ReadonlyMap<string, SignalRow> {
    return this.#rows
  }

  /** `count`: how many there are now. Those to an earlier generation of a step are of no use any more. */
  async readAll(count: number, states: ReadonlyMap<string, StepState>): Promise<void> {
    if (count === this.count) return
    const rows = (await this.#read()).filter(({ step, generation }) => states.get(step)?.generation === generation)
    this.#rows = new Map(rows.map(row => [row.step, row]))
    this.count = count
  }
}
