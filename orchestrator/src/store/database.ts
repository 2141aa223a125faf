// One SQL dialect, two homes: PostgreSQL, or PGlite in a folder.

import { PGlite, type Transaction } from '@electric-sql/pglite'
import pg from 'pg'
import { fillFromEmptyCluster } from './empty-cluster.ts'
import { lockFolder } from './folder-lock.ts'

export type SqlRow = Record<string, unknown>

export interface Sql {
  /**
   * `prepared` names a statement that each connection of PostgreSQL is to plan once. Only for one whose columns no
   * migration changes (no `*`): the plan of an old column list is refused.
   */
  query<T extends SqlRow = SqlRow>(text: string, values?: readonly unknown[], prepared?: string): Promise<T[]>
}

export interface Database extends Sql {
  readonly home: 'postgres' | 'pglite'
  /** For lists and events: never in the way of the walkers where there are connections to choose from. */
  readonly readers: Sql
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** What pg-boss connects with. */
  readonly boss: { readonly connectionString: string } | { readonly lite: PGlite }
  /** Connections by pool: how many there are, and who waits for one. */
  pools(): readonly {
    readonly pool: PoolName
    readonly size: number
    readonly idle: number
    readonly waiting: number
  }[]
  close(): Promise<void>
}

export type PoolName = 'walkers' | 'readers'

/** Told how long a connection was waited for, and how long a statement or a transaction took. */
export interface DatabaseObserver {
  waited(pool: PoolName, seconds: number): void
  took(pool: PoolName, what: 'statement' | 'transaction', seconds: number, failed: boolean): void
}

const unobserved: DatabaseObserver = { waited: () => {}, took: () => {} }

const walkersMax = 10
const readersMax = 4
const statementTimeoutMs = 30_000

export function openPostgres(
  url: string,
  onError: (error: Error) => void,
  observer: DatabaseObserver = unobserved,
): Database {
  const options = {
    connectionString: url,
    statement_timeout: statementTimeoutMs,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  }
  const pools = {
    // What walkers say is planned once, while the tables may be empty, and kept: never as a look at all rows. Where there
    // is no other way its cost is set so high that it would be compiled, which takes longer than any of it.
    walkers: new pg.Pool({
      ...options,
      max: walkersMax,
      application_name: 'meshwork walkers',
      options: '-c enable_seqscan=off -c jit=off',
    }),
    readers: new pg.Pool({ ...options, max: readersMax, application_name: 'meshwork readers' }),
  }
  // The end of a pool does not wait for its connections; what those say afterwards is no news.
  let closing = false
  const onLost = (error: Error) => {
    if (!closing) onError(error)
  }
  for (const pool of Object.values(pools)) {
    // Each connection is listened to for as long as it lives. The pool itself listens to idle ones only, and between
    // its handing one over and our taking it, the server may already have ended it: that would end the process.
    pool.on('connect', client => client.on('error', onLost))
    pool.on('error', () => {})
  }
  const over = (client: pg.PoolClient): Sql => ({
    query: async (text, values, prepared) =>
      (await client.query({ text, values: values as unknown[], ...(prepared !== undefined && { name: prepared }) }))
        .rows as never,
  })
  const withClient = async <T>(name: PoolName, what: 'statement' | 'transaction', work: (sql: Sql) => Promise<T>) => {
    const asked = performance.now()
    const client = await pools[name].connect()
    observer.waited(name, since(asked))
    try {
      return await observed(observer, name, what, async () => await work(over(client)))
    } finally {
      client.release()
    }
  }
  const statements = (name: PoolName): Sql => ({
    query: async (...statement) => await withClient(name, 'statement', async sql => await sql.query(...statement)),
  })
  return {
    home: 'postgres',
    ...statements('walkers'),
    readers: statements('readers'),
    boss: { connectionString: url },
    transaction: async work =>
      await withClient('walkers', 'transaction', async sql => {
        try {
          await sql.query('BEGIN')
          const result = await work(sql)
          await sql.query('COMMIT')
          return result
        } catch (error) {
          await sql.query('ROLLBACK').catch(() => {})
          throw error
        }
      }),
    pools: () =>
      Object.entries(pools).map(([name, { totalCount, idleCount, waitingCount }]) => ({
        pool: name as PoolName,
        size: totalCount,
        idle: idleCount,
        waiting: waitingCount,
      })),
    close: async () => {
      closing = true
      await Promise.all(Object.values(pools).map(async pool => await pool.end()))
    },
  }
}

/** Opens the database in a folder; throws when another process has it open. It has one connection, so none is waited for. */
export async function openFolder(folder: string, observer: DatabaseObserver = unobserved): Promise<Database> {
  const unlock = await lockFolder(folder)
  const create = async (): Promise<PGlite> => {
    await fillFromEmptyCluster(folder)
    return await PGlite.create(folder)
  }
  const lite = await create().catch(async (error: unknown) => {
    await unlock()
    throw error
  })
  const over = (connection: PGlite | Transaction): Sql => ({
    query: async (text, values) => (await connection.query(text, values as unknown[] | undefined)).rows as never,
  })
  const statements = (name: PoolName): Sql => ({
    query: async (text, values) =>
      (await observed(observer, name, 'statement', async () => await over(lite).query(text, values))) as never,
  })
  return {
    home: 'pglite',
    ...statements('walkers'),
    readers: statements('readers'),
    boss: { lite },
    transaction: async work =>
      (await observed(
        observer,
        'walkers',
        'transaction',
        async () => await lite.transaction(async connection => await work(over(connection))),
      )) as never,
    pools: () => [],
    close: async () => {
      await lite.close()
      await unlock()
    },
  }
}

const since = (from: number): number => (performance.now() - from) / 1000

async function observed<T>(
  observer: DatabaseObserver,
  pool: PoolName,
  what: 'statement' | 'transaction',
  work: () => Promise<T>,
): Promise<T> {
  const began = performance.now()
  let failed = true
  try {
    const result = await work()
    failed = false
    return result
  } finally {
    observer.took(pool, what, since(began), failed)
  }
}
