// Records in, what the model says of them out: features as they were fitted, then the model as the protocol runs it.

import { join } from 'node:path'
import { MeshError, type OnlineInput, type OnlineOutput } from '@meshwork/contracts'
import { Limiter, type ServiceContext, type SpanContext, WorkerPool } from '@meshwork/kit'
import { OipFault } from '../oip/fault.ts'
import type { InferRequest } from '../oip/request.ts'
import { datatypeOf } from '../oip/datatype.ts'
import type { ServedModels } from '../serving/served-models.ts'
import type { ServedVersion } from '../serving/served-version.ts'
import { planOutputs } from '../table/outputs.ts'
import { recordsOf } from './answers.ts'
import type { FeaturesAt, MadeInput } from './messages.ts'
import { createFeatureMetrics } from './metrics.ts'
import { cellsOf } from './records.ts'

const worksMax = 100_000
const waitingMax = 256
const memoryBytes = 800_000_000
const priority = 0

export class Online {
  readonly #models: () => ServedModels
  readonly #pool: WorkerPool
  readonly #limiter: Limiter
  #warmed = false

  constructor({ store, resources, registry, log, environment }: ServiceContext, models: () => ServedModels) {
    this.#models = models
    const places = Math.max(1, Math.floor(resources.cpus / 2))
    this.#limiter = new Limiter({ stage: 'inference', places, waitingMax })
    this.#pool = new WorkerPool({
      stage: 'inference',
      memoryBytes,
      keep: places,
      worksMax,
      scratchRoot: store.scratchRoot,
      restarts: createFeatureMetrics(registry).restarts,
      setup: {
        module: new URL('./features-stage.ts', import.meta.url).href,
        storeUrl: store.url,
        resources: { cpus: 1, memoryBytes },
        logLevel: log.level,
        ...(environment['MESHWORK_LOG_FORMAT'] === 'ecs' && { logFormat: 'ecs' as const }),
      },
    })
  }

  /** Starts a process ahead of the first request, which would wait for it. */
  warm(): void {
    if (this.#warmed) return
    this.#warmed = true
    this.#pool.start().catch(() => {}) // the first request tells why
  }

  async answer(input: OnlineInput, signal: AbortSignal, trace?: SpanContext): Promise<OnlineOutput> {
    const version = this.#version(input)
    return await version.keep(async () => await this.#ask(input, version, signal, trace))
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }

  async #ask(
    input: OnlineInput,
    version: ServedVersion,
    signal: AbortSignal,
    trace: SpanContext | undefined,
  ): Promise<OnlineOutput> {
    const { manifest, signature } = version
    const at = { model: manifest.name, version: manifest.version }
    const columns = input.columns ?? manifest.records
    if (columns === undefined) throw new MeshError('MESHWORK_INFERENCE_RECORD_COLUMNS', at)
    const outputs = planOutputs(signature, input.outputs, [], at)
    const body = {
      model: at,
      inputs: signature.inputs,
      asked: { ...(input.inputs && { inputs: input.inputs }), ...(input.nulls && { nulls: input.nulls }) },
      features: featuresOf(input, version),
      columns,
      records: cellsOf(input.records, columns),
    }
    const made = await this.#make(body, signal)
    const wanted = [...new Set(outputs.map(({ take }) => take.output))]
    const request: InferRequest = {
      id: input.id,
      inputs: made.map(({ name, type, shape, data }) => ({
        name,
        datatype: datatypeOf(type) ?? 'FP32',
        shape,
        data,
      })),
      outputs: wanted.map(name => ({ name, binary: false, classes: undefined })),
      priority,
      timeoutUs: undefined,
    }
    const bytes = made.reduce((sum, { data }) => sum + (Array.isArray(data) ? data.length : data.byteLength), 0)
    const shadow = input.version === undefined ? this.#models().shadowOf(version.name) : undefined
    const copy = shadow?.copy(request, version)
    const inference = version.infer(request, bytes, { trace })
    if (copy) shadow?.follow(copy, version, inference.outputs)
    signal.addEventListener('abort', inference.cancel, { once: true })
    const tensors = await inference.outputs.catch((error: unknown) => {
      throw problemOf(error, at, input.records.length)
    })
    return {
      model: { name: manifest.name, version: manifest.version, sha256: manifest.sha256 },
      columns: outputs.map(({ column }) => column),
      records: recordsOf(outputs, tensors, input.records.length),
    }
  }

  async #make(body: unknown, signal: AbortSignal): Promise<readonly MadeInput[]> {
    const release = await this.#limiter.take(signal)
    try {
      const work = { body, inputHash: '', run: undefined, traceId: undefined }
      return (await this.#pool.execute(work, { signal, onProgress: () => {} })) as readonly MadeInput[]
    } finally {
      release()
    }
  }

  #version({ model, version }: OnlineInput): ServedVersion {
    try {
      const models = this.#models()
      return version === undefined ? models.choose(model) : models.find(model, String(version))
    } catch (error) {
      if (!(error instanceof OipFault) || error.status !== 404) throw problemOf(error, { model, version: 0 }, 0)
      const versions = this.#models().versionsOf(model)
      if (version !== undefined && versions.length > 0)
        throw new MeshError('MESHWORK_INFERENCE_VERSION_UNKNOWN', { model, version, versions: versions.join(', ') })
      const models =
        [
          ...new Set(
            this.#models()
              .versions()
              .map(({ name }) => name),
          ),
        ]
          .slice(0, 30)
          .join(', ') || 'none'
      throw new MeshError('MESHWORK_INFERENCE_MODEL_UNKNOWN', { model, suggestion: '', models })
    }
  }
}

function featuresOf({ features }: OnlineInput, { manifest, key, folder }: ServedVersion): FeaturesAt | undefined {
  if (features !== undefined) return { kind: 'artefact', ref: features }
  if (manifest.features === undefined) return undefined
  return { kind: 'file', path: join(folder, manifest.features), key }
}

/** The protocol's refusals as problems. */
function problemOf(error: unknown, at: { model: string; version: number }, rows: number): unknown {
  if (!(error instanceof OipFault)) return error
  const { status, message: reason, retryAfterSeconds } = error
  if (status === 400) return new MeshError('MESHWORK_INFERENCE_RUN_FAILED', { ...at, rows, reason })
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
  return new MeshError('MESHWORK_INFERENCE_NOT_READY', { model: at.model, reason }, retry)
}
