// Formulas from counts. Undefined is null: never 0, never NaN.

export type Metrics = Record<string, number | null>

export interface Confusion {
  readonly tp: number
  readonly fp: number
  readonly fn: number
  readonly tn: number
}

export const ratio = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null)

/** A figure of SQL or arithmetic as it may stand in JSON. */
export const figure = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null

export function twoClassMetrics({ tp, fp, fn, tn }: Confusion): Metrics {
  const rows = tp + fp + fn + tn
  return {
    accuracy: ratio(tp + tn, rows),
    precision: ratio(tp, tp + fp),
    recall: ratio(tp, tp + fn),
    f1: ratio(2 * tp, 2 * tp + fp + fn),
    baseRate: ratio(tp + fn, rows),
  }
}

/**
 * `counts[i][j]`: rows of class i that were called j. Macro means are over the classes that occur as truth or as
 * prediction; a class whose figure is undefined counts as 0 in them, as with scikit-learn's zero_division=0.
 */
export function manyClassMetrics(counts: readonly (readonly number[])[]): { metrics: Metrics; classes: Metrics[] } {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const actual = counts.map(sum)
  const called = counts.map((_, j) => sum(counts.map(row => row[j] as number)))
  const hits = counts.map((row, i) => row[i] as number)
  const classes = counts.map((_, i) => {
    const [tp, fp, fn] = [
      hits[i],
      (called[i] as number) - (hits[i] as number),
      (actual[i] as number) - (hits[i] as number),
    ] as [number, number, number]
    const { precision, recall, f1 } = twoClassMetrics({ tp, fp, fn, tn: 0 })
    return { precision, recall, f1, rows: actual[i] } as Metrics
  })
  const occurring = classes.filter((_, i) => (actual[i] as number) + (called[i] as number) > 0)
  const macro = (name: string) => ratio(sum(occurring.map(each => each[name] ?? 0)), occurring.length)
  const metrics = {
    accuracy: ratio(sum(hits), sum(actual)),
    precision: macro('precision'),
    recall: macro('recall'),
    f1: macro('f1'),
  }
  return { metrics, classes }
}
