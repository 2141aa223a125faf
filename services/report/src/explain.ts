// Metrics in plain words. Pure.

import type { Evaluation } from '@meshwork/contracts'
import { count, percent, plain, written } from './html/number.ts'
import type { FigureModel } from './model.ts'

type Metrics = Evaluation['metrics']

export interface Explained {
  readonly name: string
  readonly value: string
  readonly meaning: string
}

const names: Record<string, string> = {
  accuracy: 'Accuracy',
  precision: 'Precision',
  recall: 'Recall',
  f1: 'F1',
  rocAuc: 'ROC AUC',
  prAuc: 'PR AUC',
  logLoss: 'Log loss',
  brier: 'Brier score',
  baseRate: 'Base rate',
  mae: 'MAE',
  rmse: 'RMSE',
  r2: 'R²',
  mape: 'MAPE',
  meanError: 'Mean error',
  mapeLeftOut: 'Left out of MAPE',
}
const shares = new Set(['accuracy', 'precision', 'recall', 'baseRate', 'mape'])
const order = Object.keys(names)

export const metricName = (metric: string): string => names[metric] ?? metric

export function metricValue(metric: string, value: number | null | undefined): string {
  if (value === null || value === undefined) return 'not defined'
  if (metric === 'rows' || metric === 'mapeLeftOut') return count(value)
  return shares.has(metric) ? percent(value) : plain(value)
}

export const inOrder = (metrics: Metrics): string[] =>
  Object.keys(metrics).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))

const rank = (metric: string) => (order.includes(metric) ? order.indexOf(metric) : order.length)

export function explain(evaluation: Evaluation): Explained[] {
  const { metrics } = evaluation
  return inOrder(metrics).map(metric => ({
    name: metricName(metric),
    value: metricValue(metric, metrics[metric]),
    meaning: meaning(metric, evaluation),
  }))
}

function meaning(metric: string, { metrics, classes }: Evaluation): string {
  const value = metrics[metric] ?? null
  const macro = classes !== null
  const hundred = value === null ? '…' : plainCount(value * 100)
  const said: Record<string, string> = {
    accuracy: `Of 100 rows, ${hundred} were predicted right.`,
    precision: macro
      ? 'Share of the calls that were right, mean over the classes.'
      : `Of 100 rows called positive, ${hundred} were positive.`,
    recall: macro
      ? 'Share of the rows that were found, mean over the classes.'
      : `Of 100 rows that were positive, ${hundred} were called so.`,
    f1: `One figure for precision and recall (harmonic mean${macro ? ', mean over the classes' : ''}); 1 is perfect.`,
    rocAuc: `A positive row has a higher score than a negative one in ${hundred} of 100 pairs; 50 is chance.`,
    prAuc: `Mean precision over all thresholds; chance would be ${metrics['baseRate'] === undefined ? 'the base rate' : plain(metrics['baseRate'] ?? 0)}.`,
    logLoss: `Cost of the probabilities, lower is better${always(metrics)}.`,
    brier: 'Mean squared error of the probabilities; lower is better, 0.25 is saying one half always.',
    baseRate: `Of 100 rows, ${hundred} were positive: what always saying no would miss.`,
    mae: 'Mean distance between prediction and truth, in the unit of the target.',
    rmse: 'The same, but large errors weigh more.',
    r2: 'Share of the spread of the target that is explained; 1 is perfect, 0 is always saying the mean.',
    mape: 'Mean distance as a share of the truth; rows whose truth is 0 are left out.',
    meanError: 'Prediction minus truth: above 0 it predicts too much, below 0 too little.',
    mapeLeftOut: 'Rows whose truth is 0.',
  }
  return said[metric] ?? ''
}

function always(metrics: Metrics): string {
  const rate = metrics['baseRate']
  if (rate === null || rate === undefined || rate <= 0 || rate >= 1) return ''
  return `; always saying the base rate costs ${plain(-(rate * Math.log(rate) + (1 - rate) * Math.log(1 - rate)))}`
}

const plainCount = (value: number) => String(Math.round(value))

/** One sentence on what was judged, and one on how well. */
export function verdict({ judged, rows, skipped, metrics, task, confusion }: Evaluation): string {
  const by = judged.score ?? judged.prediction ?? 'the scores'
  const limits = judged.where === null ? '' : ` where ${judged.where}`
  const left = skipped > 0 ? ` (${count(skipped)} rows were left out: no target or no prediction)` : ''
  const what = `“${by}” was judged against “${judged.target}”${judged.positive === null ? '' : ` = “${judged.positive}”`} on ${count(rows)} rows${limits}${left}.`
  if (rows === 0) return `${what} There was nothing to judge.`
  if (task === 'regression') return `${what} On average it is off by ${metricValue('mae', metrics['mae'])}.`
  if (confusion && confusion.labels.length !== 2)
    return `${what} It is right in ${metricValue('accuracy', metrics['accuracy'])} of them.`
  const from = judged.threshold === null ? '' : ` from a score of ${written(judged.threshold)} on`
  const found = `Called positive${from}, it finds ${metricValue('recall', metrics['recall'])} of the positives, and ${metricValue('precision', metrics['precision'])} of its calls are right.`
  return `${what} ${found}`
}

/** What the top of the page says of an evaluation. */
export function keyFigures({ rows, metrics, gates, task, confusion }: Evaluation): FigureModel[] {
  const figure = (metric: string, note: string): FigureModel[] =>
    metrics[metric] === undefined
      ? []
      : [{ label: metricName(metric), value: metricValue(metric, metrics[metric]), note }]
  const twoClasses = task === 'classification' && metrics['baseRate'] !== undefined
  const found =
    task === 'regression'
      ? [
          ...figure('mae', 'mean distance to the truth'),
          ...figure('rmse', 'large errors weigh more'),
          ...figure('r2', '1 is perfect, 0 is the mean'),
        ]
      : twoClasses
        ? [
            ...figure('rocAuc', '0.5 is chance, 1 is perfect'),
            ...figure('recall', 'of the positives are found'),
            ...figure('precision', 'of the positive calls are right'),
            ...figure('baseRate', 'of all rows are positive'),
          ]
        : [
            ...figure('accuracy', 'of the rows are right'),
            ...figure('f1', `mean over ${confusion?.labels.length ?? 0} classes`),
            ...figure('logLoss', 'lower is better'),
          ]
  const held = gates.filter(({ passed }) => passed).length
  const bounds =
    gates.length === 0
      ? []
      : [
          {
            label: 'Bounds held',
            value: `${held} of ${gates.length}`,
            note: held === gates.length ? 'all as agreed' : 'see below',
          },
        ]
  return [{ label: 'Rows judged', value: rows, note: null }, ...found, ...bounds]
}
