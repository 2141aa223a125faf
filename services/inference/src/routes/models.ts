import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Datatype } from '../oip/datatype.ts'
import { OipFault } from '../oip/fault.ts'
import type { TensorFace } from '../oip/tensor.ts'
import type { ServedModels } from '../serving/served-models.ts'
import type { ServedVersion } from '../serving/served-version.ts'
import type { OipParts } from './oip-routes.ts'
import type { ClosedWindow } from '../drift/monitor.ts'
import {
  ModelDrift,
  OipConfig,
  OipError,
  OipModel,
  OipModelReady,
  OipModels,
  OipStatistics,
  TrafficView,
} from './schemas.ts'

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
  app.get(
    '/models/:model/traffic',
    {
      schema: {
        operationId: 'modelTraffic',
        tags: ['inference protocol'],
        summary: 'How the versions of a model share its requests',
        response: { 200: TrafficView, default: OipError },
      },
    },
    async request => trafficView((request.params as { model: string }).model, models()),
  )
  route(['modelDrift', 'How what a model sees lies against its training'], '/drift', ModelDrift, driftOf)
}

export const namesVersion = (request: FastifyRequest): boolean =>
  (request.params as { version?: string }).version !== undefined

/** The version that answers a request for inference. */
export function answering(request: FastifyRequest, models: OipParts['models']): ServedVersion {
  const { model } = request.params as { model: string }
  return namesVersion(request) ? served(request, models) : models().choose(model)
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

function trafficView(name: string, models: ServedModels) {
  const { traffic, fault, served: active, shadow } = models.trafficOf(name)
  if (!traffic)
    throw new OipFault(
      404,
      fault === undefined
        ? `model '${name}' has no traffic.json beside its versions; its newest version answers everything`
        : `model '${name}' has a traffic.json that cannot be used: ${fault}`,
    )
  const open = Object.entries(traffic.weights).filter(([version]) => active.includes(Number(version)))
  const all = open.reduce((sum, [, weight]) => sum + weight, 0)
  const { shadow: wanted } = traffic
  return {
    model_name: name,
    fault: fault ?? null,
    versions: Object.entries(traffic.weights).map(([version, weight]) => {
      const isServed = active.includes(Number(version))
      return { version, weight, served: isServed, share: isServed && all > 0 ? weight / all : 0 }
    }),
    shadow: wanted
      ? {
          version: String(wanted.version),
          share: wanted.share,
          served: shadow !== undefined,
          requests: {
            compared: shadow?.counts.compared ?? 0,
            failed: shadow?.counts.failed ?? 0,
            dropped: shadow?.counts.dropped ?? 0,
          },
          rows: shadow?.counts.rows ?? 0,
          agreed_rows: shadow?.counts.agreed ?? 0,
          max_difference: shadow?.counts.difference ?? 0,
          last_failure: shadow?.counts.lastFailure ?? null,
        }
      : null,
  }
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

function configOf({ name, manifest, face, batching, inlineRowsMax }: ServedVersion, workers: number) {
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
      inline_rows: { string_value: String(inlineRowsMax) },
      sha256: { string_value: manifest.sha256 },
    },
  }
}
