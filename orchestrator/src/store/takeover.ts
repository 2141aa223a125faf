// Taking up the runs of an orchestrator that has died, faster than its leases end. Each one holds an advisory lock of
// PostgreSQL on a connection of its own; the lock goes when the connection does, so PostgreSQL says who is alive.

import type { Logger } from 'pino'
import pg from 'pg'
import type { Runs } from './runs.ts'

export interface Remains {
  /** Orchestrators that have something there, but for this one. */
  parties(): Promise<readonly string[]>
  clear(orchestrator: string): Promise<void>
}

export interface TakeoverOptions {
  readonly url: string
  readonly me: string
  readonly runs: Runs
  /** What else an orchestrator that has died may have left. */
  readonly remains: readonly Remains[]
  readonly log: Logger
  /** Called when runs were taken over. */
  readonly taken: () => void
}

/** Of the locks that say who is alive. */
export const lockSpace = 7_202_612
const lookMs = 500
const reconnectMs = 1000

export class Takeover {
  readonly #options: TakeoverOptions
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: TakeoverOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    await this.#connect()
    this.#again(lookMs)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#client?.end().catch(() => {})
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      keepAlive: true,
      application_name: 'meshwork alive',
    })
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined
    })
    await client.connect()
    await client.query('SELECT pg_advisory_lock($1, hashtext($2))', [lockSpace, this.#options.me])
    this.#client = client
  }

  #again(ms: number): void {
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), ms)
  }

  async #look(): Promise<void> {
    try {
      if (!this.#client) await this.#connect()
      const { runs, remains, me } = this.#options
      const owners = new Set(await runs.otherOwners(me))
      for (const left of remains) for (const party of await left.parties()) owners.add(party)
      for (const owner of owners) await this.#takeFrom(owner)
      this.#again(lookMs)
    } catch (error) {
      this.#options.log.warn({ err: error }, 'could not look for orchestrators that have died')
      this.#again(reconnectMs)
    }
  }

  async #takeFrom(owner: string): Promise<void> {
    const client = this.#client
    if (!client) return
    const { rows } = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1, hashtext($2)) AS got', [
      lockSpace,
      owner,
    ])
    if (!rows[0]?.got) return
    try {
      for (const left of this.#options.remains) await left.clear(owner)
      const jobs = await this.#options.runs.activeJobs(owner)
      if (jobs.length === 0) return
      await this.#options.runs.giveBack(jobs)
      this.#options.log.info({ owner, runs: jobs.length }, 'took over runs of an orchestrator that has died')
      this.#options.taken()
    } finally {
      await client.query('SELECT pg_advisory_unlock($1, hashtext($2))', [lockSpace, owner])
    }
  }
}
