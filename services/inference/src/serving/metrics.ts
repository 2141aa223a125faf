// The metrics of the protocol's face: ours in seconds, and those that dashboards made for Triton read.

import { Counter, Gauge, type Registry } from 'prom-client'
import { dispatchReasons, type FailureReason, failureReasons } from './batcher.ts'
import { driftMetrics } from '../drift/metrics.ts'
import type { DriftMonitor } from '../drift/monitor.ts'
import type { ModelStatistics, StatisticsObserver } from './statistics.ts'
import { TalliedHistogram } from './tallied-histogram.ts'

/** Versions whose numbers are told: those that are or were loaded. */
export interface Observed {
  readonly name: string
  readonly version: string
  readonly statistics: ModelStatistics
  readonly pending: number
  readonly waitingRows: number
  readonly drift: DriftMonitor | undefined
}

/** 50 µs to 10 s. */
const seconds = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
const shares = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1]
const rowsBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const labelNames = ['model', 'version'] as const
const reasons = failureReasons.map(reason => reason.toLowerCase())

export type ServingMetrics = ReturnType<typeof createServingMetrics>

export function createServingMetrics(
  registry: Registry,
  observed: () => Iterable<Observed>,
  workers: () => { busy: number; size: number },
) {
  const registers = [registry]
  const histogram = (name: string, help: string, buckets: number[]) =>
    new TalliedHistogram(registry, { name: `meshwork_inference_${name}`, help, labelNames, buckets })
  const request = histogram(
    'request_duration_seconds',
    'Answered requests, from the queue to the answer of the model.',
    seconds,
  )
  const queue = histogram('queue_duration_seconds', 'Time that answered requests waited for a worker.', seconds)
  const run = histogram('run_duration_seconds', 'Time of a run of a session.', seconds)
  const rows = histogram('run_rows', 'Rows of a run of a session.', rowsBuckets)
  const fill = histogram('batch_fill_ratio', 'Rows of a batch, as a share of the most that it may have.', shares)
  const batches = new Counter({
    name: 'meshwork_inference_batches_total',
    help: 'Batches that were sent, by why they have no more rows: nothing else waited (free), the next did not fit (full), or it cannot be merged (alone).',
    labelNames: ['model', 'version', 'reason'],
    registers,
  })
  const failures = new Counter({
    name: 'meshwork_inference_request_failures_total',
    help: 'Requests that were not answered, by reason.',
    labelNames: ['model', 'version', 'reason'],
    registers,
  })
  gauges(registry, observed, workers)
  tritonMetrics(registry, observed)
  driftMetrics(registry, observed)
  return (model: string, version: string): StatisticsObserver => {
    const labels = { model, version }
    const own = {
      request: request.of(labels),
      queue: queue.of(labels),
      run: run.of(labels),
      rows: rows.of(labels),
      fill: fill.of(labels),
    }
    return {
      dispatched: (reason, share) => {
        own.fill.observe(share)
        batches.inc({ ...labels, reason })
      },
      answered: (_, times) => {
        own.request.observe(times.total)
        own.queue.observe(times.queue)
      },
      executed: (count, times) => {
        own.run.observe(times.infer)
        own.rows.observe(count)
      },
      failed: (reason: FailureReason) => failures.inc({ ...labels, reason: reason.toLowerCase() }),
      retired: () => {
        const gone = Object.values(own).map(tally => tally.end())
        if (!gone.every(Boolean)) return
        for (const reason of reasons) failures.remove({ ...labels, reason })
        for (const reason of dispatchReasons) batches.remove({ ...labels, reason })
      },
    }
  }
}

function gauges(
  registry: Registry,
  observed: () => Iterable<Observed>,
  workers: () => { busy: number; size: number },
): void {
  const perModel = (name: string, help: string, value: (one: Observed) => number) =>
    registry.registerMetric(
      new Gauge({
        name: `meshwork_inference_${name}`,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset()
          for (const one of observed()) this.set({ model: one.name, version: one.version }, value(one))
        },
      }),
    )
  perModel('requests_pending', 'Requests that have no answer yet.', ({ pending }) => pending)
  perModel('queue_rows', 'Rows that wait for a worker.', ({ waitingRows }) => waitingRows)
  perModel('model_ready', '1 for every version that is served.', () => 1)
  registry.registerMetric(
    new Gauge({
      name: 'meshwork_inference_workers_busy_ratio',
      help: 'Share of the workers that have work at this moment.',
      registers: [],
      collect() {
        const { busy, size } = workers()
        this.set(busy / size)
      },
    }),
  )
}

function tritonMetrics(registry: Registry, observed: () => Iterable<Observed>): void {
  const micros = ({ ns }: { ns: number }) => Math.round(ns / 1000)
  const told: readonly (readonly [name: string, help: string, value: (of: ModelStatistics) => number])[] = [
    ['nv_inference_request_success', 'Number of successful inference requests', of => of.success.count],
    ['nv_inference_count', 'Number of inferences performed', of => of.rows],
    ['nv_inference_exec_count', 'Number of model executions performed', of => of.executions],
    [
      'nv_inference_request_duration_us',
      'Cumulative inference request duration in microseconds',
      of => micros(of.success),
    ],
    ['nv_inference_queue_duration_us', 'Cumulative inference queuing duration in microseconds', of => micros(of.queue)],
    [
      'nv_inference_compute_input_duration_us',
      'Cumulative compute input duration in microseconds',
      of => micros(of.computeInput),
    ],
    [
      'nv_inference_compute_infer_duration_us',
      'Cumulative compute inference duration in microseconds',
      of => micros(of.computeInfer),
    ],
    [
      'nv_inference_compute_output_duration_us',
      'Cumulative inference compute output duration in microseconds',
      of => micros(of.computeOutput),
    ],
  ]
  for (const [name, help, value] of told)
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset()
          for (const one of observed()) this.inc({ model: one.name, version: one.version }, value(one.statistics))
        },
      }),
    )
  registry.registerMetric(
    new Counter({
      name: 'nv_inference_request_failure',
      help: 'Number of failed inference requests',
      labelNames: ['model', 'version', 'reason'],
      registers: [],
      collect() {
        this.reset()
        for (const { name, version, statistics } of observed())
          for (const [reason, count] of Object.entries(statistics.failures))
            this.inc({ model: name, version, reason }, count)
      },
    }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'nv_inference_pending_request_count',
      help: 'Instantaneous number of pending requests awaiting execution.',
      labelNames,
      registers: [],
      collect() {
        this.reset()
        for (const { name, version, pending } of observed()) this.set({ model: name, version }, pending)
      },
    }),
  )
}
