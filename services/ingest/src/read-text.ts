// CSV, JSON and NDJSON: read as text, typed strictly, what does not fit set aside.

import { join } from 'node:path'
import { datasetColumnsMax, MeshError, type DatasetRef } from '@meshwork/contracts'
import { text } from '@meshwork/kit'
import { chooseColumns, type Chosen, type Field } from './column/choose.ts'
import { columnNames } from './column/names.ts'
import { longLine } from './csv/line-length.ts'
import { countRows } from './csv/locate.ts'
import type { CsvInspection, JsonInspection } from './inspect.ts'
import { type Job, partProgress, type Result } from './job.ts'
import { fieldsOf } from './json/sample.ts'
import { isMixedLines, readable } from './readable.ts'
import { writeUnixLines } from './source/plain.ts'
import { cutFile } from './table/parts.ts'
import * as rejects from './table/rejects.ts'
import {
  csvRelation,
  jsonElements,
  jsonRelation,
  ndjsonLines,
  recordBytesMax,
  type Relation,
} from './table/relation.ts'
import { copy, type Staged, stageFile } from './table/staged.ts'
import { plainFormats } from './table/typed.ts'

const rejectsExtra = 1000
const lateSampleMax = 2000

export async function readText(job: Job, inspection: CsvInspection | JsonInspection): Promise<Result> {
  const { input, context, reader } = job
  if (inspection.format !== 'json') await checkLines(job)
  const scan = new Scan(job, inspection)
  const keys = inspection.format === 'csv' ? undefined : await readable(job.file, () => allKeys(job, scan, inspection))
  const named = keys === undefined ? { fields: inspection.fields, warnings: [] } : nameFields(keys)
  scan.keys = (keys?.length === 0 ? input.schema : keys)?.map(({ name }) => name) ?? []
  if (named.fields.length === 0 && input.schema === undefined)
    throw new MeshError('MESHWORK_INGEST_EMPTY', { source: job.file.name })
  const columns = chooseColumns(named.fields.length === 0 ? (input.schema ?? []) : named.fields, {
    schema: input.schema,
    columns: input.columns,
    named: inspection.format !== 'csv' || inspection.header,
    source: job.file.name,
  })
  const formats = inspection.format === 'csv' ? inspection.dialect : plainFormats
  const stage = async () =>
    await readable(job.file, () =>
      stageFile({ tables: reader, scratch: context.scratch, relation: () => scan.relation(), columns, formats }),
    )
  let staged: Staged
  const warnings = [...inspection.warnings, ...named.warnings]
  try {
    staged = await stage()
  } catch (error) {
    if (inspection.format === 'json' || !isMixedLines(error)) throw error
    await scan.unifyLines()
    warnings.push('Lines end in different ways; byte offsets of rejects count every line end as one byte.')
    staged = await stage()
  }
  context.progress(0.65, { rows: staged.rows, message: 'read' })
  const rejected = await setAside(job, scan, staged)
  return { dataset: await write(job, staged), ...rejected, warnings: [...warnings, ...staged.warnings] }
}

/** The scans of one file. DuckDB notes what it refuses in a table of its own for each. */
class Scan {
  readonly inspection: CsvInspection | JsonInspection
  readonly rejectsMax: number
  readonly #job: Job
  keys: readonly string[] = []
  path: string
  #scans = 0

  constructor(job: Job, inspection: CsvInspection | JsonInspection) {
    this.#job = job
    this.inspection = inspection
    this.path = job.file.path
    this.rejectsMax = job.maxRejects + rejectsExtra
  }

  /** The table of the last scan. */
  get rejectsTable(): string {
    return `rejects_${this.#scans}`
  }

