// One DuckDB instance for one call of a stage, bounded and locked before the first statement of the call runs.
//
// It has one thread, so that row order and bytes are the same every time (more threads reorder joins and groups);
// work goes side by side over `lanes`: connections that each take a part. From outside it can read the files it
// was opened with and read and write its own scratch folder, nothing else, and no setting can be changed.

import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { duckFailure } from './duck-failure.ts'
import { text } from './sql.ts'

export interface SessionOptions {
  /** Files that may be read, by full path. */
  readonly files: readonly string[]
  /** Folder that may be read and written; spilled data goes there too. */
  readonly scratch: string
  readonly lanes: number
  readonly memoryBytes: number
  /** More than one only for statements whose result does not depend on it (reading a file from end to end). */
  readonly threads?: number
  readonly signal?: AbortSignal
}

export type Row = Record<string, unknown>

const spillBytesMax = '64GB'
const rowsMax = 1_000_000
const interruptEveryMs = 20

export class Session {
  readonly lanes: number
  readonly #instance: DuckDBInstance
  readonly #connections: readonly DuckDBConnection[]
  readonly #stop: () => void
  readonly #scratch: string
  readonly #signal: AbortSignal | undefined
  #running = 0
  #closed = false

  private constructor(instance: DuckDBInstance, connections: readonly DuckDBConnection[], options: SessionOptions) {
    const { scratch, signal } = options
    this.#scratch = scratch
    this.lanes = connections.length
    this.#instance = instance
    this.#connections = connections
    this.#signal = signal
    this.#stop = () => this.#interruptUntilIdle()
    signal?.addEventListener('abort', this.#stop)
  }

  static async open(options: SessionOptions): Promise<Session> {
    options.signal?.throwIfAborted()
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(options.threads ?? 1),
      memory_limit: `${Math.floor(options.memoryBytes / 1e6)}MB`,
      temp_directory: join(options.scratch, 'spill'),
      max_temp_directory_size: spillBytesMax,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false',
      preserve_insertion_order: 'true',
    })
    const connections: DuckDBConnection[] = []
    for (let i = 0; i < options.lanes; i++) connections.push(await instance.connect())
    const [first] = connections
    if (!first) throw new RangeError('a session has at least one lane')
    const paths = options.files.map(text).join(', ')
    await first.run(`
      SET allowed_paths = [${paths}];
      SET allowed_directories = [${text(join(options.scratch, '/'))}];
      SET max_expression_depth = 200;
      SET TimeZone = 'UTC';
      SET errors_as_json = true;
      SET enable_external_access = false;
      SET lock_configuration = true;`)
    return new Session(instance, connections, options)
  }

  /** The connection of a lane. What goes through it directly must be wrapped in `guard`. */
  connection(lane = 0): DuckDBConnection {
    const connection = this.#connections[lane]
    if (!connection) throw new RangeError(`lane ${lane} of ${this.lanes}`)
    return connection
  }

  async run(sql: string, lane = 0): Promise<void> {
    await this.guard(() => this.connection(lane).run(sql))
  }

  /**
   * The rows of a small result, at most 1,000,000. Integers that JavaScript holds exactly are numbers, larger ones
   * strings; times are ISO strings; binary is base64.
   */
  async query(sql: string, lane = 0): Promise<Row[]> {
    const reader = await this.guard(() => this.connection(lane).streamAndReadUntil(sql, rowsMax + 1))
    if (reader.currentRowCount > rowsMax) throw new RangeError(`a result of more than ${rowsMax} rows`)
    return reader.getRowObjectsJson().map(plainRow(reader.columnNames(), reader.columnTypes().map(String)))
  }

  /** Name and DuckDB type of each column that a select gives; binds it without running it. */
  async describe(select: string, lane = 0): Promise<{ name: string; type: string }[]> {
    const prepared = await this.guard(() => this.connection(lane).prepare(select))
    try {
      return Array.from({ length: prepared.columnCount }, (_, i) => ({
        name: prepared.columnName(i),
        type: String(prepared.columnType(i)),
      }))
    } finally {
      prepared.destroySync()
    }
  }

  /** Runs `work` for every item, on as many lanes as there are, in the order of the items. */
  async each<T, R>(items: readonly T[], work: (item: T, lane: number, index: number) => Promise<R>): Promise<R[]> {
    const results: R[] = []
    let next = 0
    let failed = false
    const lane = async (number: number): Promise<void> => {
      while (next < items.length && !failed) {
        const index = next++
        try {
          results[index] = await work(items[index] as T, number, index)
        } catch (error) {
          failed = true
          throw error
        }
      }
    }
    const outcomes = await Promise.allSettled(Array.from({ length: this.lanes }, (_, i) => lane(i)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    return results
  }

  /** Turns DuckDB's errors into problems, and an interrupt into the reason of the signal. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted()
    this.#running++
    try {
      return await work()
    } catch (error) {
      this.#signal?.throwIfAborted()
      throw duckFailure(error, this.#scratch)
    } finally {
      this.#running--
    }
  }

  /** An interrupt that comes before its statement has begun is lost, so it is given again until nothing runs. */
  #interruptUntilIdle(): void {
    if (this.#closed || this.#running === 0) return
    for (const connection of this.#connections) connection.interrupt()
    setTimeout(() => this.#interruptUntilIdle(), interruptEveryMs)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#signal?.removeEventListener('abort', this.#stop)
    for (const connection of this.#connections) connection.closeSync()
    this.#instance.closeSync()
  }
}

const bigTypes = /^(BIGINT|UBIGINT|HUGEINT|UHUGEINT)$/
const floatTypes = /^(FLOAT|DOUBLE|DECIMAL)/

function plainRow(names: readonly string[], types: readonly string[]) {
  return (row: Row): Row => {
    const plain: Row = {}
    names.forEach((name, i) => {
      const value = row[name]
      const type = types[i] ?? ''
      const number = typeof value === 'string' && (bigTypes.test(type) || floatTypes.test(type))
      plain[name] = !number
        ? value
        : bigTypes.test(type) && !Number.isSafeInteger(Number(value))
          ? value
          : Number(value)
    })
    return plain
  }
}
