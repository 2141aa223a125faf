// One pass over all rows in descending order of their score, which gives every figure of two classes, for all rows
// and for every slice at once, exactly and in constant memory. Pure.
//
//  S1 Rows come in descending order of score; rows of equal score may come in any order and give the same figures.
//  S2 Group 0 is all rows. A row is added to each group it belongs to.
//
// ROC AUC is the Mann-Whitney statistic, ties counting half: pairs of a positive above a negative, over all pairs.
// PR AUC is average precision as scikit-learn defines it: the sum of (R_n - R_n-1) P_n over distinct scores.
// Pairs are counted in halves, so sums are exact up to 2^53.

import { type Confusion, type Metrics, ratio, twoClassMetrics } from './metrics.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

export interface CalibrationBin {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly predicted: number
  readonly observed: number
}

/** Probabilities are clipped to [clip, 1 - clip] for the log loss. */
export const clip = 1e-15
const curveSteps = 254

export interface SweepOptions {
  /** Groups, with group 0: all rows. */
  readonly groups: number
  readonly positives: number
  readonly negatives: number
  readonly bins: number
}

export class ScoreSweep {
  readonly #options: SweepOptions
  /** Rows of each group by code: 2 for positive + 1 for predicted positive. */
  readonly #counts: Float64Array
  readonly #above: { readonly positives: Float64Array; readonly negatives: Float64Array }
  readonly #tied: { readonly positives: Float64Array; readonly negatives: Float64Array; readonly score: Float64Array }
  readonly #pairs: Float64Array
  readonly #precision: Float64Array
  readonly #logLoss: Float64Array
  readonly #squares: Float64Array
  readonly #bins: { rows: number; positives: number; scores: number }[]
  readonly #roc: Curve
  readonly #precisionRecall: Curve
  #score = Number.POSITIVE_INFINITY
  #lossOfPositive = 0
  #lossOfNegative = 0

  constructor(options: SweepOptions) {
    const numbers = () => new Float64Array(options.groups)
    this.#options = options
    this.#counts = new Float64Array(options.groups * 4)
    this.#above = { positives: numbers(), negatives: numbers() }
    this.#tied = { positives: numbers(), negatives: numbers(), score: numbers().fill(Number.NaN) }
    this.#pairs = numbers()
    this.#precision = numbers()
    this.#logLoss = numbers()
    this.#squares = numbers()
    this.#bins = Array.from({ length: options.bins }, () => ({ rows: 0, positives: 0, scores: 0 }))
    this.#roc = new Curve({ x: 0, y: 0 })
    this.#precisionRecall = new Curve()
  }

  /** `code` is 2 for a positive row plus 1 for one that was predicted positive. */
  add(group: number, score: number, code: number): void {
    const tied = this.#tied
    if (tied.score[group] !== score) {
      this.#settle(group)
      tied.score[group] = score
    }
    this.#counts[group * 4 + code]! += 1
    if (code >= 2) tied.positives[group]! += 1
    else tied.negatives[group]! += 1
  }

  finish(): void {
    for (let group = 0; group < this.#options.groups; group++) this.#settle(group)
    this.#roc.finish()
    this.#precisionRecall.finish()
  }

  confusion(group: number): Confusion {
    const [tn, fp, fn, tp] = this.#counts.subarray(group * 4, group * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ]
    return { tp, fp, fn, tn }
  }

  metrics(group: number): Metrics {
    const positives = this.#above.positives[group] as number
    const negatives = this.#above.negatives[group] as number
    const rows = positives + negatives
    const { baseRate, ...counted } = twoClassMetrics(this.confusion(group))
    return {
      ...counted,
      rocAuc: ratio(this.#pairs[group] as number, positives * negatives),
      prAuc: ratio(this.#precision[group] as number, positives),
      logLoss: ratio(this.#logLoss[group] as number, rows),
      brier: ratio(this.#squares[group] as number, rows),
      baseRate: baseRate ?? null,
    }
  }

  /** Null where there are not both classes. */
  curves(): { roc: Point[] | null; precisionRecall: Point[] | null } {
    const { positives, negatives } = this.#options
    return {
      roc: positives > 0 && negatives > 0 ? this.#roc.points : null,
      precisionRecall: positives > 0 ? this.#precisionRecall.points : null,
    }
  }

  calibration(): CalibrationBin[] {
    const width = 1 / this.#options.bins
    return this.#bins.flatMap(({ rows, positives, scores }, i) =>
      rows === 0
        ? []
        : [
            {
              from: Number((i * width).toFixed(12)),
              to: Number(((i + 1) * width).toFixed(12)),
              rows,
              predicted: scores / rows,
              observed: positives / rows,
            },
          ],
    )
  }

  /** Takes the rows of one score into the sums of a group. */
  #settle(group: number): void {
    const positives = this.#tied.positives[group] as number
    const negatives = this.#tied.negatives[group] as number
    if (positives + negatives === 0) return
    const score = this.#tied.score[group] as number
    const above = this.#above.positives[group] as number
    this.#losses(score)
    this.#pairs[group]! += negatives * (above + positives / 2)
    this.#above.positives[group] = above + positives
    this.#above.negatives[group]! += negatives
    const called = above + positives + (this.#above.negatives[group] as number)
    if (positives > 0) this.#precision[group]! += (positives * (above + positives)) / called
    this.#logLoss[group]! += positives * this.#lossOfPositive + negatives * this.#lossOfNegative
    this.#squares[group]! += positives * (1 - score) ** 2 + negatives * score ** 2
    this.#tied.positives[group] = 0
    this.#tied.negatives[group] = 0
    if (group === 0) this.#trace(score, positives, negatives)
  }

  /** Logarithms are the dear part; groups are mostly settled with the score of the one before. */
  #losses(score: number): void {
    if (score === this.#score) return
    const clipped = Math.min(1 - clip, Math.max(clip, score))
    this.#score = score
    this.#lossOfPositive = -Math.log(clipped)
    this.#lossOfNegative = -Math.log(1 - clipped)
  }

  #trace(score: number, positives: number, negatives: number): void {
    const bin = this.#bins[Math.max(0, Math.ceil(score * this.#options.bins) - 1)]
    if (bin) {
      bin.rows += positives + negatives
      bin.positives += positives
      bin.scores += score * (positives + negatives)
    }
    const recall = (this.#above.positives[0] as number) / this.#options.positives
    const fallOut = (this.#above.negatives[0] as number) / this.#options.negatives
    this.#roc.add({ x: fallOut, y: recall }, Math.floor((curveSteps * (recall + fallOut)) / 2))
    // Points at which recall does not grow are below those before them.
    if (positives === 0) return
    const called = (this.#above.positives[0] as number) + (this.#above.negatives[0] as number)
    const precision = (this.#above.positives[0] as number) / called
    this.#precisionRecall.add({ x: recall, y: precision }, Math.floor(curveSteps * recall))
  }
}

/** Keeps the last point of each step of the curve. */
class Curve {
  readonly points: Point[]
  #last: Point | undefined
  #step = -1

  constructor(...first: Point[]) {
    this.points = first
  }

  add(point: Point, step: number): void {
    if (step !== this.#step && this.#last) this.points.push(this.#last)
    this.#last = point
    this.#step = step
  }

  finish(): void {
    if (this.#last) this.points.push(this.#last)
    this.#last = undefined
  }
}