  relation(): Relation {
    const { inspection } = this
    if (inspection.format !== 'csv') return jsonRelation(this.records(), this.keys)
    const { dialect, header, fields } = inspection
    return csvRelation({ ...this.#fresh(), width: fields.length, header, dialect })
  }

  /** JSON texts of the records, in a column `record`. */
  records(): string {
    return this.inspection.format === 'json' ? jsonElements(this.path) : ndjsonLines(this.#fresh())
  }

  async unifyLines(): Promise<void> {
    const to = join(this.#job.context.scratch, 'lines')
    await writeUnixLines(this.path, to, this.#job.context.signal)
    this.path = to
  }

  #fresh() {
    this.#scans++
    return { path: this.path, rejectsTable: this.rejectsTable, rejectsMax: this.rejectsMax }
  }
}

/** Fields of all records: those of the first ones in their order, then what later ones have, by name. */
async function allKeys(job: Job, scan: Scan, inspection: JsonInspection): Promise<Field[]> {
  const rows = await job.reader.query(
    `SELECT DISTINCT unnest(TRY(json_keys(record))) AS key FROM ${scan.records()} LIMIT ${datasetColumnsMax + 1}`,
  )
  const known = new Set(inspection.fields.map(({ name }) => name))
  const late = rows.map(row => row['key'] as string).filter(key => !known.has(key))
  const count = known.size + late.length
  if (count > datasetColumnsMax)
    throw new MeshError('MESHWORK_DATASET_COLUMNS', { columns: count, max: datasetColumnsMax })
  if (late.length === 0) return [...inspection.fields]
  const has = late.map(key => `list_contains(TRY(json_keys(record)), ${text(key)})`).join(' OR ')
  const sample = await job.reader.query(`SELECT record FROM ${scan.records()} WHERE ${has} LIMIT ${lateSampleMax}`)
  const types = new Map(fieldsOf(sample.map(row => row['record'] as string)).map(({ name, type }) => [name, type]))
  return [...inspection.fields, ...late.sort().map(name => ({ name, type: types.get(name) ?? ('string' as const) }))]
}

function nameFields(fields: readonly Field[]): { fields: Field[]; warnings: string[] } {
  const { names, warnings } = columnNames(fields.map(({ name }) => name))
  return { fields: fields.map((field, i) => ({ ...field, name: names[i] as string })), warnings }
}

async function setAside(
  job: Job,
  scan: Scan,
  staged: Staged,
): Promise<{ rejects: DatasetRef | null; rejected: number }> {
  const { reader, writer, context, maxRejects, file } = job
  const { inspection } = scan
  const noted =
    inspection.format === 'json'
      ? { refused: [], total: 0, complete: true }
      : await rejects.readRefused(reader, scan.rejectsTable, maxRejects + 1, scan.rejectsMax)
  const rejected = noted.total + staged.badRows
  if (rejected === 0) return { rejects: null, rejected }
  const select = () => rejects.describeRows(scan.relation(), staged.path, staged.columns)
  const describe = async (complete: boolean) =>
    rejects.describeText(
      textFile(scan, inspection),
      staged.columns,
      noted.refused,
      complete ? await rejects.readBadRows(reader, staged.path, maxRejects + 1) : [],
      context.signal,
    )
  if (rejected > maxRejects) {
    const complete = noted.complete && noted.total <= maxRejects + 1
    const first =
      inspection.format === 'json'
        ? ((await writer.query(`${select()} LIMIT 3`)) as unknown as rejects.Reject[])
        : await take(await describe(complete), 3)
    throw rejects.tooManyRejects(file.name, `${noted.complete ? '' : 'at least '}${rejected}`, maxRejects, first)
  }
  await checkQuotes(job, scan, staged, noted.refused)
  const dataset =
    inspection.format === 'json'
      ? await writer.create(rejects.typed(select()), { partRows: job.partRows })
      : await rejects.writeRejects(writer, context.scratch, await describe(true), job.partRows)
  return { rejects: dataset, rejected }
}

/** A quote that swallows records must not pass as one reject: what DuckDB read after it may be anything. */
async function checkQuotes(job: Job, scan: Scan, staged: Staged, refused: readonly rejects.Refused[]): Promise<void> {
  const open = refused.find(({ reason }) => reason === 'quote')
  if (!open) return
  const numbers = refused.map(({ record }) => record)
  const { marks } = textFile(scan, scan.inspection)
  const rows = await countRows(scan.path, { ...marks, refused: numbers, signal: job.context.signal })
  if (rows !== staged.rows) throw new MeshError('MESHWORK_INGEST_QUOTE', { record: open.record, source: job.file.name })
}

async function checkLines(job: Job): Promise<void> {
  const offset = await longLine(job.file.path, recordBytesMax, job.context.signal)
  if (offset === undefined) return
  throw new MeshError('MESHWORK_INGEST_RECORD_SIZE', { source: job.file.name, offset, limitBytes: recordBytesMax })
}

function textFile(scan: Scan, inspection: CsvInspection | JsonInspection): rejects.TextFile {
  if (inspection.format !== 'csv')
    return {
      path: scan.path,
      format: 'ndjson',
      marks: { quote: '', escape: '', delimiter: '', comment: '', header: false, blankIsRow: false },
      fields: scan.keys,
    }
  const { dialect, header, fields } = inspection
  const { quote, escape, delimiter, comment } = dialect
  return {
    path: scan.path,
    format: 'csv',
    marks: { quote, escape, delimiter, comment, header, blankIsRow: fields.length === 1 },
    fields: fields.map(({ name }) => name),
  }
}

async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  for await (const item of items) {
    taken.push(item)
    if (taken.length === count) break
  }
  return taken
}

async function write(job: Job, staged: Staged): Promise<DatasetRef> {
  const { writer, context, partRows } = job
  const columns = staged.columns.map(({ name, type }: Chosen) => ({ name, type }))
  const from = columns.map((_, i) => `v${i}`)
  const rows = staged.rows - staged.badRows
  let { path } = staged
  if (staged.badRows > 0) {
    path = join(context.scratch, 'good.parquet')
    await copy(writer, `SELECT ${from.join(', ')} FROM read_parquet(${text(staged.path)}) WHERE bad IS NULL`, path)
  }
  return await cutFile(writer, { path, from, columns, rows, partRows }, partProgress(context, rows))
}
