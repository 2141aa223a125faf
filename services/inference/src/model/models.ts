// The models that are loaded. A model is loaded when it is first used, and leaves when more than `loadedMax` are and it
// is the one that nobody has used for longest.

import { dirname, join } from 'node:path'
import { MeshError, type ModelReference } from '@meshwork/contracts'
import { readReference } from '../drift/reference.ts'
import type { InferenceMetrics } from '../metrics.ts'
import type { ModelRepository, StoredModel } from '../repository/repository.ts'
import type { Fault, LoadAnswer, ModelFile, ProbeAnswer, RunAnswer, RunRequest } from '../session/messages.ts'
import { WorkerDied, WorkerFault, WorkerHung } from '../session/pool.ts'
import type { SessionPools } from '../session/pools.ts'
import { type Signature, signatureOf } from './signature.ts'

export interface Model {
  readonly name: string
  readonly version: number
  readonly sha256: string
  readonly signature: Signature
  /** Where it has one. */
  reference(): Promise<ModelReference | undefined>
  run(request: Omit<RunRequest, 'file'>, signal?: AbortSignal): Promise<RunAnswer>
}

/** A model that stays loaded. */
export interface Held {
  readonly declared: LoadAnswer
  readonly probe: ProbeAnswer
  /** Call once, when nothing runs it any more. */
  release(): void
}

interface Loaded {
  readonly file: ModelFile
  readonly declared: Promise<LoadAnswer>
  users: number
}

export interface ModelsOptions {
  readonly repository: ModelRepository
  readonly pools: SessionPools
  readonly metrics: InferenceMetrics
  readonly loadedMax?: number
}

const loadedMaxDefault = 16

export class Models {
  readonly #options: ModelsOptions
  /** By key, the longest unused first. */
  readonly #loaded = new Map<string, Loaded>()

  constructor(options: ModelsOptions) {
    this.#options = options
  }

  /** Threads that run sessions. */
  get workers(): number {
    return this.#options.pools.shared.size
  }

  /** What a caller is told of a failure of the workers. */
  explain(error: unknown, stored: StoredModel): unknown {
    return problemOf(error, stored, 1)
  }

  /** Gives `work` a model that stays loaded until it ends. Without a version it is the newest one. */
  async use<T>(name: string, version: number | undefined, work: (model: Model) => Promise<T>): Promise<T> {
    const stored = await this.#options.repository.find(name, version)
    const { key } = stored.file
    const loaded = this.#loaded.get(key) ?? this.#load(stored)
    this.#loaded.delete(key)
    this.#loaded.set(key, loaded)
    loaded.users++
    try {
      const declared = await loaded.declared.catch((error: unknown) => {
        if (this.#loaded.get(key) === loaded) this.#loaded.delete(key)
        throw problemOf(error, stored, 0)
      })
      this.#options.metrics.loaded.set(this.#loaded.size)
      return await work(this.#model(stored, signatureOf(stored.manifest, declared)))
    } finally {
      loaded.users--
      this.#evict()
    }
  }

  /** Keeps a model loaded, in every worker, until it is released; `release` then gives its memory back. */
  async hold(stored: StoredModel, rowsMax: number): Promise<Held> {
    const { pools } = this.#options
    const { file } = stored
    const { key } = file
    const preparing = pools.of(file).prepare(file, rowsMax)
    const known = this.#loaded.get(key)
    const loaded: Loaded = known ?? { file, declared: preparing.then(({ declared }) => declared), users: 0 }
    loaded.declared.catch(() => {}) // told below
    this.#loaded.set(key, loaded)
    loaded.users++
    const release = () => {
      loaded.users--
      if (loaded.users > 0 || this.#loaded.get(key) !== loaded) return
      this.#loaded.delete(key)
      pools.unload(file)
      this.#evict()
    }
    try {
      const { declared, probe } = await preparing
      this.#evict()
      return { declared, probe, release }
    } catch (error) {
      release()
      throw problemOf(error, stored, 0)
    }
  }

  #load({ file }: StoredModel): Loaded {
    return { file, declared: this.#options.pools.of(file).load(file), users: 0 }
  }

  #model(stored: StoredModel, signature: Signature): Model {
    const { pools, metrics } = this.#options
    const { name, version, sha256 } = stored.manifest
    const labels = { model: name, version: String(version) }
    return {
      name,
      version,
      sha256,
      signature,
      reference: async () => {
        const { reference } = stored.manifest
        if (reference === undefined) return undefined
        return await readReference(join(dirname(stored.file.path), reference)).catch((error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error)
          throw new MeshError('MESHWORK_INFERENCE_MANIFEST_INVALID', { model: name, version, reason })
        })
      },
      run: async (request, signal) => {
        const { file } = stored
        const answer = await pools
          .of(file)
          .run({ ...request, file }, signal)
          .catch((error: unknown) => {
            throw problemOf(error, stored, request.rows)
          })
        metrics.rows.inc(labels, request.rows)
        metrics.seconds.observe(labels, answer.seconds)
        return answer
      },
    }
  }

  #evict(): void {
    const { pools, metrics, loadedMax = loadedMaxDefault } = this.#options
    for (const [key, { users, file }] of this.#loaded) {
      if (this.#loaded.size <= loadedMax) break
      if (users > 0) continue
      this.#loaded.delete(key)
      pools.unload(file)
    }
    metrics.loaded.set(this.#loaded.size)
  }
}

function problemOf(error: unknown, { manifest }: StoredModel, rows: number): unknown {
  const at = { model: manifest.name, version: manifest.version }
  if (error instanceof WorkerHung)
    return new MeshError('MESHWORK_INFERENCE_RUN_TOO_LONG', { ...at, timeoutMs: error.timeoutMs }, { cause: error })
  if (error instanceof WorkerDied)
    return new MeshError('MESHWORK_INFERENCE_WORKER_DIED', { ...at, reason: error.message }, { cause: error })
  if (!(error instanceof WorkerFault)) return error
  return faultProblem(error.fault, { ...at, rows }, manifest.sha256)
}

function faultProblem(fault: Fault, at: { model: string; version: number; rows: number }, expected: string): MeshError {
  if (fault.what === 'corrupt')
    return new MeshError('MESHWORK_INFERENCE_MODEL_CORRUPT', { ...at, actual: fault.actual, expected })
  if (fault.what === 'unreadable')
    return new MeshError('MESHWORK_INFERENCE_MODEL_UNREADABLE', { ...at, reason: fault.reason })
  if (fault.what === 'run')
    return new MeshError('MESHWORK_INFERENCE_RUN_FAILED', { ...at, rows: fault.rows, reason: fault.reason })
  return new MeshError('MESHWORK_INFERENCE_BATCH_MISMATCH', {
    ...at,
    output: fault.output,
    shape: fault.shape.join(', '),
    rows: fault.rows,
    expected: 'as declared, with the place that was asked for',
  })
}
