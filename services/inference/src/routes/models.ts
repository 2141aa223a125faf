import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Datatype } from '../oip/datatype.ts'
import { OipFault } from '../oip/fault.ts'
import type { TensorFace } from '../oip/tensor.ts'
import type { ServedVersion } from '../serving/served-version.ts'
import type { OipParts } from './oip-routes.ts'
import type { ClosedWindow } from '../drift/monitor.ts'
import { ModelDrift, OipConfig, OipError, OipModel, OipModelReady, OipModels, OipStatistics } from './schemas.ts'

const platform = 'onnxruntime_onnx'

export function useModelRoutes(app: FastifyInstance, { models, workers }: OipParts): void {
  const route = (
    [id, summary]: readonly [string, string],
    what: string,
    answer: unknown,
    handle: (version: ServedVersion) => unknown,
  ) => {
    for (const [path, suffix] of [
      ['/models/:model', ''],
      ['/models/:model/versions/:version', 'Version'],
    ])
      app.get(
        `${path}${what}`,
        {
          schema: {
            operationId: `${id}${suffix}`,
            tags: ['inference protocol'],
            summary,
            response: { 200: answer, default: OipError },
          },
        },
        async request => handle(served(request, models)),
      )
  }
  const list = { tags: ['inference protocol'], summary: 'Models that are ready' }
  app.get(
    '/models',
    { schema: { ...list, operationId: 'oipModels', response: { 200: OipModels, default: OipError } } },
    async () => ({
      models: [
        ...new Set(
          models()
            .versions()
            .map(({ name }) => name),
        ),
      ],
    }),
  )
  const all = { tags: ['inference protocol'], summary: 'What all models have done' }
  app.get(
    '/models/stats',
    { schema: { ...all, operationId: 'oipAllStatistics', response: { 200: OipStatistics, default: OipError } } },
    async () => ({ model_stats: models().versions().map(statisticsOf) }),
  )
  route(['oipModel', 'What a model takes and gives'], '', OipModel, ({ name, face }) => ({
    name,
    versions: models().versionsOf(name),
    platform,
    inputs: face.inputs.map(shown),
    outputs: face.outputs.map(shown),
  }))
  route(['oipModelReady', 'Whether a model answers'], '/ready', OipModelReady, ({ name }) => ({ name, ready: true }))
  route(['oipModelConfig', 'How a model is run'], '/config', OipConfig, version => configOf(version, workers()))
  route(['oipModelStatistics', 'What a model has done'], '/stats', OipStatistics, version => ({
    model_stats: [statisticsOf(version)],
  }))
  route(['modelDrift', 'How what a model sees lies against its training'], '/drift', ModelDrift, driftOf)
}

export function served(request: FastifyRequest, models: OipParts['models']): ServedVersion {
  const { model, version } = request.params as { model: string; version?: string }
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version))
    throw new OipFault(
      404,
      `'${version.slice(0, 20)}' is not a version of model '${model.slice(0, 100)}'; versions are numbers`,
    )
  return models().find(model, version)
}

function driftOf({ name, version, drift }: ServedVersion) {
  if (!drift)
    throw new OipFault(
      404,
      `version ${version} of model '${name}' has no training reference: put reference.json beside the model and name it in the manifest ("reference")`,
    )
  const { open, closed } = drift.view()
  const { rowsPerSecond, windowRows, windowMs } = drift.settings
  const times = ({ from, to }: ClosedWindow) => ({ from: new Date(from).toISOString(), to: new Date(to).toISOString() })
  const whole = (window: ClosedWindow) => ({ ...times(window), ...window.report })
  return {
    model_name: name,
    model_version: version,
    settings: { rows_per_second: rowsPerSecond, window_rows: windowRows, window_seconds: windowMs / 1000 },
    open: whole(open),
    last: closed[0] ? whole(closed[0]) : null,
    history: closed.map(window => {
      const { verdict, rows, drifted } = window.report
      return { ...times(window), verdict, rows, drifted }
    }),
  }
}

const shown = ({ name, datatype, shape }: TensorFace) => ({ name, datatype, shape: shape ?? [] })
const statisticsOf = ({ statistics, name, version }: ServedVersion) => statistics.toJson(name, version)

function configOf({ name, manifest, face, batching }: ServedVersion, workers: number) {
  const batches = batching.rowsMax > 1
  const dims = ({ shape = [] }: TensorFace) => (batches ? shape.slice(1) : shape)
  const typeName = (datatype: Datatype) => `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`
  const side = (tensors: readonly TensorFace[]) =>
    tensors.map(tensor => ({ name: tensor.name, data_type: typeName(tensor.datatype), dims: dims(tensor) }))
  const curve = batching.curve.map(({ rows, seconds }) => ({ rows, seconds: Number(seconds.toPrecision(3)) }))
  return {
    name,
    platform,
    backend: 'onnxruntime',
    max_batch_size: batches ? batching.rowsMax : 0,
    input: side(face.inputs),
    output: side(face.outputs),
    ...(batches ? { dynamic_batching: { preferred_batch_size: [], max_queue_delay_microseconds: 0 } } : {}),
    instance_group: [{ name, kind: 'KIND_CPU', count: workers, gpus: [] }],
    default_model_filename: manifest.file,
    parameters: {
      batching: { string_value: batching.reason },
      batching_curve: { string_value: JSON.stringify(curve) },
      sha256: { string_value: manifest.sha256 },
    },
  }
}
