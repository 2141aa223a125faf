// Predictions beside what came true, as sums from which every measure follows: bounded, however many there are. Pure.

import type { QualityTask } from './task.ts'

/** Scores are told apart by so much when they are ranked for the area under the curve. */
const scoreBins = 1000
/** A confusion of more classes is not kept. */
const confusionClassesMax = 50
/** No probability is taken for certain, or one wrong label would outweigh all others in the log loss. */
const certain = 1e-15
/** 95 % of a normal distribution lie within so many deviations. */
const z = 1.959964

export interface Measures {
  readonly labels: number
  /** Predictions that were no numbers, and are in nothing else. */
  readonly unusable: number
  readonly values: Readonly<Record<string, number>>
  /** Where the leading measure lies with 95 % confidence, were labels drawn again. */
  readonly interval: { readonly measure: string; readonly low: number; readonly high: number } | null
}

export class QualityTally {
  readonly task: QualityTask
  labels = 0
  unusable = 0
  /** Regression: sums of |e|, e², e, y and y², with e the prediction less the label y. */
  readonly sums = { absolute: 0, squared: 0, signed: 0, label: 0, labelSquared: 0 }
  readonly probability = { logLoss: 0, brier: 0, score: 0 }
  /** Class that came true × class that was said, row by row; binary: no and yes. */
  readonly confusion: Float64Array
  correct = 0
  readonly #positives: Float64Array
  readonly #negatives: Float64Array

  constructor(task: QualityTask) {
    this.task = task
    this.confusion = new Float64Array(sideOf(task) ** 2)
    const bins = task.kind === 'binary' ? scoreBins + 1 : 0
    this.#positives = new Float64Array(bins)
    this.#negatives = new Float64Array(bins)
  }

  /** `at`: where the row begins in `prediction`. */
  add(prediction: ArrayLike<number>, at: number, label: number): void {
    const { task } = this
    for (let i = 0; i < task.width; i++)
      if (!Number.isFinite(prediction[at + i])) {
        this.unusable++
        return
      }
    this.labels++
    if (task.kind === 'regression') this.#addNumber(prediction[at] as number, label)
    else if (task.kind === 'binary') this.#addScore(prediction[at + task.scoreAt] as number, label)
    else this.#addClass(prediction, at, label)
  }

  measures(): Measures {
    const { labels, unusable, task } = this
    const none = { labels, unusable, values: {}, interval: null }
    if (labels === 0) return none
    if (task.kind === 'regression') return { ...none, ...this.#ofNumbers() }
    return { ...none, ...(task.kind === 'binary' ? this.#ofScores() : this.#ofClasses()) }
  }

  #addNumber(said: number, label: number): void {
    const { sums } = this
    const error = said - label
    sums.absolute += Math.abs(error)
    sums.squared += error * error
    sums.signed += error
    sums.label += label
    sums.labelSquared += label * label
  }

  #addScore(score: number, label: number): void {
    const said = Number(score >= this.task.threshold)
    this.#count(label, said)
    const p = Math.min(1, Math.max(0, score))
    this.probability.brier += (p - label) ** 2
    this.probability.score += p
    this.probability.logLoss -= Math.log(Math.max(certain, label === 1 ? p : 1 - p))
    const bins = label === 1 ? this.#positives : this.#negatives
    const bin = Math.round(p * scoreBins)
    bins[bin] = (bins[bin] as number) + 1
  }

  #addClass(prediction: ArrayLike<number>, at: number, label: number): void {
    let said = 0
    for (let i = 1; i < this.task.width; i++)
      if ((prediction[at + i] as number) > (prediction[at + said] as number)) said = i
    this.#count(label, said)
    this.probability.logLoss -= Math.log(Math.min(1, Math.max(certain, prediction[at + label] as number)))
  }

  #count(label: number, said: number): void {
    if (label === said) this.correct++
    const place = label * sideOf(this.task) + said
    if (place < this.confusion.length) this.confusion[place] = (this.confusion[place] as number) + 1
  }

  #ofNumbers() {
    const { labels: n, sums } = this
    const mae = sums.absolute / n
    const spread = sums.labelSquared - sums.label ** 2 / n
    const values = {
      mae,
      rmse: Math.sqrt(sums.squared / n),
      bias: sums.signed / n,
      ...(spread > 0 ? { r2: 1 - sums.squared / spread } : {}),
    }
    const deviation = n > 1 ? Math.sqrt(Math.max(0, (sums.squared - n * mae * mae) / (n - 1))) : Infinity
    const half = (z * deviation) / Math.sqrt(n)
    return {
      values,
      interval: Number.isFinite(half) ? { measure: 'mae', low: Math.max(0, mae - half), high: mae + half } : null,
    }
  }

  #ofScores() {
    const { labels: n, probability, confusion } = this
    const [, falseYes = 0, falseNo = 0, trueYes = 0] = confusion
    const area = this.#area()
    return {
      values: {
        accuracy: this.correct / n,
        precision: ratio(trueYes, trueYes + falseYes),
        recall: ratio(trueYes, trueYes + falseNo),
        f1: ratio(2 * trueYes, 2 * trueYes + falseYes + falseNo),
        ...(area === undefined ? {} : { roc_auc: area }),
        brier: probability.brier / n,
        log_loss: probability.logLoss / n,
        positive_rate: (trueYes + falseNo) / n,
        mean_score: probability.score / n,
      },
      interval: this.#accuracyInterval(),
    }
  }

  #ofClasses() {
    const { labels: n, probability, confusion, task } = this
    const side = sideOf(task)
    const f1s: number[] = []
    for (let of = 0; of < side; of++) {
      let [came, said] = [0, 0]
      for (let other = 0; other < side; other++) {
        came += confusion[of * side + other] as number
        said += confusion[other * side + of] as number
      }
      if (came + said > 0) f1s.push((2 * (confusion[of * side + of] as number)) / (came + said))
    }
    return {
      values: {
        accuracy: this.correct / n,
        ...(f1s.length > 0 ? { macro_f1: f1s.reduce((a, b) => a + b, 0) / f1s.length } : {}),
        log_loss: probability.logLoss / n,
      },
      interval: this.#accuracyInterval(),
    }
  }

  /** Wilson's. */
  #accuracyInterval() {
    const { labels: n, correct } = this
    const p = correct / n
    const scale = 1 + (z * z) / n
    const middle = (p + (z * z) / (2 * n)) / scale
    const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / scale
    return { measure: 'accuracy', low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
  }

  /** How often a positive row has the higher score than a negative one, equal ones half; undefined without both. */
  #area(): number | undefined {
    let [below, wins, positives] = [0, 0, 0]
    for (let bin = 0; bin <= scoreBins; bin++) {
      const [yes, no] = [this.#positives[bin] as number, this.#negatives[bin] as number]
      wins += yes * (below + no / 2)
      below += no
      positives += yes
    }
    return positives > 0 && below > 0 ? wins / (positives * below) : undefined
  }
}

/** Classes in the confusion of a task: 0 where it is not kept. */
export const sideOf = ({ kind, classes }: QualityTask): number =>
  kind === 'regression' ? 0 : kind === 'binary' ? 2 : classes.length > confusionClassesMax ? 0 : classes.length

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
