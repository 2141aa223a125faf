// Datasets as SQL: what a stage reads with, and writes new datasets with.
//
// Invariants
//  T1 A select given for a part must give that part's rows in their order when it makes a column group. Projections,
//     filters outside, CASE, casts and scalar sub-queries do; aggregates, DISTINCT, joins and partitioned windows do
//     not, unless they end in an ORDER BY that restores it. The count is checked here, the order is the stage's duty.
//  T2 Bytes depend on the select and the data only, so equal work has equal hashes.
//  T3 What was written is durable and in the store before its reference is answered.

import { randomUUID } from 'node:crypto'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  canonicalJson,
  type Column,
  type ColumnGroup,
  type DatasetManifest,
  type DatasetPart,
  type DatasetRef,
} from '@meshwork/contracts'
import { castList, columnsOfSelect, duckType } from './column-type.ts'
import { type CheckedExpression, checkExpression } from './expression/check.ts'
import { emptySource, Dataset, type PartSource } from './dataset.ts'
import { type ColumnValues, Feed } from './feed.ts'
import { manifestOf, project, readManifest, withGroups, writeManifest } from './manifest.ts'
import type { Resources } from './resources.ts'
import { type Row, Session } from './session.ts'
import { identList, text } from './sql.ts'
import type { ArtefactStore } from './store.ts'

export interface OpenTables {
  readonly datasets: readonly DatasetRef[]
  readonly store: ArtefactStore
  /** Folder that exists and is removed by the caller. */
  readonly scratch: string
  readonly resources: Resources
  readonly signal?: AbortSignal
  /** Further files that may be read, by full path. */
  readonly files?: readonly string[]
  readonly threads?: number
}

export interface AddColumnsOptions {
  /** Columns of the input that stay; all by default. */
  readonly keep?: readonly string[]
  readonly written?: (part: PartSource) => void
}

export const partRowsDefault = 262_144
const memoryShare = 0.4
const memoryBytesMax = 700e6
const rowGroupRowsDefault = 122_880
const parquetOf = (rowGroupRows: number) =>
  `FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2, ROW_GROUP_SIZE ${rowGroupRows}`
const parquet = parquetOf(rowGroupRowsDefault)

