// Data travels by reference: these are the references. A dataset is an immutable, content-addressed table; its
// hash names a manifest in the artefact store, which names the Parquet files.

import Type, { type Static } from 'typebox'
import { Closed, Count, OneOf, Sha256 } from './schema.ts'

export const columnTypes = [
  'boolean',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float32',
  'float64',
  'string',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'binary',
] as const
export const ColumnType = OneOf(columnTypes, { title: 'ColumnType', description: 'Type of the values of a column.' })
export type ColumnType = Static<typeof ColumnType>

export const columnNameMaxLength = 128
export const datasetColumnsMax = 1024

export const ColumnName = Type.String({
  minLength: 1,
  maxLength: columnNameMaxLength,
  pattern: '^[^\\u0000-\\u001f\\u007f]+$',
  description: `Name of a column: 1 to ${columnNameMaxLength} characters, no control characters. Case is kept but two names may not differ by case alone.`,
  examples: ['origin'],
})

export const Column = Closed(
  { name: ColumnName, type: ColumnType },
  { title: 'Column', examples: [{ name: 'delay', type: 'int64' }] },
)
export type Column = Static<typeof Column>

export const DatasetSchema = Type.Array(Column, {
  minItems: 1,
  maxItems: datasetColumnsMax,
  description: 'Columns in order.',
})
export type DatasetSchema = Static<typeof DatasetSchema>

export const DatasetRef = Closed(
  {
    kind: Type.Literal('dataset'),
    hash: Sha256,
    rows: Count('Number of rows.'),
    bytes: Count('Bytes of all Parquet files together.'),
    parts: Count('Number of parts; a part is a run of consecutive rows.'),
    columns: DatasetSchema,
  },
  {
    title: 'DatasetRef',
    description: 'Reference to an immutable table in the artefact store. `hash` is the address of its manifest.',
    examples: [
      {
        kind: 'dataset',
        hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        rows: 3000000,
        bytes: 20800000,
        parts: 12,
        columns: [{ name: 'delay', type: 'int64' }],
      },
    ],
  },
)
export type DatasetRef = Static<typeof DatasetRef>

export const ArtefactRef = Closed(
  {
    kind: Type.Literal('artefact'),
    hash: Sha256,
    bytes: Count('Size in bytes.'),
    mediaType: Type.String({ minLength: 3, maxLength: 127, examples: ['text/html'] }),
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'File name for people; never opened.' }),
    ),
  },
  {
    title: 'ArtefactRef',
    description: 'Reference to an immutable file in the artefact store.',
    examples: [
      {
        kind: 'artefact',
        hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        bytes: 48211,
        mediaType: 'text/html',
        name: 'report.html',
      },
    ],
  },
)
export type ArtefactRef = Static<typeof ArtefactRef>

/** A column group: a Parquet file that holds some columns of a part. All groups of a part have the part's rows, in order. */
export const ColumnGroup = Closed({ hash: Sha256, bytes: Count('Size of the file.'), columns: DatasetSchema })
export type ColumnGroup = Static<typeof ColumnGroup>

export const DatasetPart = Closed({
  rows: Count('Rows of this part.'),
  groups: Type.Array(ColumnGroup, { minItems: 1, maxItems: 256 }),
})
export type DatasetPart = Static<typeof DatasetPart>

/**
 * What a dataset's hash addresses: canonical JSON of this. It has no times and no origin, so that equal data has an
 * equal hash. `columns` gives the order in which the columns are shown; each stands in exactly one group of every part.
 */
export const DatasetManifest = Closed(
  {
    schema: Type.Literal('meshwork.dataset/1'),
    columns: DatasetSchema,
    rows: Count('Rows of all parts.'),
    parts: Type.Array(DatasetPart, { maxItems: 65536 }),
  },
  { title: 'DatasetManifest' },
)
export type DatasetManifest = Static<typeof DatasetManifest>
