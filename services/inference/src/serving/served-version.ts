// One version of a model that answers requests: loaded in every worker, tried, with a queue of its own.

import { dirname, join } from 'node:path'
import type { ModelManifest } from '@meshwork/contracts'
import type { SpanContext, Traces } from '@meshwork/kit'
import type { Held, Models } from '../model/models.ts'
import { type Signature, signatureOf } from '../model/signature.ts'
import { datatypeOf, rowOf, type ElementType } from '../oip/datatype.ts'
import { badRequest } from '../oip/fault.ts'
import type { InferRequest } from '../oip/request.ts'
import type { ModelFace, OipTensor } from '../oip/tensor.ts'
import type { StoredModel } from '../repository/repository.ts'
import type { Value } from '../session/messages.ts'
import type { InlineSession } from '../session/inline.ts'
import type { SessionPools } from '../session/pools.ts'
import { BatchSpans } from './batch-spans.ts'
import { Batcher } from './batcher.ts'
import { type Batching, calibrate, inlineRows } from './calibration.ts'
import { DriftMonitor } from '../drift/monitor.ts'
import type { QualityBook } from '../quality/book.ts'
import type { QualityMonitor } from '../quality/monitor.ts'
import { readReference, requireSameTensors } from '../drift/reference.ts'
import { faceOf } from './face.ts'
import { differenceOf, readGolden } from './golden.ts'
import type { ServingLimits } from './settings.ts'
import { ModelStatistics, type StatisticsObserver } from './statistics.ts'

export interface VersionParts {
  readonly models: Models
  readonly pools: SessionPools
  readonly limits: ServingLimits
  readonly observer: (model: string, version: string) => StatisticsObserver
  readonly traces: Traces
  readonly quality: QualityBook
}
export interface Inference {
  readonly outputs: Promise<readonly OipTensor[]>
  readonly cancel: () => void
}

const goldenTimeoutMs = 60_000
const usualPriority = 1_000_000

export class ServedVersion {
  readonly manifest: ModelManifest
  readonly key: string
  readonly face: ModelFace
  readonly batching: Batching
  readonly statistics: ModelStatistics
  /** Where its files lie. */
  readonly folder: string
  /** Where the model has a reference. */
  drift: DriftMonitor | undefined
  /** Where labels can be compared with what it says. */
  quality: QualityMonitor | undefined
  readonly #batcher: Batcher
  readonly #inline: InlineSession | undefined
  readonly #held: Held
  readonly #limits: ServingLimits
  readonly #kept = new Set<Promise<unknown>>()
  /** When it was asked last, by the clock of performance.now(); before that, when it was loaded. */
  usedAt = performance.now()
  #retiring: Promise<void> | undefined

