import Type, { type Static } from 'typebox'
import { ArtefactRef, Column, ColumnName, DatasetRef } from '../dataset.ts'
import { Closed, Count, MapOf, Nullable, Sha256 } from '../schema.ts'
import { DriftReport } from './drift.ts'
import { ModelQuality } from './quality.ts'

export const ModelName = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,99}$', examples: ['flight-delay'] })

export const InferenceInput = Closed(
  {
    dataset: DatasetRef,
    model: ModelName,
    version: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Pinned version. Without it the newest one is used and named in the answer.',
      }),
    ),
    inputs: Type.Optional(
      MapOf(Type.Array(ColumnName, { minItems: 1, maxItems: 1024 }), {
        minProperties: 1,
        maxProperties: 64,
        description:
          'Input of the model and the columns that fill it, in order. Default: what the manifest of the model says.',
      }),
    ),
    outputs: Type.Optional(
      MapOf(
        Closed({
          output: Type.String({ minLength: 1, maxLength: 200, description: 'Output of the model.' }),
          index: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 1023,
              description: 'Place in the second dimension, from 0. Needed where there is more than one.',
            }),
          ),
        }),
        {
          minProperties: 1,
          maxProperties: 256,
          description:
            'New column and the output that fills it, written in the order of their names. Default: every output, one column for each place: `<output>`, or `<output>_<label>`, or `<output>_<number>`.',
        },
      ),
    ),
    nulls: Type.Optional(
      Type.Unsafe<'refuse' | 'nan'>({
        type: 'string',
        enum: ['refuse', 'nan'],
        default: 'refuse',
        description:
          'What a null in an input column means: fail the step, or send NaN (for models that know missing values).',
      }),
    ),
    batchRows: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 262_144,
        default: 32_768,
        description: 'Rows of one run of the model, if its own batch dimension is not fixed. Wide inputs get fewer.',
      }),
    ),
  },
  { title: 'InferenceInput' },
)
export type InferenceInput = Static<typeof InferenceInput>

export const InferenceOutput = Closed(
  {
    dataset: DatasetRef,
    rows: Count('Rows of the dataset.'),
    model: Closed({ name: ModelName, version: Type.Integer({ minimum: 1 }), sha256: Sha256 }),
    columns: Type.Array(Column, { maxItems: 256, description: 'The new columns.' }),
    drift: Nullable(
      Closed(
        {
          verdict: DriftReport.properties.verdict,
          rows: DriftReport.properties.rows,
          drifted: Type.Array(Type.String(), { maxItems: 20, description: 'The features that moved most.' }),
        },
        { description: 'How the rows lie against the training of the model; null where it has no reference.' },
      ),
    ),
    driftReport: Nullable(ArtefactRef),
  },
  { title: 'InferenceOutput' },
)
export type InferenceOutput = Static<typeof InferenceOutput>

const Cell = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])

export const OnlineInput = Closed(
  {
    model: ModelName,
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'One that is served; the newest without it.' })),
    /** Fitted features that make the inputs from the records. Default: those that lie with the model. */
    features: Type.Optional(ArtefactRef),
    columns: Type.Optional(
      Type.Array(Column, {
        minItems: 1,
        maxItems: 1024,
        description: 'What a record has. Default: what the manifest of the model says.',
      }),
    ),
    inputs: InferenceInput.properties.inputs,
    outputs: InferenceInput.properties.outputs,
    nulls: InferenceInput.properties.nulls,
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'By which labels that arrive later name this request.',
      }),
    ),
    records: Type.Array(Type.Record(Type.String(), Cell), {
      minItems: 1,
      maxItems: 10_000,
      description: 'Values by column; one that is absent is null. Times are text, and whole numbers past 2^53 too.',
    }),
  },
  { title: 'OnlineInput' },
)
export type OnlineInput = Static<typeof OnlineInput>

export const OnlineOutput = Closed(
  {
    model: InferenceOutput.properties.model,
    columns: InferenceOutput.properties.columns,
    records: Type.Array(Type.Record(Type.String(), Cell), {
      description:
        'What the model says of each record, in their order. NaN and infinities are null, whole numbers past 2^53 text.',
    }),
  },
  { title: 'OnlineOutput' },
)
export type OnlineOutput = Static<typeof OnlineOutput>

/** `models/<name>/<version>/manifest.json`, written last: a version without it does not exist. */
export const ModelManifest = Type.Object(
  {
    schema: Type.Literal('meshwork.model/1'),
    name: ModelName,
    version: Type.Integer({ minimum: 1 }),
    file: Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9._-]*$', maxLength: 100 }),
    sha256: Sha256,
    bytes: Count('Size of the file.'),
    inputs: Type.Array(
      Type.Object({
        name: Type.String(),
        type: Type.String(),
        shape: Type.Array(Type.Integer({ minimum: -1 }), { maxItems: 8 }),
        columns: Type.Optional(Type.Array(ColumnName, { maxItems: 1024 })),
      }),
      { minItems: 1, maxItems: 64 },
    ),
    outputs: Type.Array(
      Type.Object({
        name: Type.String(),
        type: Type.String(),
        shape: Type.Array(Type.Integer({ minimum: -1 }), { maxItems: 8 }),
        labels: Type.Optional(Type.Array(Type.String(), { maxItems: 1024 })),
      }),
      { minItems: 1, maxItems: 64 },
    ),
    features: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9._-]+$', description: 'File with the fitted features.' }),
    ),
    records: Type.Optional(
      Type.Array(Column, {
        minItems: 1,
        maxItems: 1024,
        description: 'What a record has before features are made of it.',
      }),
    ),
    reference: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9._-]+$',
        description: 'File with the reference that drift is measured against.',
      }),
    ),
    quality: Type.Optional(ModelQuality),
    threshold: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'From here on a score is a yes.' })),
    metrics: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Figures of the held-out rows of its training.' }),
    ),
    samples: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]+$', description: 'File with golden rows.' })),
    process: Type.Optional(
      Type.Object(
        {
          count: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, description: 'Processes; one without it.' })),
          runMsMax: Type.Optional(
            Type.Integer({
              minimum: 10,
              maximum: 3_600_000,
              description: 'Milliseconds a run may take before its process is ended; 10,000 without it.',
            }),
          ),
        },
        { description: 'It runs in processes of its own: one that hangs or crashes takes nothing else along.' },
      ),
    ),
    batching: Type.Optional(
      Type.Object({
        enabled: Type.Optional(
          Type.Boolean({ description: 'Whether requests are merged; found out when the model is loaded without it.' }),
        ),
        rowsMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096, description: 'Most rows of a merged run.' })),
      }),
    ),
  },
  { title: 'ModelManifest', description: 'Further keys are kept and not read.' },
)
export type ModelManifest = Static<typeof ModelManifest>
