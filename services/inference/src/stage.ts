import { fileURLToPath } from 'node:url'
import { canonicalJson, type DriftReport, InferenceInput, InferenceOutput, MeshError } from '@meshwork/contracts'
import { defineStage, readResources, type ServiceContext, type StageContext } from '@meshwork/kit'
import { createInferenceMetrics } from './metrics.ts'
import { Models } from './model/models.ts'
import { ModelRepository } from './repository/repository.ts'
import { plan } from './plan.ts'
import { QualityBook } from './quality/book.ts'
import { qualityMetrics } from './quality/metrics.ts'
import { Online } from './online/online.ts'
import { answerMalformedUrl, useOipRoutes } from './routes/oip-routes.ts'
import { useOnlineRoute } from './routes/online.ts'
import { createServingMetrics } from './serving/metrics.ts'
import { ServedModels } from './serving/served-models.ts'
import type { ServedVersion } from './serving/served-version.ts'
import { readServing, type ServingLimits } from './serving/settings.ts'
import { SessionPools } from './session/pools.ts'
import { predict } from './table/predict.ts'
import { createShadowMetrics } from './traffic/metrics.ts'

const driftedShownMax = 20
const modelsFolder = fileURLToPath(new URL('../../../models/', import.meta.url))

/** The stage over a folder of models; MESHWORK_MODELS_DIR says another one where it runs as a service. */
export function inferenceStage(folder = modelsFolder) {
  let models: Models | undefined
  let pools: SessionPools | undefined
  let served: ServedModels | undefined
  let routed = false
  let online: Online | undefined
  const repositoryOf = (service?: ServiceContext) =>
    new ModelRepository(service?.environment['MESHWORK_MODELS_DIR'] ?? folder)
  const open = (service?: ServiceContext): { models: Models; pools: SessionPools } => {
    const { cpus } = service?.resources ?? readResources()
    const metrics = createInferenceMetrics(service?.registry)
    pools = new SessionPools(cpus, ({ key }, reason) => {
      const [model, version] = key.split('/')
      metrics.processesEnded.inc({ model: String(model), version: String(version), reason })
      service?.log.error({ model, modelVersion: Number(version), reason }, 'the process of a model has ended')
    })
    models = new Models({ repository: repositoryOf(service), pools, metrics })
    return { models, pools }
  }
  const serve = (service: ServiceContext, limits: ServingLimits): ServedModels => {
    const opened = open(service)
    const observed = () => served?.versions() ?? []
    const quality = new QualityBook(limits.quality)
    qualityMetrics(service.registry, quality)
    const observer = createServingMetrics(service.registry, observed, () => opened.pools.shared)
    const onServed = ({ manifest }: ServedVersion) => {
      if (manifest.records !== undefined) online?.warm()
    }
    return new ServedModels({
      ...opened,
      repository: repositoryOf(service),
      limits,
      observer,
      traces: service.traces,
      quality,
      shadows: createShadowMetrics(service.registry),
      log: service.log,
      onServed,
    })
  }
  return defineStage({
    name: 'inference',
    version: '1.1.0',
    summary: 'Runs an ONNX model over the rows of a dataset and puts its outputs beside them as new columns.',
    input: InferenceInput,
    output: InferenceOutput,
    isolation: 'inline',
    plan: async (input, context) => await plan(input, models ?? open().models, context),
    start: async service => {
      served = serve(service, readServing(service.environment))
      pools?.shared.warm()
      // Without routes (one call on a file) nobody asks for models ahead of their use.
      online = new Online(service, () => started(served))
      if (routed) served.start()
      return async () => {
        await online?.close()
        await served?.close()
        await pools?.close()
      }
    },
    tags: [{ name: 'inference protocol', description: 'Open Inference Protocol v2.' }],
    malformedUrl: answerMalformedUrl,
    routes: async (app, service) => {
      routed = true
      const { bodyBytesMax, inFlightBytesMax, timeoutMs } = readServing(service.environment)
      const options = {
        models: () => served,
        version: '1.1.0',
        bodyBytesMax,
        inFlightBytesMax,
        workers: () => pools?.shared.size ?? 0,
        draining: () => service.draining(),
      }
      await app.register(async scope => await useOipRoutes(scope, options), { prefix: '/v2' })
      useOnlineRoute(app, { online: () => started(online), bodyBytesMax, timeoutMs })
    },
    run: async (input, context) => {
      const opened = models ?? open().models
      return await opened.use(input.model, input.version, async model => {
        const tables = await context.tables(input.dataset)
        const { dataset, columns, drift } = await predict(model, opened.workers, input, tables, context)
        context.progress(1, { rows: dataset.rows })
        const { name, version, sha256 } = model
        const kept = drift ? await keepDrift(drift, context) : { drift: null, driftReport: null }
        return { dataset, rows: dataset.rows, model: { name, version, sha256 }, columns, ...kept }
      })
    },
  })
}

async function keepDrift(drift: DriftReport, { store, signal }: StageContext) {
  const { verdict, rows, drifted } = drift
  const stored = await store.put(canonicalJson(drift), { signal })
  return {
    drift: { verdict, rows, drifted: drifted.slice(0, driftedShownMax) },
    driftReport: { kind: 'artefact' as const, ...stored, mediaType: 'application/json', name: 'drift.json' },
  }
}

function started<T>(part: T | undefined): T {
  if (part !== undefined) return part
  throw new MeshError('MESHWORK_NOT_READY', { service: 'inference', state: 'starting', seconds: 1 })
}

export const stage = inferenceStage()
