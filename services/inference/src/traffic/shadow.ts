// A version that is asked what another has answered. Nobody waits for it, and what waits is bounded: a request that finds
// no room is not asked of it, and counted.

import type { ModelTraffic } from '@meshwork/contracts'
import type { InferRequest } from '../oip/request.ts'
import type { OipTensor } from '../oip/tensor.ts'
import type { ServedVersion } from '../serving/served-version.ts'
import { agreementOf, type Tolerance } from './agreement.ts'

export type ShadowSettings = NonNullable<ModelTraffic['shadow']>

export interface ShadowCounts {
  /** Requests that both versions answered. */
  compared: number
  rows: number
  agreed: number
  /** Requests that the shadow did not answer, or with outputs of another shape. */
  failed: number
  dropped: number
  /** Largest difference of two numbers. */
  difference: number
  lastFailure: string | null
}

export interface ShadowObserver {
  compared(labels: ShadowLabels, rows: number, agreed: number, difference: number): void
  missed(labels: ShadowLabels, result: 'failed' | 'dropped'): void
}
export interface ShadowLabels {
  readonly model: string
  /** That answered. */
  readonly version: string
  readonly shadow: string
}

const inFlightMax = 16
const lastPriority = 2_000_000_000
const reasonMax = 300

export class Shadow {
  readonly version: ServedVersion
  readonly settings: ShadowSettings
  readonly counts: ShadowCounts = {
    compared: 0,
    rows: 0,
    agreed: 0,
    failed: 0,
    dropped: 0,
    difference: 0,
    lastFailure: null,
  }
  readonly #observer: ShadowObserver
  readonly #tolerance: Tolerance
  #inFlight = 0

  constructor(version: ServedVersion, settings: ShadowSettings, observer: ShadowObserver) {
    this.version = version
    this.settings = settings
    this.#observer = observer
    this.#tolerance = { absolute: settings.tolerance?.absolute ?? 1e-6, relative: settings.tolerance?.relative ?? 1e-3 }
  }

  /** What the shadow is to be asked, taken before the tensors of the request go to a worker; undefined for most where its share is small. */
  copy(request: InferRequest, by: ServedVersion, random = Math.random()): InferRequest | undefined {
    if (by === this.version || random >= (this.settings.share ?? 1)) return undefined
    if (this.#inFlight >= inFlightMax) {
      this.counts.dropped++
      this.#observer.missed(this.#labels(by), 'dropped')
      return undefined
    }
    const inputs = request.inputs.map(tensor => ({ ...tensor, data: tensor.data.slice() }))
    const outputs = request.outputs.map(({ name }) => ({ name, binary: false, classes: undefined }))
    return { id: undefined, inputs, outputs, priority: lastPriority, timeoutUs: undefined }
  }

  /** Asks the shadow once the answer is there, and compares. */
  follow(copy: InferRequest, by: ServedVersion, outputs: Promise<readonly OipTensor[]>): void {
    this.#inFlight++
    void this.version
      .keep(async () => {
        const answer = await outputs.catch(() => undefined) // told to whoever asked
        if (answer) await this.#compare(copy, by, answer)
      })
      .finally(() => this.#inFlight--)
  }

  async #compare(copy: InferRequest, by: ServedVersion, answer: readonly OipTensor[]): Promise<void> {
    const { counts } = this
    const labels = this.#labels(by)
    try {
      const { rows, agreed, difference } = agreementOf(
        answer,
        await this.version.infer(copy, 0).outputs,
        this.#tolerance,
      )
      counts.compared++
      counts.rows += rows
      counts.agreed += agreed
      counts.difference = Math.max(counts.difference, difference)
      this.#observer.compared(labels, rows, agreed, difference)
    } catch (error) {
      counts.failed++
      counts.lastFailure = (error instanceof Error ? error.message : String(error)).slice(0, reasonMax)
      this.#observer.missed(labels, 'failed')
    }
  }

  #labels(by: ServedVersion): ShadowLabels {
    return { model: by.name, version: by.version, shadow: this.version.version }
  }
}
