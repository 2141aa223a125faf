import Type, { type Static } from 'typebox'
import { ArtefactRef, ColumnName, DatasetRef } from '../dataset.ts'
import { Closed, Count, Expression, MapOf, Nullable, OneOf } from '../schema.ts'

const Metrics = MapOf(Nullable(Type.Number()), {
  maxProperties: 128,
  description: 'Metric and figure; null where it is not defined (for example ROC AUC with one class).',
})

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

const Gate = Closed(
  {
    metric: OneOf([...classificationMetrics, ...regressionMetrics]),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
    everySlice: Type.Optional(
      Type.Boolean({ default: false, description: 'The bound holds for every slice as well.' }),
    ),
  },
  {
    description: 'A bound on a metric; when it is broken, or the metric is not defined, the step fails and says both.',
  },
)

export const EvaluateInput = Closed(
  {
    dataset: DatasetRef,
    task: OneOf(['classification', 'regression']),
    target: Type.Unsafe<string>({
      ...Expression,
      description: 'What was true: an expression. Classification: a boolean, or a class label.',
    }),
    prediction: Type.Optional(
      Type.Unsafe<string>({
        ...Expression,
        description:
          'What was predicted: a class (classification) or a number (regression). For two classes it may be left out when `score` is given.',
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
        description: 'More than two classes: class and the column with its probability.',
      }),
    ),
    positive: Type.Optional(
      Type.String({ maxLength: 200, description: 'Two classes with labels: which one is positive.' }),
    ),
    threshold: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, default: 0.5, description: 'For `score` without `prediction`.' }),
    ),
    where: Type.Optional(Expression),
    slices: Type.Optional(
      Type.Array(Type.Union([ColumnName, Closed({ expression: Expression, as: ColumnName })]), { maxItems: 16 }),
    ),
    slicesMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, default: 50, description: 'Largest slices of each column.' }),
    ),
    calibrationBins: Type.Optional(Type.Integer({ minimum: 2, maximum: 100, default: 10 })),
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
    rows: Count('Rows judged.'),
    skipped: Count('Rows left out because the target or the prediction is null.'),
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
    classes: Nullable(MapOf(Metrics, { maxProperties: 256 })),
    calibration: Nullable(
      Type.Array(
        Closed({
          from: Type.Number(),
          to: Type.Number(),
          rows: Count('Rows in the bin.'),
          predicted: Type.Number(),
          observed: Type.Number(),
        }),
        { maxItems: 100 },
      ),
    ),
    roc: Nullable(Type.Array(Point, { maxItems: 257, description: 'x: false positive rate, y: true positive rate.' })),
    precisionRecall: Nullable(Type.Array(Point, { maxItems: 257, description: 'x: recall, y: precision.' })),
    slices: Type.Array(
      Closed({ by: Type.String(), value: Type.String(), rows: Count('Rows of the slice.'), metrics: Metrics }),
      { maxItems: 16_000 },
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
      { maxItems: 100_000 },
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
    passed: Type.Boolean({ description: 'All gates held (or there were none).' }),
  },
  { title: 'EvaluateOutput' },
)
export type EvaluateOutput = Static<typeof EvaluateOutput>
