import Type, { type Static } from 'typebox'
import { ArtefactRef, ColumnName, DatasetRef } from '../dataset.ts'
import { RunContext } from '../workflow/context.ts'
import { Closed, Count, Expression, MapOf, OneOf } from '../schema.ts'

const Chart = Closed(
  {
    type: OneOf(['bar', 'line', 'scatter', 'histogram']),
    x: ColumnName,
    y: Type.Optional(Type.Array(ColumnName, { minItems: 1, maxItems: 8 })),
    title: Type.Optional(Type.String({ maxLength: 200 })),
    horizontal: Type.Optional(Type.Boolean({ default: false })),
    bins: Type.Optional(Type.Integer({ minimum: 2, maximum: 200, default: 30 })),
  },
  { title: 'Chart' },
)

const Section = Closed(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    text: Type.Optional(Type.String({ maxLength: 10_000, description: 'Plain text above the table.' })),
    dataset: Type.Optional(DatasetRef),
    columns: Type.Optional(Type.Array(ColumnName, { minItems: 1, maxItems: 64 })),
    where: Type.Optional(Expression),
    limit: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1000, default: 20, description: 'Rows of the table; 0 for none.' }),
    ),
    charts: Type.Optional(Type.Array(Chart, { maxItems: 8 })),
    evaluation: Type.Optional(ArtefactRef),
  },
  { title: 'ReportSection', description: 'A table and charts of a dataset, or the judgement of an evaluate step.' },
)

export const ReportInput = Closed(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    summary: Type.Optional(Type.String({ maxLength: 10_000 })),
    sections: Type.Array(Section, { minItems: 1, maxItems: 50 }),
    provenance: Type.Optional(RunContext),
    exports: Type.Optional(
      MapOf(Closed({ dataset: DatasetRef, format: OneOf(['csv', 'parquet', 'json']) }), {
        maxProperties: 20,
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
