// How good one version of a model was, by labels: all of them, and in windows. A window is closed when it has enough
// labels, or is old enough.

import type { OipTensor } from '../oip/tensor.ts'
import type { Predictions } from './memory.ts'
import type { QualityTask } from './task.ts'
import { type Measures, QualityTally } from './tally.ts'

export interface QualitySettings {
  readonly windowLabels: number
  readonly windowMs: number
}
export interface QualityWindow extends Measures {
  /** Milliseconds since 1970. */
  readonly from: number
  readonly to: number
}
export type Labelled = 'matched' | 'repeated' | 'unmatched'

const windowsKept = 48

export class QualityMonitor {
  readonly task: QualityTask
  readonly settings: QualitySettings
  readonly #owner: string
  readonly #predictions: Predictions
  readonly all: QualityTally
  readonly counts: Record<Labelled, number> = { matched: 0, repeated: 0, unmatched: 0 }
  #tally: QualityTally
  #from: number
  #closed: QualityWindow[] = []

  /** `owner`: the version that is watched, among all that `predictions` are of. */
  constructor(owner: string, task: QualityTask, predictions: Predictions, settings: QualitySettings, now = Date.now()) {
    this.task = task
    this.settings = settings
    this.#owner = owner
    this.#predictions = predictions
    this.all = new QualityTally(task)
    this.#tally = new QualityTally(task)
    this.#from = now
  }

  /** Keeps what was said to a request, where its answer has the prediction. */
  remember(id: string, outputs: readonly OipTensor[]): void {
    const said = outputs.find(({ name }) => name === this.task.output)
    if (said) this.#predictions.remember(this.#owner, id, said, this.task.width)
  }

  /** Counts a row that is told with its label. */
  add(prediction: ArrayLike<number>, at: number, label: number, now = Date.now()): Labelled {
    this.#roll(now)
    this.#tally.add(prediction, at, label)
    this.all.add(prediction, at, label)
    this.counts.matched++
    return 'matched'
  }

  knows(id: string, row: number): boolean {
    return row < (this.#predictions.find(this.#owner, id)?.rows ?? 0)
  }

  /** The label of a row of a request that is remembered. */
  label(id: string, row: number, label: number, now = Date.now()): Labelled {
    const found = this.#predictions.find(this.#owner, id)
    if (!found || row >= found.rows) return 'unmatched'
    if (found.labelled[row] === 1) {
      this.counts.repeated++
      return 'repeated'
    }
    found.labelled[row] = 1
    return this.add(found.prediction, row * this.task.width, label, now)
  }

  view(now = Date.now()): { readonly open: QualityWindow; readonly closed: readonly QualityWindow[] } {
    this.#roll(now)
    return { open: this.#window(now), closed: this.#closed }
  }

  #window(now: number): QualityWindow {
    return { from: this.#from, to: now, ...this.#tally.measures() }
  }

  #roll(now: number): void {
    const { windowLabels, windowMs } = this.settings
    const { labels, unusable } = this.#tally
    if (labels + unusable < windowLabels && now - this.#from < windowMs) return
    if (labels + unusable > 0) this.#closed = [this.#window(now), ...this.#closed].slice(0, windowsKept)
    this.#tally = new QualityTally(this.task)
    this.#from = now
  }
}