  private constructor(
    stored: StoredModel,
    { held, batching, inline }: { held: Held; batching: Batching; inline: InlineSession | undefined },
    parts: VersionParts,
  ) {
    const { pools, limits, observer } = parts
    const { manifest, file } = stored
    this.manifest = manifest
    this.key = file.key
    this.folder = dirname(file.path)
    this.#held = held
    this.#limits = limits
    this.face = faceOf(manifest, held.declared)
    this.batching = batching
    this.#inline = inline
    this.statistics = new ModelStatistics(observer(manifest.name, String(manifest.version)))
    this.#batcher = new Batcher({
      name: manifest.name,
      file,
      pool: inline ?? pools.of(file),
      statistics: this.statistics,
      spans: new BatchSpans(parts.traces, { model: manifest.name, version: String(manifest.version) }),
      rowsMax: this.batching.rowsMax,
      queueRowsMax: limits.queueRowsMax,
      queueBytesMax: limits.queueBytesMax,
      defer: setImmediate,
      explain: error => parts.models.explain(error, stored),
    })
  }

  /** Loads a version, warms it and tries its golden rows; nothing of it is left where that fails. */
  static async open(stored: StoredModel, parts: VersionParts): Promise<ServedVersion> {
    const { manifest } = stored
    const rowsMax = rowsMaxOf(manifest, parts.limits)
    const held = await parts.models.hold(stored, rowsMax)
    let inline: InlineSession | undefined
    let version: ServedVersion | undefined
    try {
      const batching = calibrate(held.probe, manifest.batching?.enabled, rowsMax)
      inline = await openInline(stored, { held, batching }, parts)
      version = new ServedVersion(stored, { held, batching, inline }, parts)
      await version.#tryGolden(version.folder)
      await version.#watch()
      version.quality = parts.quality.open(version.manifest)
      return version
    } catch (error) {
      version?.statistics.retired()
      await inline?.release()
      held.release()
      throw error
    }
  }

  get name(): string {
    return this.face.name
  }
  get version(): string {
    return this.face.version
  }
  /** As columns see it. Throws for a model that cannot be run on rows. */
  get signature(): Signature {
    return signatureOf(this.manifest, this.#held.declared)
  }
  /** Rows of the longest run that is made on the thread of HTTP; 0 where all are made by workers. */
  get inlineRowsMax(): number {
    return this.#inline?.rowsMax ?? 0
  }
  get pending(): number {
    return this.#batcher.pending
  }
  get waitingRows(): number {
    return this.#batcher.waitingRows
  }

  /** `trace`: the span of the request that it is for. */
  infer(
    request: InferRequest,
    bytes: number,
    { timeoutMs = this.#limits.timeoutMs, trace }: { timeoutMs?: number; trace?: SpanContext | undefined } = {},
  ): Inference {
    this.usedAt = performance.now()
    const { inputs, outputs, priority, timeoutUs } = request
    const names = outputs.map(({ name }) => name)
    const rows = this.batching.rowwise ? rowsOf(inputs) : undefined
    const { outputs: values, cancel } = this.#batcher.submit({
      call: { feeds: inputs.map(feedOf), outputs: names },
      group: rows && this.batching.rowsMax > 1 ? groupOf(inputs, names) : undefined,
      rows: rows ?? 1,
      bytes,
      priority: priority === 0 ? usualPriority : priority,
      timeoutMs: Math.max(1, Math.min(timeoutMs, timeoutUs === undefined ? Infinity : timeoutUs / 1000)),
      trace,
    })
    const answered = values.then(found => found.map(tensorOf))
    if (rows !== undefined) this.#look(inputs, rows, answered)
    if (request.id !== undefined) this.#remember(request.id, answered)
    return { outputs: answered, cancel }
  }

  /** Some rows of a request, and what came of them. Its inputs go to the worker after this turn of the event loop. */
  #look(inputs: readonly OipTensor[], rows: number, outputs: Promise<readonly OipTensor[]>): void {
    const { drift } = this
    const chosen = drift?.choose(rows) ?? []
    if (!drift || chosen.length === 0) return
    drift.look('input', inputs, chosen)
    outputs.then(
      tensors => drift.look('output', tensors, chosen),
      () => {}, // told to whoever asked
    )
  }

  #remember(id: string, outputs: Promise<readonly OipTensor[]>): void {
    const { quality } = this
    if (quality)
      outputs.then(
        tensors => quality.remember(id, tensors),
        () => {}, // told to whoever asked
      )
  }

  /** Keeps the version loaded until `work` ends, for requests that are made up of several steps. */
  async keep<T>(work: () => Promise<T>): Promise<T> {
    const kept = work()
    this.#kept.add(kept)
    try {
      return await kept
    } finally {
      this.#kept.delete(kept)
    }
  }

  labels(output: string): readonly string[] | undefined {
    return this.manifest.outputs.find(({ name }) => name === output)?.labels
  }

  /** Resolves when no request is left; the memory is given back, once. Nobody may send it new ones. */
  async retire(): Promise<void> {
    await (this.#retiring ??= this.#letGo())
  }

  async #letGo(): Promise<void> {
    await Promise.allSettled(this.#kept)
    await this.#batcher.idle()
    this.statistics.retired()
    await this.#inline?.release()
    this.#held.release()
  }

  async #watch(): Promise<void> {
    const { reference, name, version } = this.manifest
    if (reference === undefined) return
    const read = await readReference(join(this.folder, reference))
    requireSameTensors(read, this.face)
    this.drift = new DriftMonitor({ name, version }, read, this.#limits.drift)
  }

  async #tryGolden(folder: string): Promise<void> {
    if (this.manifest.samples === undefined) return
    const golden = await readGolden(join(folder, this.manifest.samples), this.face)
    const outputs = golden.outputs.map(({ name }) => ({ name, binary: false, classes: undefined }))
    const request = { id: undefined, inputs: golden.inputs, outputs, priority: 1, timeoutUs: undefined }
    const answers = await this.infer(request, 0, { timeoutMs: goldenTimeoutMs }).outputs
    const difference = differenceOf(
      golden,
      answers.map(({ name, data, shape }) => ({ name, data, dims: shape, type: 'float32' })),
    )
    if (difference !== undefined) throw new Error(`on its golden rows ${difference}`)
  }
}

/** A session on the thread of HTTP, for a model of the threads that is quick enough. */
async function openInline(
  { manifest, file }: StoredModel,
  { held, batching }: { held: Held; batching: Batching },
  { pools, limits }: VersionParts,
): Promise<InlineSession | undefined> {
  const runSecondsMax = limits.inlineSecondsMax
  const rowsMax = inlineRows(batching, held.declared, { bytes: manifest.bytes, runSecondsMax })
  if (rowsMax === 0 || file.process !== undefined) return undefined
  const { InlineSession } = await import('../session/inline.ts') // the runtime is not loaded where no model is so quick
  return await InlineSession.open(file, { workers: pools.of(file), rowsMax })
}

const rowsMaxOf = (manifest: ModelManifest, limits: ServingLimits) => manifest.batching?.rowsMax ?? limits.batchRowsMax

/** Rows of a request whose inputs agree on them; undefined for one that must run alone. */
function rowsOf(inputs: readonly OipTensor[]): number | undefined {
  const rows = inputs[0]?.shape[0]
  return rows !== undefined && rows > 0 && inputs.every(({ shape }) => shape[0] === rows) ? rows : undefined
}

const groupOf = (inputs: readonly OipTensor[], outputs: readonly string[]): string =>
  `${inputs.map(({ shape }) => shape.slice(1).join()).join(';')}|${outputs.join('|')}`

function feedOf({ name, datatype, shape, data }: OipTensor): Value {
  const cut = Array.isArray(data) ? data.findIndex(text => text.includes('\0')) : -1
  if (cut >= 0)
    throw badRequest(
      `element ${cut} of input '${name}' has a NUL character, at which ONNX Runtime would cut the text off`,
    )
  return { name, type: rowOf(datatype).tensor as ElementType, dims: shape, data }
}

const tensorOf = ({ name, type, dims, data }: Value): OipTensor => ({
  name,
  datatype: datatypeOf(type) ?? 'FP32', // the worker lets no other types through
  shape: dims,
  data,
})
