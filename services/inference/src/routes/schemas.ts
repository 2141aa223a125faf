// The bodies of the Open Inference Protocol, for the OpenAPI document.

import Type from 'typebox'
import { DriftReport } from '@meshwork/contracts'
import { datatypes } from '../oip/datatype.ts'

const names = Object.keys(datatypes)
const Parameters = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
  title: 'OipParameters',
})
const Shape = Type.Array(Type.Integer(), { maxItems: 32 })
const Datatype = Type.Unsafe<string>({ type: 'string', enum: names })
const Data = Type.Array(Type.Unknown(), {
  description: 'Flat or nested, row by row. Absent where the tensor is binary.',
})

export const OipError = Type.Object({ error: Type.String() }, { title: 'OipError' })
export const OipLive = Type.Object({ live: Type.Boolean() }, { title: 'OipLive' })
export const OipReady = Type.Object({ ready: Type.Boolean() }, { title: 'OipReady' })
export const OipModelReady = Type.Object({ name: Type.String(), ready: Type.Boolean() }, { title: 'OipModelReady' })
export const OipServer = Type.Object(
  { name: Type.String(), version: Type.String(), extensions: Type.Array(Type.String()) },
  { title: 'OipServer' },
)
export const OipModels = Type.Object({ models: Type.Array(Type.String()) }, { title: 'OipModels' })
const TensorFace = Type.Object(
  { name: Type.String(), datatype: Datatype, shape: Shape },
  { title: 'OipTensorFace', description: '-1 in the shape where any size goes.' },
)
export const OipModel = Type.Object(
  {
    name: Type.String(),
    versions: Type.Array(Type.String()),
    platform: Type.String(),
    inputs: Type.Array(TensorFace),
    outputs: Type.Array(TensorFace),
  },
  { title: 'OipModel' },
)
const Tensor = Type.Object(
  {
    name: Type.String(),
    shape: Shape,
    datatype: Datatype,
    parameters: Type.Optional(Parameters),
    data: Type.Optional(Data),
  },
  { title: 'OipTensor' },
)
export const OipInferRequest = Type.Object(
  {
    id: Type.Optional(Type.String()),
    parameters: Type.Optional(Parameters),
    inputs: Type.Array(Tensor),
    outputs: Type.Optional(Type.Array(Type.Object({ name: Type.String(), parameters: Type.Optional(Parameters) }))),
  },
  { title: 'OipInferRequest' },
)
export const OipInferAnswer = Type.Object(
  {
    id: Type.Optional(Type.String()),
    model_name: Type.String(),
    model_version: Type.String(),
    outputs: Type.Array(Tensor),
  },
  { title: 'OipInferAnswer' },
)
export const OipConfig = Type.Object(
  { name: Type.String(), platform: Type.String(), max_batch_size: Type.Integer() },
  { title: 'OipModelConfig', additionalProperties: true },
)
export const OipStatistics = Type.Object(
  {
    model_stats: Type.Array(
      Type.Object({ name: Type.String(), version: Type.String() }, { additionalProperties: true }),
    ),
  },
  { title: 'OipStatistics' },
)
const WindowTimes = {
  from: Type.String({ format: 'date-time' }),
  to: Type.String({ format: 'date-time' }),
}
const DriftWindow = Type.Object({ ...WindowTimes, ...DriftReport.properties }, { title: 'DriftWindow' })
export const ModelDrift = Type.Object(
  {
    model_name: Type.String(),
    model_version: Type.String(),
    settings: Type.Object(
      { rows_per_second: Type.Integer(), window_rows: Type.Integer(), window_seconds: Type.Number() },
      {
        description:
          'Of more rows a second only some are looked at, evenly taken. A window is closed when it has so many rows, or is so old.',
      },
    ),
    open: DriftWindow,
    last: Type.Union([DriftWindow, Type.Null()], {
      description: 'The window that was closed last; metrics tell of it.',
    }),
    history: Type.Array(
      Type.Object({
        ...WindowTimes,
        verdict: DriftReport.properties.verdict,
        rows: DriftReport.properties.rows,
        drifted: DriftReport.properties.drifted,
      }),
      { maxItems: 48, description: 'Closed windows, the newest first.' },
    ),
  },
  { title: 'ModelDrift' },
)
export const OipIndexRequest = Type.Object({ ready: Type.Optional(Type.Boolean()) }, { title: 'OipIndexRequest' })
export const OipIndex = Type.Array(
  Type.Object({
    name: Type.String(),
    version: Type.Optional(Type.String()),
    state: Type.Unsafe<string>({ type: 'string', enum: ['READY', 'LOADING', 'UNLOADING', 'UNAVAILABLE'] }),
    reason: Type.String(),
  }),
  { title: 'OipIndex' },
)
export const OipChange = Type.Object({ parameters: Type.Optional(Parameters) }, { title: 'OipChange' })

