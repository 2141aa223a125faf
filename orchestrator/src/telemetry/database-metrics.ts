import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Database, DatabaseObserver, PoolName } from '../store/database.ts'

const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]

/** What the database costs, and whether it is enough: time of statements, waits for connections, those in use. */
export class DatabaseMetrics implements DatabaseObserver {
  readonly #seconds: Histogram<'pool' | 'kind'>
  readonly #waits: Histogram<'pool'>
  readonly #errors: Counter<'pool'>
  readonly #registry: Registry

  constructor(registry: Registry) {
    const registers = [registry]
    this.#registry = registry
    this.#seconds = new Histogram({
      name: 'meshwork_database_seconds',
      help: 'Time of a statement or a transaction, without the wait for a connection.',
      labelNames: ['pool', 'kind'],
      buckets,
      registers,
    })
    this.#waits = new Histogram({
      name: 'meshwork_database_pool_wait_seconds',
      help: 'Time for which a connection was waited for.',
      labelNames: ['pool'],
      buckets,
      registers,
    })
    this.#errors = new Counter({
      name: 'meshwork_database_errors_total',
      help: 'Statements and transactions that failed.',
      labelNames: ['pool'],
      registers,
    })
  }

  waited(pool: PoolName, seconds: number): void {
    this.#waits.observe({ pool }, seconds)
  }

  took(pool: PoolName, kind: 'statement' | 'transaction', seconds: number, failed: boolean): void {
    this.#seconds.observe({ pool, kind }, seconds)
    if (failed) this.#errors.inc({ pool })
  }

  /** Connections are counted when they are asked for. */
  watch(database: Pick<Database, 'pools'>): void {
    const connections = new Gauge({
      name: 'meshwork_database_connections',
      help: 'Connections of this orchestrator by pool; waiting: requests without one.',
      labelNames: ['pool', 'state'],
      registers: [this.#registry],
      collect: () => {
        for (const { pool, size, idle, waiting } of database.pools()) {
          connections.set({ pool, state: 'used' }, size - idle)
          connections.set({ pool, state: 'idle' }, idle)
          connections.set({ pool, state: 'waiting' }, waiting)
        }
      },
    })
  }
}
