// What a version of a model has done since it was loaded, as the statistics extension tells it. Durations come in
// seconds, and are kept in whole nanoseconds.

import type { DispatchReason, FailureReason } from './batcher.ts'

export interface RunTimes {
  readonly input: number
  readonly infer: number
  readonly output: number
}
export interface CallTimes extends RunTimes {
  readonly total: number
  readonly queue: number
}
/** Told of everything as it happens. */
export interface StatisticsObserver {
  /** `fill`: the share of the rows that a batch may have. */
  dispatched(reason: DispatchReason, fill: number): void
  answered(rows: number, times: CallTimes): void
  executed(rows: number, times: RunTimes): void
  failed(reason: FailureReason, seconds: number): void
  /** Nothing more is to come. */
  retired(): void
}

interface Tally {
  count: number
  ns: number
}
const tally = (): Tally => ({ count: 0, ns: 0 })
const batchSizesMax = 4096

export class ModelStatistics {
  readonly #observer: StatisticsObserver
  readonly success = tally()
  readonly fail = tally()
  readonly queue = tally()
  readonly computeInput = tally()
  readonly computeInfer = tally()
  readonly computeOutput = tally()
  readonly failures: Record<FailureReason, number> = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 }
  readonly #batches = new Map<number, { input: Tally; infer: Tally; output: Tally }>()
  #lastMs = 0
  rows = 0
  executions = 0

  constructor(observer: StatisticsObserver) {
    this.#observer = observer
  }

  dispatched(reason: DispatchReason, fill: number): void {
    this.#observer.dispatched(reason, fill)
  }

  answered(rows: number, times: CallTimes): void {
    this.rows += rows
    this.#lastMs = Date.now()
    add(this.success, times.total)
    add(this.queue, times.queue)
    add(this.computeInput, times.input)
    add(this.computeInfer, times.infer)
    add(this.computeOutput, times.output)
    this.#observer.answered(rows, times)
  }

  executed(rows: number, times: RunTimes): void {
    this.executions++
    let batch = this.#batches.get(rows)
    if (batch === undefined && this.#batches.size < batchSizesMax) {
      batch = { input: tally(), infer: tally(), output: tally() }
      this.#batches.set(rows, batch)
    }
    if (batch !== undefined) {
      add(batch.input, times.input)
      add(batch.infer, times.infer)
      add(batch.output, times.output)
    }
    this.#observer.executed(rows, times)
  }

  failed(reason: FailureReason, ms: number): void {
    this.failures[reason]++
    add(this.fail, ms / 1000)
    this.#observer.failed(reason, ms / 1000)
  }

  retired(): void {
    this.#observer.retired()
  }

  toJson(name: string, version: string) {
    const batches = [...this.#batches].sort(([a], [b]) => a - b)
    return {
      name,
      version,
      last_inference: this.#lastMs,
      inference_count: this.rows,
      execution_count: this.executions,
      inference_stats: {
        success: { ...this.success },
        fail: { ...this.fail },
        queue: { ...this.queue },
        compute_input: { ...this.computeInput },
        compute_infer: { ...this.computeInfer },
        compute_output: { ...this.computeOutput },
        cache_hit: tally(),
        cache_miss: tally(),
      },
      response_stats: {},
      batch_stats: batches.map(([batch_size, { input, infer, output }]) => ({
        batch_size,
        compute_input: { ...input },
        compute_infer: { ...infer },
        compute_output: { ...output },
      })),
      memory_usage: [],
    }
  }
}

function add(to: Tally, seconds: number): void {
  to.count++
  to.ns += Math.round(seconds * 1e9)
}