const Count = Type.Integer({ minimum: 0 })
export const TrafficView = Type.Object(
  {
    model_name: Type.String(),
    fault: Type.Union([Type.String(), Type.Null()], {
      description: 'What is wrong with the traffic.json that lies there now; what it said before holds on.',
    }),
    versions: Type.Array(
      Type.Object({
        version: Type.String(),
        weight: Type.Number(),
        served: Type.Boolean(),
        share: Type.Number({ description: 'Of the requests that name no version.' }),
      }),
    ),
    shadow: Type.Union([
      Type.Object({
        version: Type.String(),
        share: Type.Number(),
        served: Type.Boolean(),
        requests: Type.Object({ compared: Count, failed: Count, dropped: Count }),
        rows: Count,
        agreed_rows: Count,
        max_difference: Type.Number(),
        last_failure: Type.Union([Type.String(), Type.Null()]),
      }),
      Type.Null(),
    ]),
  },
  { title: 'TrafficView', description: 'Counts are of this replica, since the shadow was set.' },
)
export const LabelsTaken = Type.Object(
  {
    model_name: Type.String(),
    model_version: Type.String(),
    matched: Count,
    repeated: Type.Integer({ minimum: 0, description: 'Rows that had their label before; it stands.' }),
    unmatched: Type.Integer({
      minimum: 0,
      description: 'Requests that this replica has not answered, or has forgotten.',
    }),
    unmatched_first: Type.Array(Type.Object({ id: Type.String(), row: Type.Integer() }), { maxItems: 20 }),
  },
  { title: 'LabelsTaken' },
)
const measured = {
  labels: Count,
  unusable: Type.Integer({ minimum: 0, description: 'Predictions that were NaN or infinite, and are in no measure.' }),
  values: Type.Record(Type.String(), Type.Number(), {
    description:
      'binary: accuracy, precision, recall, f1, roc_auc, brier, log_loss, positive_rate, mean_score; multiclass: accuracy, macro_f1, log_loss; regression: mae, rmse, bias, r2.',
  }),
  interval: Type.Union(
    [Type.Object({ measure: Type.String(), low: Type.Number(), high: Type.Number() }), Type.Null()],
    { description: 'Where the leading measure lies with 95 % confidence, given so many labels.' },
  ),
}
const QualityWindow = Type.Object({ ...WindowTimes, ...measured }, { title: 'QualityWindow' })
export const ModelQualityView = Type.Object(
  {
    model_name: Type.String(),
    model_version: Type.String(),
    task: Type.Unsafe<string>({ type: 'string', enum: ['binary', 'multiclass', 'regression'] }),
    output: Type.String(),
    classes: Type.Array(Type.String()),
    threshold: Type.Optional(Type.Number()),
    settings: Type.Object({ window_labels: Type.Integer(), window_seconds: Type.Number() }),
    labels: Type.Object({ matched: Count, repeated: Count, unmatched: Count }),
    all: Type.Object(measured),
    open: QualityWindow,
    last: Type.Union([QualityWindow, Type.Null()]),
    history: Type.Array(QualityWindow, { maxItems: 48, description: 'Closed windows, the newest first.' }),
    trained: Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()], {
      description: 'Figures of the held-out rows of its training, as the manifest has them.',
    }),
  },
  { title: 'ModelQualityView' },
)
