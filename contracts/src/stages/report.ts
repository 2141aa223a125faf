import Type, { type Static } from 'typebox'
import { ArtefactRef, ColumnName, DatasetRef } from '../dataset.ts'
import { RunContext } from '../workflow/context.ts'
import { Closed, Count, Expression, MapOf, Nullable, OneOf } from '../schema.ts'

export const Chart = Closed(
  {
    type: OneOf(['bar', 'line', 'scatter', 'histogram']),
    x: ColumnName,
    y: Type.Optional(
      Type.Array(ColumnName, { minItems: 1, maxItems: 8, description: 'Numbers or booleans; not for a histogram.' }),
    ),
    title: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    horizontal: Type.Optional(Type.Boolean({ default: false, description: 'Bars that lie, for long names.' })),
    bins: Type.Optional(Type.Integer({ minimum: 2, maximum: 200, default: 30, description: 'Bars of a histogram.' })),
  },
  {
    title: 'Chart',
    description:
      'Drawn from the rows of the section (after `where`, not limited by `limit`). bar: the first 60 rows; line: in the order of x, over 600 points as means of 600 equal steps; scatter: at most 2,000 rows, evenly taken; histogram: counts of x.',
    examples: [{ type: 'bar', x: 'origin', y: ['late', 'predicted'] }],
  },
)
export type Chart = Static<typeof Chart>

export const ReportSection = Closed(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    text: Type.Optional(
      Type.String({ maxLength: 10_000, description: 'Plain text above the rest; an empty line begins a paragraph.' }),
    ),
    dataset: Type.Optional(DatasetRef),
    columns: Type.Optional(
      Type.Array(ColumnName, {
        minItems: 1,
        maxItems: 64,
        uniqueItems: true,
        description: 'Columns of the table; default: the first 64.',
      }),
    ),
    where: Type.Optional(Type.Unsafe<string>({ ...Expression, description: 'Only rows for which this is true.' })),
    orderBy: Type.Optional(
      Type.Array(
        Closed({
          column: ColumnName,
          direction: Type.Optional(OneOf(['ascending', 'descending'], { default: 'ascending' })),
        }),
        {
          minItems: 1,
          maxItems: 16,
          description: 'Which rows the table shows first, nulls last; default: in the order of the dataset.',
        },
      ),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        default: 20,
        description: 'Rows of the table, from the first; 0 for no table.',
      }),
    ),
    charts: Type.Optional(Type.Array(Chart, { maxItems: 8 })),
    evaluation: Type.Optional(ArtefactRef),
    drift: Type.Optional(Nullable(ArtefactRef)),
  },
  {
    title: 'ReportSection',
    description:
      'A table and charts of a dataset, the judgement of an evaluate step (`evaluation`), or the drift that an inference step saw (`drift`: its `driftReport`).',
  },
)
export type ReportSection = Static<typeof ReportSection>

const Figure = Closed(
  {
    label: Type.String({ minLength: 1, maxLength: 60 }),
    value: Nullable(Type.Union([Type.Number(), Type.String({ maxLength: 60 })])),
    note: Type.Optional(Type.String({ maxLength: 160 })),
  },
  { title: 'ReportFigure', examples: [{ label: 'Flights', value: 3000000 }] },
)

export const ReportInput = Closed(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    summary: Type.Optional(Type.String({ maxLength: 10_000, description: 'What it is about, in plain text.' })),
    figures: Type.Optional(
      Type.Array(Figure, {
        maxItems: 12,
        description: 'Key figures at the top, before those of the first evaluation.',
      }),
    ),
    sections: Type.Array(ReportSection, { minItems: 1, maxItems: 50 }),
    provenance: Type.Optional(RunContext),
    exports: Type.Optional(
      MapOf(Closed({ dataset: DatasetRef, format: OneOf(['csv', 'parquet', 'json']) }), {
        maxProperties: 20,
        propertyNames: { type: 'string', minLength: 1, maxLength: 128, pattern: '^[^/\\\\\\u0000-\\u001f\\u007f]+$' },
        description: 'File name and the dataset that is written to it.',
      }),
    ),
  },
  { title: 'ReportInput' },
)
export type ReportInput = Static<typeof ReportInput>

export const ReportOutput = Closed(
  {
    report: ArtefactRef,
    json: ArtefactRef,
    exports: MapOf(ArtefactRef, { maxProperties: 20 }),
    sections: Count('Sections of the report.'),
  },
  { title: 'ReportOutput' },
)
export type ReportOutput = Static<typeof ReportOutput>
