import Type, { type Static } from 'typebox'
import { ArtefactRef, Column, ColumnName, DatasetRef } from '../dataset.ts'
import { Closed, Count, Expression, MapOf, Nullable, OneOf } from '../schema.ts'

const Label = Type.String({ minLength: 1, maxLength: 200 })
const Labels = Type.Array(Label, { minItems: 2, maxItems: 1024 })

const Threshold = Closed(
  {
    operation: Type.Literal('threshold'),
    column: ColumnName,
    as: ColumnName,
    thresholds: Type.Array(Type.Number(), { minItems: 1, maxItems: 100, description: 'Ascending.' }),
    labels: Labels,
  },
  {
    description:
      'Label of the band a score falls in: one more label than thresholds; a score equal to a threshold is above it. Null stays null.',
  },
)
const LabelOf = Closed(
  { operation: Type.Literal('label'), column: ColumnName, as: ColumnName, labels: Labels },
  { description: 'Label of a class number from 0. A number without a label fails the step.' },
)
const ArgMax = Closed(
  {
    operation: Type.Literal('argmax'),
    columns: Type.Array(ColumnName, { minItems: 2, maxItems: 256 }),
    as: ColumnName,
    labels: Type.Optional(Labels),
    scoreAs: Type.Optional(ColumnName),
  },
  { description: 'Label (or column name) of the largest score; the first wins a tie.' },
)
const TopK = Closed(
  {
    operation: Type.Literal('topK'),
    columns: Type.Array(ColumnName, { minItems: 2, maxItems: 256 }),
    k: Type.Integer({ minimum: 1, maximum: 20 }),
    as: ColumnName,
    labels: Type.Optional(Labels),
  },
  { description: 'The k best labels and scores, as columns <as>_1, <as>_1_score, <as>_2, …' },
)
const Calibrate = Closed(
  {
    operation: Type.Literal('calibrate'),
    column: ColumnName,
    as: ColumnName,
    method: OneOf(['platt', 'isotonic']),
    target: Type.Optional(Expression),
    where: Type.Optional(Expression),
    fitted: Type.Optional(ArtefactRef),
  },
  {
    description:
      'Probability corrected so that it matches what happened: fitted on the rows where `where` is true against the boolean `target`, or as a fitted artefact says.',
  },
)

export const PostprocessOperation = Type.Union([Threshold, LabelOf, ArgMax, TopK, Calibrate], {
  title: 'PostprocessOperation',
})
export type PostprocessOperation = Static<typeof PostprocessOperation>

export const PostprocessInput = Closed(
  { dataset: DatasetRef, operations: Type.Array(PostprocessOperation, { minItems: 1, maxItems: 50 }) },
  { title: 'PostprocessInput' },
)
export type PostprocessInput = Static<typeof PostprocessInput>

export const PostprocessOutput = Closed(
  {
    dataset: DatasetRef,
    rows: Count('Rows of the dataset.'),
    columns: Type.Array(Column, { maxItems: 1024, description: 'The new columns.' }),
    fitted: Nullable(ArtefactRef),
  },
  { title: 'PostprocessOutput' },
)
export type PostprocessOutput = Static<typeof PostprocessOutput>

const Knot = Closed({ x: Type.Number(), y: Type.Number() })

/** One fitted calibration: a logistic curve over log-odds, or a rising line through knots. */
export const Calibration = Type.Union([
  Closed({ method: Type.Literal('platt'), slope: Type.Number(), intercept: Type.Number() }),
  Closed({ method: Type.Literal('isotonic'), knots: Type.Array(Knot, { minItems: 1, maxItems: 20_002 }) }),
])
export type Calibration = Static<typeof Calibration>

/** The fitted artefact (application/json): calibrations by the column they make. */
export const FittedCalibrations = Closed(
  {
    schema: Type.Literal('meshwork.calibration/1'),
    columns: MapOf(Calibration, { minProperties: 1, maxProperties: 50 }),
  },
  { title: 'FittedCalibrations' },
)
export type FittedCalibrations = Static<typeof FittedCalibrations>
