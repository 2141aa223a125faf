import { statfs } from 'node:fs/promises'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Limiter } from '../execute/limiter.ts'

export type StageMetrics = ReturnType<typeof createStageMetrics>

/** What every stage counts. `code` is a code of the error table or "ok"; never a run id. `disk` is a folder on the disk that artefacts are written to. */
export function createStageMetrics(registry: Registry, stage: string, limiter: Limiter, disk: string) {
  const registers = [registry]
  gauge('meshwork_stage_in_flight', 'Calls in progress.', () => limiter.running)
  gauge('meshwork_stage_queue_depth', 'Calls that wait for a place.', () => limiter.waiting)
  gauge('meshwork_store_free_bytes', 'Room on the disk of the store; with S3, on that of its copies.', async () => {
    const { bavail, bsize } = await statfs(disk)
    return bavail * bsize
  })
  gauge('meshwork_store_size_bytes', 'Size of the disk of the store; with S3, of that of its copies.', async () => {
    const { blocks, bsize } = await statfs(disk)
    return blocks * bsize
  })
  return {
    runs: new Counter({
      name: 'meshwork_stage_runs_total',
      help: 'Calls that ended, by result and code.',
      labelNames: ['stage', 'version', 'result', 'code'],
      registers,
    }),
    seconds: new Histogram({
      name: 'meshwork_stage_run_duration_seconds',
      help: 'Time of a call from its start to its end, waiting for a place not included.',
      labelNames: ['stage', 'version', 'result'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
      registers,
    }),
    rows: new Counter({
      name: 'meshwork_stage_rows_total',
      help: 'Rows of the outputs of calls that succeeded.',
      labelNames: ['stage', 'version'],
      registers,
    }),
    joined: new Counter({
      name: 'meshwork_stage_joined_total',
      help: 'Calls that got the result of another call with the same key: in flight here, in another replica, or recorded.',
      labelNames: ['stage', 'how'],
      registers,
    }),
    workerRestarts: new Counter({
      name: 'meshwork_stage_worker_restarts_total',
      help: 'Worker processes that were replaced: recycled, killed (deadline, cancel, memory) or crashed.',
      labelNames: ['stage', 'reason'],
      registers,
    }),
  }

  /** Read when it is scraped: what changes between two calls would be stale otherwise. */
  function gauge(name: string, help: string, read: () => number | Promise<number>): void {
    const collect = async function (this: Gauge<'stage'>) {
      try {
        this.set({ stage }, await read())
      } catch {
        this.reset() // a disk that is gone has no size; other metrics are still wanted
      }
    }
    registry.registerMetric(new Gauge({ name, help, labelNames: ['stage'], registers: [], collect }))
  }
}
