import Type, { type Static } from 'typebox'
import { ArtefactRef, ColumnName, DatasetRef } from '../dataset.ts'
import { Closed, Count, Expression, MapOf, Nullable, OneOf } from '../schema.ts'

const Metrics = MapOf(Nullable(Type.Number()), {
  maxProperties: 128,
  description:
    'Metric and figure; null where it is not defined (for example ROC AUC with one class). Shares are from 0 to 1, regression figures in the unit of the target.',
  examples: [{ accuracy: 0.81, rocAuc: 0.68, baseRate: 0.21 }],
})

/** Two classes; more than two have accuracy, precision, recall and f1 (means over the classes) and logLoss. */
export const classificationMetrics = [
  'accuracy',
  'precision',
  'recall',
  'f1',
  'rocAuc',
  'prAuc',
  'logLoss',
  'brier',
  'baseRate',
] as const
export const regressionMetrics = ['mae', 'rmse', 'r2', 'mape', 'meanError'] as const

export const Gate = Closed(
  {
    metric: OneOf([...classificationMetrics, ...regressionMetrics]),
    min: Type.Optional(Type.Number({ description: 'Smallest figure that passes.' })),
    max: Type.Optional(Type.Number({ description: 'Largest figure that passes.' })),
    everySlice: Type.Optional(
      Type.Boolean({ default: false, description: 'The bound holds for every slice as well.' }),
    ),
  },
  {
    title: 'Gate',
    description:
      'Bounds on a metric, each allowed itself; when one is broken, or the metric is not defined, the step fails with MESHWORK_EVALUATE_GATE. The evaluation is kept.',
    examples: [{ metric: 'rocAuc', min: 0.65 }],
  },
)
export type Gate = Static<typeof Gate>

export const EvaluateInput = Closed(
  {
    dataset: DatasetRef,
    task: OneOf(['classification', 'regression']),
    target: Type.Unsafe<string>({
      ...Expression,
      description:
        'What was true: an expression. Regression: a number. Classification: a boolean (0 and 1 will do with `score`), or a class label.',
    }),
    prediction: Type.Optional(
      Type.Unsafe<string>({
        ...Expression,
        description:
          'What was predicted: a class, as `target` has it (classification), or a number (regression). May be left out when `score` or `scores` is given: then `score >= threshold`, or the class with the highest score.',
      }),
    ),
    score: Type.Optional(
      Type.Unsafe<string>({
        ...Expression,
        description: 'Two classes: predicted probability of the positive class, 0 to 1.',
      }),
    ),
    scores: Type.Optional(
      MapOf(ColumnName, {
        minProperties: 2,
        maxProperties: 256,
        description:
          'More than two classes: each class and the column with its probability. Without it there is no log loss.',
      }),
    ),
    positive: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'Two classes with labels: which one is positive; all others are negative.',
      }),
    ),
    threshold: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        default: 0.5,
        description: 'For `score` without `prediction`: positive from this score on.',
      }),
    ),
    where: Type.Optional(Type.Unsafe<string>({ ...Expression, description: 'Only rows for which this is true.' })),
    slices: Type.Optional(
      Type.Array(Type.Union([ColumnName, Closed({ expression: Expression, as: ColumnName })], { title: 'Slicing' }), {
        maxItems: 16,
        description: 'The same metrics for each value of a column or expression; values are cut to 200 characters.',
        examples: [['origin', { expression: 'hour(date)', as: 'hour' }]],
      }),
    ),
    slicesMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, default: 50, description: 'Slices of each column: the largest.' }),
    ),
    calibrationBins: Type.Optional(
      Type.Integer({ minimum: 2, maximum: 100, default: 10, description: 'Bins of equal width from 0 to 1.' }),
    ),
    gates: Type.Optional(Type.Array(Gate, { maxItems: 64 })),
  },
  { title: 'EvaluateInput' },
)
export type EvaluateInput = Static<typeof EvaluateInput>

const Point = Closed({ x: Type.Number(), y: Type.Number() })

export const Evaluation = Closed(
  {
    schema: Type.Literal('meshwork.evaluation/1'),
    task: OneOf(['classification', 'regression']),
    judged: Closed(
      {
        target: Type.String(),
        prediction: Nullable(Type.String()),
        score: Nullable(Type.String()),
        positive: Nullable(Type.String()),
        threshold: Nullable(Type.Number()),
        where: Nullable(Type.String()),
      },
      { description: 'What was asked for.' },
    ),
    rows: Count('Rows judged.'),
    skipped: Count('Rows left out because the target, the prediction or the score is null or not a number.'),
    metrics: Metrics,
    confusion: Nullable(
      Closed({
        labels: Type.Array(Type.String(), { maxItems: 256 }),
        counts: Type.Array(Type.Array(Type.Integer({ minimum: 0 }), { maxItems: 256 }), {
          maxItems: 256,
          description: 'Row: what was true; column: what was predicted.',
        }),
      }),
    ),
    classes: Nullable(
      MapOf(Metrics, {
        maxProperties: 256,
        description: 'More than two classes: precision, recall, f1 and rows of each.',
      }),
    ),
    calibration: Nullable(
      Type.Array(
        Closed({
          from: Type.Number(),
          to: Type.Number(),
          rows: Count('Rows in the bin.'),
          predicted: Type.Number(),
          observed: Type.Number(),
        }),
        {
          maxItems: 100,
          description:
            'Bins that have rows: mean of the score, and share of positives. A score of `to` is in the bin, one of `from` in the bin before.',
        },
      ),
    ),
    roc: Nullable(Type.Array(Point, { maxItems: 256, description: 'x: false positive rate, y: true positive rate.' })),
    precisionRecall: Nullable(Type.Array(Point, { maxItems: 256, description: 'x: recall, y: precision.' })),
    slices: Type.Array(
      Closed({
        by: Type.String(),
        value: Nullable(Type.String()),
        rows: Count('Rows of the slice.'),
        metrics: Metrics,
      }),
      { maxItems: 16_000, description: 'By column, the largest first.' },
    ),
    gates: Type.Array(
      Closed({
        metric: Type.String(),
        slice: Nullable(Type.String()),
        value: Nullable(Type.Number()),
        min: Nullable(Type.Number()),
        max: Nullable(Type.Number()),
        passed: Type.Boolean(),
      }),
      {
        maxItems: 100_000,
        description: 'Each gate over all rows, and for `everySlice` each slice that broke it.',
      },
    ),
  },
  { title: 'Evaluation', description: 'The whole judgement, an artefact of application/json.' },
)
export type Evaluation = Static<typeof Evaluation>

export const EvaluateOutput = Closed(
  {
    rows: Count('Rows judged.'),
    metrics: Metrics,
    evaluation: ArtefactRef,
    passed: Type.Boolean({ description: 'All gates held, or there were none; else the step fails.' }),
  },
  { title: 'EvaluateOutput' },
)
export type EvaluateOutput = Static<typeof EvaluateOutput>
