import { runStatuses } from '@meshwork/contracts'
import { Gauge, type Registry } from 'prom-client'
import type { Census } from '../store/census.ts'

const freshMs = 1000
const ended = new Set<string>(['succeeded', 'failed', 'cancelled'])
const open = runStatuses.filter(status => !ended.has(status))

/** Runs that have not ended, of all orchestrators together; looked up at a scrape, at most once a second. */
export function watchRuns(registry: Registry, look: () => Promise<Census>): void {
  let known: Promise<Census | undefined> = Promise.resolve(undefined)
  let at = Number.NEGATIVE_INFINITY
  const latest = async (): Promise<Census | undefined> => {
    if (performance.now() - at > freshMs) {
      at = performance.now()
      // A database that is away leaves the gauges as they were; its own metrics and readiness tell.
      known = look().catch(() => undefined)
    }
    return await known
  }
  const registers = [registry]
  const runs = new Gauge({
    name: 'meshwork_runs_open',
    help: 'Runs that have not ended, by status, of all orchestrators on the database.',
    labelNames: ['status'],
    registers,
    collect: async () => {
      const found = await latest()
      if (found)
        for (const status of open) runs.set({ status }, found.statuses.find(of => of.status === status)?.count ?? 0)
    },
  })
  const oldest = new Gauge({
    name: 'meshwork_run_oldest_seconds',
    help: 'Age of the oldest run that has not ended, by status.',
    labelNames: ['status'],
    registers,
    collect: async () => {
      const found = await latest()
      if (found)
        for (const status of open)
          oldest.set({ status }, found.statuses.find(of => of.status === status)?.oldestSeconds ?? 0)
    },
  })
  const depth = new Gauge({
    name: 'meshwork_queue_depth',
    help: 'Runs that wait for an orchestrator.',
    registers,
    collect: async () => {
      const found = await latest()
      if (found) depth.set(found.queued)
    },
  })
  const held = new Gauge({
    name: 'meshwork_runs_held',
    help: 'Runs that wait for a place among those of their workflow (limits).',
    registers,
    collect: async () => {
      const found = await latest()
      if (found) held.set(found.held)
    },
  })
  const wait = new Gauge({
    name: 'meshwork_queue_oldest_seconds',
    help: 'For how long the first run in the queue has waited.',
    registers,
    collect: async () => {
      const found = await latest()
      if (found) wait.set(found.queuedSeconds)
    },
  })
}
