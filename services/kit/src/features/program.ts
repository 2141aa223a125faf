// Fitted features over records that come one request at a time: checked and prepared once, in a session that stays open.
// The SQL is that of the stage, so that what comes out is equal to the bit.

import { type Column, type FittedFeatures, MeshError } from '@meshwork/contracts'
import type { DuckDBConnection } from '@duckdb/node-api'
import { castList, duckType } from '../data/column-type.ts'
import { checkExpression } from '../data/expression/check.ts'
import { Session } from '../data/session.ts'
import { ident } from '../data/sql.ts'
import { feature, type FeatureRows, type FeatureTables, type Output, placeOf } from './feature.ts'
import { nameGuilty } from './guilty.ts'
import { nest, wholeOf } from './nest.ts'
import { resolve } from './resolve.ts'

/** The cells of a record as text, in the order of the columns; DuckDB casts them. */
export type Cells = readonly (string | null)[]

export interface FeatureProgramOptions {
  /** What a record has. */
  readonly columns: readonly Column[]
  readonly fitted: FittedFeatures | undefined
  /** For what does not fit into memory. */
  readonly scratch: string
  readonly memoryBytes: number
}

/** Result of a select, a chunk at a time, as DuckDB's client gives it. */
export type Chunks = Awaited<ReturnType<DuckDBConnection['stream']>>

const table = 'records'

export class FeatureProgram {
  /** Columns of the records, and those that are made of them. */
  readonly columns: readonly Column[]
  /** Why some features could not be made; those that nobody asks for are not missed. */
  readonly left: unknown
  readonly #session: Session
  readonly #given: readonly Column[]
  readonly #outputs: readonly Output[]

  private constructor(session: Session, given: readonly Column[], outputs: readonly Output[], left: unknown) {
    this.#session = session
    this.#given = given
    this.#outputs = outputs
    this.left = left
    this.columns = [...given, ...outputs.map(({ column }) => column)]
  }

  /** Throws a ProblemError for features that do not fit the columns. */
  static async open({ columns, fitted, scratch, memoryBytes }: FeatureProgramOptions): Promise<FeatureProgram> {
    const session = await Session.open({ files: [], scratch, lanes: 1, memoryBytes })
    try {
      await session.run(`CREATE TABLE ${table} (${columns.map((_, i) => `c${i} VARCHAR`).join(', ')})`)
      const all = (fitted?.columns ?? []).map(feature)
      const alone = all.filter(({ spec }) => spec.kind !== 'rolling')
      let left: unknown =
        alone.length === all.length
          ? undefined
          : new MeshError('MESHWORK_FEATURES_EARLIER_ROWS', {
              where: placeOf(all.find(({ spec }) => spec.kind === 'rolling')?.name ?? ''),
            })
      const rows = rowsOf(columns, 0)
      const leave = (error: unknown) => {
        left ??= error
      }
      const { outputs } = await resolve(tablesOf(session), rows, alone, { step: () => {}, leave })
      return new FeatureProgram(session, columns, outputs, left)
    } catch (error) {
      session.close()
      throw error
    }
  }

  /** Gives `read` the rows of a select over columns of the program, in the order of the records. Not twice at a time. */
  async select<T>(
    records: readonly Cells[],
    { names, list }: { readonly names: readonly string[]; readonly list: string },
    read: (chunks: Chunks) => Promise<T>,
  ): Promise<T> {
    const session = this.#session
    const rows = rowsOf(this.#given, records.length)
    try {
      await this.#fill(records)
      const sql = `SELECT ${list} FROM (${nest(wholeOf(rows), this.#outputs, names)})`
      return await session.guard(async () => await read(await session.connection().stream(sql)))
    } catch (error) {
      throw (await this.#misfit()) ?? (await nameGuilty(tablesOf(session), rows, this.#outputs, error))
    } finally {
      await session.run(`DELETE FROM ${table}`)
    }
  }

  close(): void {
    this.#session.close()
  }

  async #fill(records: readonly Cells[]): Promise<void> {
    await this.#session.guard(async () => {
      const appender = await this.#session.connection().createAppender(table)
      for (const cells of records) {
        for (const cell of cells)
          if (cell === null) appender.appendNull()
          else appender.appendVarchar(cell)
        appender.endRow()
      }
      appender.closeSync()
    })
  }

  /** The first cell that is no value of its column. */
  async #misfit(): Promise<MeshError | undefined> {
    for (const [i, { name, type }] of this.#given.entries()) {
      const bad = `c${i} IS NOT NULL AND TRY_CAST(c${i} AS ${duckType(type)}) IS NULL`
      const [row] = await this.#session.query(
        `SELECT n, c${i} AS cell FROM (SELECT *, row_number() OVER () - 1 AS n FROM ${table}) WHERE ${bad} LIMIT 1`,
      )
      if (row === undefined) continue
      const cell = String(row['cell']).slice(0, 40)
      return new MeshError('MESHWORK_RECORD_INVALID', {
        record: Number(row['n']),
        reason: `"${cell}" is not a ${type}, which column "${name}" has`,
      })
    }
    return undefined
  }
}

function rowsOf(columns: readonly Column[], rows: number): FeatureRows {
  const named = columns.map(({ name }, i) => `c${i} AS ${ident(name)}`).join(', ')
  return {
    columns,
    rows,
    from: (names = columns.map(({ name }) => name)) => {
      const wanted = columns.filter(({ name }) => names.includes(name))
      return `(SELECT ${wanted.length === 0 ? '1' : castList(wanted)} FROM (SELECT ${named} FROM ${table}))`
    },
  }
}

const tablesOf = (session: Session): FeatureTables => ({
  session,
  query: async (sql, lane) => await session.query(sql, lane),
  expression: async (source, where, columns) => await checkExpression(session, source, where, columns),
})