export async function openTables(options: OpenTables): Promise<Tables> {
  const manifests = new Map<string, DatasetManifest>()
  for (const { hash } of options.datasets) manifests.set(hash, await readManifest(options.store, hash))
  const files = new Map<string, string>()
  for (const manifest of manifests.values())
    for (const { groups } of manifest.parts)
      for (const { hash } of groups) files.set(hash, await options.store.localPath(hash))
  const session = await Session.open({
    files: [...files.values(), ...(options.files ?? [])],
    scratch: options.scratch,
    lanes: options.resources.cpus,
    memoryBytes: Math.min(memoryBytesMax, options.resources.memoryBytes * memoryShare),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  return new Tables(session, options.store, options.scratch, manifests, files)
}

export class Tables {
  readonly session: Session
  readonly #store: ArtefactStore
  readonly #scratch: string
  readonly #manifests: Map<string, DatasetManifest>
  readonly #files: Map<string, string>

  constructor(
    session: Session,
    store: ArtefactStore,
    scratch: string,
    manifests: Map<string, DatasetManifest>,
    files: Map<string, string>,
  ) {
    this.session = session
    this.#store = store
    this.#scratch = scratch
    this.#manifests = manifests
    this.#files = files
  }

  /** A dataset that the session was opened with, or that it wrote. */
  dataset(ref: Pick<DatasetRef, 'hash'>): Dataset {
    const manifest = this.#manifests.get(ref.hash)
    if (!manifest) throw new Error(`dataset ${ref.hash} was not opened`)
    return new Dataset(manifest, hash => this.#files.get(hash) as string)
  }

  async query(sql: string, lane = 0): Promise<Row[]> {
    return await this.session.query(sql, lane)
  }

  /** Checks a user's expression against columns; answers SQL to put into a select, in parentheses. */
  async expression(source: string, where: string, columns: readonly Column[]): Promise<CheckedExpression> {
    return await checkExpression(this.session, source, where, columns)
  }

  /**
   * The dataset with new columns beside its own, written as one column group; nothing else is copied.
   * `select` gives the new columns for a part (see T1). `keep` names the columns of the input that stay.
   */
  async addColumns(
    dataset: Dataset,
    select: (part: PartSource) => string,
    options: AddColumnsOptions = {},
  ): Promise<DatasetRef> {
    const columns = await this.#columnsOf(select(dataset.parts[0] ?? emptySource(dataset.columns)))
    return await this.#addGroup(dataset, columns, async part => select(part), options)
  }

  /**
   * The same, with values that are computed here: `produce` gives those of a part, one array for each column, in the
   * order of its rows. Parts are produced side by side, one for each lane, whose connection is free meanwhile.
   */
  async addColumnsFrom(
    dataset: Dataset,
    columns: readonly Column[],
    produce: (part: PartSource, lane: number) => Promise<readonly ColumnValues[]>,
    options: AddColumnsOptions = {},
  ): Promise<DatasetRef> {
    const feeds = new Map<number, Feed>()
    const name = `values_${randomUUID().replaceAll('-', '')}`
    const select = async (part: PartSource, lane: number) => {
      const values = await produce(part, lane)
      const feed = feeds.get(lane) ?? new Feed(this.session.connection(lane), `${name}_${lane}`, columns)
      feeds.set(lane, feed)
      feed.values = values
      return `SELECT * FROM ${feed.from}`
    }
    return await this.#addGroup(dataset, columns, select, options)
  }

  async #addGroup(
    dataset: Dataset,
    columns: readonly Column[],
    select: (part: PartSource, lane: number) => Promise<string>,
    options: AddColumnsOptions,
  ): Promise<DatasetRef> {
    const kept = options.keep === undefined ? dataset.manifest : project(dataset.manifest, options.keep)
    const merged = columnsOfSelect(
      [...kept.columns, ...columns].map(({ name, type }) => ({ name, type: duckType(type) })),
    )
    const groups = await this.session.each(dataset.parts, async (part, lane) => {
      const written = await this.#write(await select(part, lane), columns, lane)
      if (written.rows !== part.rows)
        throw new Error(`a column group of ${written.rows} rows for a part of ${part.rows}`)
      options.written?.(part)
      return written.group
    })
    if (kept.columns.length === 0) {
      return await this.#finish(
        manifestOf(
          columns,
          groups.map((group, i) => ({ rows: dataset.parts[i]?.rows ?? 0, groups: [group] })),
        ),
      )
    }
    return await this.#finish({ ...withGroups(kept, columns, groups), columns: merged })
  }

  /** A dataset of which only these columns are left, in this order. Copies nothing. */
  async project(dataset: Dataset, names: readonly string[]): Promise<DatasetRef> {
    return await this.#finish(project(dataset.manifest, names))
  }

  /**
   * A new dataset with one part for each part, in their order; a part that becomes empty is left out. A part for which
   * `unchanged` is true is one that the select would give as it is: it is taken over where it is one file.
   */
  async rewrite(
    dataset: Dataset,
    select: (part: PartSource) => string,
    options: { unchanged?: (part: PartSource) => boolean; written?: (part: PartSource, rows: number) => void } = {},
  ): Promise<DatasetRef> {
    const columns = await this.#columnsOf(select(dataset.parts[0] ?? emptySource(dataset.columns)))
    const written = await this.session.each(dataset.parts, async (part, lane) => {
      const old = dataset.manifest.parts[part.index]
      const whole = old?.groups.length === 1 && canonicalJson(old.groups[0]?.columns) === canonicalJson(columns)
      const reused = whole && options.unchanged?.(part) === true
      const now = reused ? old : partOf(await this.#write(select(part), columns, lane))
      options.written?.(part, now.rows)
      return now
    })
    return await this.#finish(
      manifestOf(
        columns,
        written.filter(({ rows }) => rows > 0),
      ),
    )
  }

  /** A new dataset from any select, in its order, cut into parts of exactly `partRows` rows (the last may be smaller). */
  async create(select: string, options: { partRows?: number } = {}): Promise<DatasetRef> {
    const columns = await this.#columnsOf(select)
    const partRows = options.partRows ?? partRowsDefault
    const whole = await this.#writeFile(select, columns, 0)
    if (whole.rows === 0) return await this.#finish(manifestOf(columns, []))
    if (whole.rows <= partRows)
      return await this.#finish(manifestOf(columns, [partOf(await this.#adopt(whole, columns))]))
    const starts = Array.from({ length: Math.ceil(whole.rows / partRows) }, (_, i) => i * partRows)
    const parts = await this.session.each(starts, async (start, lane) => {
      const names = identList(columns.map(({ name }) => name))
      const range = `file_row_number >= ${start} AND file_row_number < ${start + partRows}`
      const cut = `SELECT ${names} FROM read_parquet(${text(whole.path)}, file_row_number = true) WHERE ${range}`
      return partOf(await this.#write(cut, columns, lane))
    })
    await rm(whole.path)
    return await this.#finish(manifestOf(columns, parts))
  }

  /**
   * A new dataset with one part for each select, in their order; the selects run side by side and none may be empty.
   * None gives more than `partRows` rows: a part is one row group, so that its bytes depend on its rows alone, and not
   * on the pieces in which they were read.
   */
  async assemble(
    columns: readonly Column[],
    selects: readonly string[],
    partRows: number,
    onRows: (rows: number) => void = () => {},
  ): Promise<DatasetRef> {
    let rows = 0
    const parts = await this.session.each(selects, async (select, lane) => {
      const part = partOf(await this.#write(select, columns, lane, partRows))
      onRows((rows += part.rows))
      return part
    })
    return await this.#finish(manifestOf(columns, parts))
  }

  /** Writes a dataset to one local file inside the scratch folder. */
  async exportTo(dataset: Dataset, path: string, format: 'csv' | 'parquet' | 'json' | 'ndjson'): Promise<void> {
    const how = {
      csv: 'FORMAT csv, HEADER true',
      parquet,
      json: 'FORMAT json, ARRAY true',
      ndjson: 'FORMAT json, ARRAY false',
    }[format]
    await this.session.run(`COPY (SELECT * FROM ${dataset.from()}) TO ${text(path)} (${how})`)
  }

  close(): void {
    this.session.close()
  }

  async #columnsOf(select: string): Promise<Column[]> {
    return columnsOfSelect(await this.session.describe(select))
  }

  async #write(select: string, columns: readonly Column[], lane: number, rowGroupRows?: number): Promise<Written> {
    return await this.#adopt(await this.#writeFile(select, columns, lane, rowGroupRows), columns)
  }

  async #writeFile(
    select: string,
    columns: readonly Column[],
    lane: number,
    rowGroupRows = rowGroupRowsDefault,
  ): Promise<{ path: string; rows: number }> {
    const folder = join(this.#scratch, 'written')
    await mkdir(folder, { recursive: true })
    const path = join(folder, `${randomUUID()}.parquet`)
    const copy = `COPY (SELECT ${castList(columns)} FROM (${select})) TO ${text(path)} (${parquetOf(rowGroupRows)})`
    const result = await this.session.guard(() => this.session.connection(lane).runAndReadAll(copy))
    return { path, rows: Number(result.getRows()[0]?.[0] ?? 0) }
  }

  async #adopt(file: { path: string; rows: number }, columns: readonly Column[]): Promise<Written> {
    const { hash, bytes } = await this.#store.adopt(file.path)
    this.#files.set(
      hash,
      (await stat(file.path).catch(() => undefined)) ? file.path : await this.#store.localPath(hash),
    )
    return { rows: file.rows, group: { hash, bytes, columns: [...columns] } }
  }

  async #finish(manifest: DatasetManifest): Promise<DatasetRef> {
    const ref = await writeManifest(this.#store, manifest)
    this.#manifests.set(ref.hash, manifest)
    return ref
  }
}

interface Written {
  readonly rows: number
  readonly group: ColumnGroup
}

const partOf = ({ rows, group }: Written): DatasetPart => ({ rows, groups: [group] })
