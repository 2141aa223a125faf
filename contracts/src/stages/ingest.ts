import Type, { type Static } from 'typebox'
import { ArtefactRef, Column, ColumnName, DatasetRef, DatasetSchema } from '../dataset.ts'
import { Closed, Count, Nullable, OneOf, Sha256 } from '../schema.ts'

export const Format = OneOf(['csv', 'json', 'ndjson', 'parquet'], { title: 'Format' })
export type Format = Static<typeof Format>
export const Compression = OneOf(['none', 'gzip', 'zstd'], { title: 'Compression' })
export type Compression = Static<typeof Compression>
export const Encoding = OneOf(['utf-8', 'utf-16le', 'utf-16be', 'latin-1', 'windows-1252'], { title: 'Encoding' })
export type Encoding = Static<typeof Encoding>

export const CsvDialect = Closed(
  {
    delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 4, pattern: '^[^\\r\\n]+$', examples: [';'] })),
    quote: Type.Optional(Type.String({ maxLength: 1, description: 'Empty for none.' })),
    escape: Type.Optional(Type.String({ maxLength: 1 })),
    comment: Type.Optional(Type.String({ maxLength: 1 })),
    header: Type.Optional(Type.Boolean({ description: 'Whether the first record names the columns.' })),
    decimalSeparator: Type.Optional(OneOf(['.', ','])),
    dateFormat: Type.Optional(Type.String({ maxLength: 64, examples: ['%d.%m.%Y'] })),
    timestampFormat: Type.Optional(Type.String({ maxLength: 64, examples: ['%d.%m.%Y %H:%M'] })),
    nullStrings: Type.Optional(
      Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 16, examples: [['', 'NA']] }),
    ),
  },
  { title: 'CsvDialect', description: 'What is not given is found from the first records.' },
)
export type CsvDialect = Static<typeof CsvDialect>

export const partRowsDefault = 262_144

export const IngestInput = Closed(
  {
    source: Type.Union(
      [
        Type.String({
          pattern: '^https?://',
          maxLength: 4096,
          description:
            'URL to fetch. Private, loopback and link-local addresses and redirects are refused unless the operator allows them.',
        }),
        ArtefactRef,
        DatasetRef,
      ],
      { description: 'A URL, an upload (the answer of PUT /v1/datasets), or a dataset that is in the store already.' },
    ),
    format: Type.Optional(Format),
    compression: Type.Optional(Compression),
    encoding: Type.Optional(Encoding),
    csv: Type.Optional(CsvDialect),
    schema: Type.Optional(
      Type.Array(Column, {
        minItems: 1,
        maxItems: 1024,
        description:
          'Declared columns: the dataset has these, in this order. In a file with names they are found by name, otherwise by place. A value that does not fit its declared type makes the record a reject. Without a schema the types are inferred, so that every value fits.',
      }),
    ),
    columns: Type.Optional(
      Type.Array(ColumnName, {
        minItems: 1,
        maxItems: 1024,
        uniqueItems: true,
        description: 'Keep only these columns.',
      }),
    ),
    maxRejects: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        default: 0,
        description:
          'Records that may be refused before the step fails. They go to the rejects dataset with their place and the reason.',
      }),
    ),
    partRows: Type.Optional(
      Type.Integer({ minimum: 2048, maximum: 4_194_304, default: partRowsDefault, description: 'Rows of a part.' }),
    ),
  },
  { title: 'IngestInput' },
)
export type IngestInput = Static<typeof IngestInput>

export const IngestOutput = Closed(
  {
    dataset: DatasetRef,
    rows: Count('Rows of the dataset.'),
    rejects: Nullable(DatasetRef),
    rejected: Count('Rows that did not parse.'),
    source: Closed({
      sha256: Sha256,
      bytes: Count('Bytes as they came, compressed or not.'),
      format: OneOf(['csv', 'json', 'ndjson', 'parquet', 'dataset']),
      compression: Compression,
      encoding: Type.Optional(Encoding),
      dialect: Type.Optional(CsvDialect),
    }),
    warnings: Type.Array(Type.String({ maxLength: 500 }), { maxItems: 100 }),
  },
  { title: 'IngestOutput' },
)
export type IngestOutput = Static<typeof IngestOutput>

/** What the first records of a file look like: its values fit the fields of `IngestInput` with the same names. */
export const IngestProposal = Closed(
  {
    format: Format,
    compression: Compression,
    encoding: Type.Optional(Encoding),
    csv: Type.Optional(CsvDialect),
    schema: DatasetSchema,
  },
  { title: 'IngestProposal' },
)
export type IngestProposal = Static<typeof IngestProposal>

/** Answer of `PUT /v1/datasets`: the upload, and what a look at its first records proposes. */
export const UploadAnswer = Closed(
  {
    upload: ArtefactRef,
    proposal: Nullable(IngestProposal),
    warnings: Type.Array(Type.String({ maxLength: 500 }), {
      maxItems: 100,
      description: 'What to look at before the ingest; the reason when there is no proposal.',
    }),
  },
  { title: 'UploadAnswer' },
)
export type UploadAnswer = Static<typeof UploadAnswer>

/**
 * Columns of the side dataset that holds what did not parse. `record_number` counts from 1, the header and blank lines
 * included; `byte_offset` is its first byte in the text (after decompression and in UTF-8), null where the format has
 * none; `reason` is one of `rejectReasons`; `record` is cut to 1,000 characters.
 */
export const rejectColumns = [
  { name: 'record_number', type: 'int64' },
  { name: 'byte_offset', type: 'int64' },
  { name: 'column', type: 'string' },
  { name: 'reason', type: 'string' },
  { name: 'detail', type: 'string' },
  { name: 'record', type: 'string' },
] as const satisfies readonly Column[]

export const rejectReasons = [
  'type',
  'fields-missing',
  'fields-extra',
  'quote',
  'encoding',
  'too-long',
  'syntax',
] as const
export type RejectReason = (typeof rejectReasons)[number]
