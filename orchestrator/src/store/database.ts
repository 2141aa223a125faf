// One SQL dialect, two homes: PostgreSQL, or PGlite in a folder.

import { PGlite, type Transaction } from '@electric-sql/pglite'
import pg from 'pg'
import { lockFolder } from './folder-lock.ts'

export type SqlRow = Record<string, unknown>

export interface Sql {
  query<T extends SqlRow = SqlRow>(text: string, values?: readonly unknown[]): Promise<T[]>
}

export interface Database extends Sql {
  readonly home: 'postgres' | 'pglite'
  /** For lists and events: never in the way of the walkers where there are connections to choose from. */
  readonly readers: Sql
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** What pg-boss connects with. */
  readonly boss: { readonly connectionString: string } | { readonly lite: PGlite }
  close(): Promise<void>
}

const walkersMax = 10
const readersMax = 4
const statementTimeoutMs = 30_000

export function openPostgres(url: string, onError: (error: Error) => void): Database {
  const options = {
    connectionString: url,
    statement_timeout: statementTimeoutMs,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  }
  const walkers = new pg.Pool({ ...options, max: walkersMax, application_name: 'meshwork walkers' })
  const readers = new pg.Pool({ ...options, max: readersMax, application_name: 'meshwork readers' })
  // The end of a pool does not wait for its connections; what those say afterwards is no news.
  let closing = false
  const onPoolError = (error: Error) => {
    if (!closing) onError(error)
  }
  walkers.on('error', onPoolError)
  readers.on('error', onPoolError)
  const over = (pool: pg.Pool | pg.PoolClient): Sql => ({
    query: async (text, values) => (await pool.query(text, values as unknown[] | undefined)).rows as never,
  })
  return {
    home: 'postgres',
    ...over(walkers),
    readers: over(readers),
    boss: { connectionString: url },
    transaction: async work => {
      const client = await walkers.connect()
      // The pool listens to idle connections only: without us the loss of this one would end the process.
      client.on('error', onPoolError)
      try {
        await client.query('BEGIN')
        const result = await work(over(client))
        await client.query('COMMIT')
        return result
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {})
        throw error
      } finally {
        client.off('error', onPoolError)
        client.release()
      }
    },
    close: async () => {
      closing = true
      await Promise.all([walkers.end(), readers.end()])
    },
  }
}

/** Opens the database in a folder; throws when another process has it open. */
export async function openFolder(folder: string): Promise<Database> {
  const unlock = await lockFolder(folder)
  const lite = await PGlite.create(folder).catch(async (error: unknown) => {
    await unlock()
    throw error
  })
  const over = (connection: PGlite | Transaction): Sql => ({
    query: async (text, values) => (await connection.query(text, values as unknown[] | undefined)).rows as never,
  })
  const sql = over(lite)
  return {
    home: 'pglite',
    ...sql,
    readers: sql,
    boss: { lite },
    transaction: async work => (await lite.transaction(async connection => await work(over(connection)))) as never,
    close: async () => {
      await lite.close()
      await unlock()
    },
  }
}
