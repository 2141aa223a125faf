// Reads what a section shows. Everything is bounded: rows by `limit`, columns by 64, points by the kind of chart.

import { type Column, compile, DriftReport, Evaluation, MeshError, type ReportSection } from '@meshwork/contracts'
import { type ArtefactStore, checkCondition, columnMissing, ident, identList, type Tables } from '@meshwork/kit'
import type { Static, TSchema } from 'typebox'
import { chartData, type ChartSource } from './chart-data.ts'
import type { Cell, SectionModel, TableModel } from './model.ts'

const limitDefault = 20
const columnsMax = 64
const cellLengthMax = 300
const judgementBytesMax = 32 * 1024 * 1024

export async function readSection(
  tables: Tables | undefined,
  store: ArtefactStore,
  section: ReportSection,
): Promise<SectionModel> {
  const evaluation = section.evaluation ? await readEvaluation(store, section.title, section.evaluation.hash) : null
  const drift = section.drift ? await readDrift(store, section.title, section.drift.hash) : null
  const shown = { title: section.title, text: section.text ?? null, evaluation, drift }
  if (section.dataset === undefined || tables === undefined) {
    needsDataset(section)
    return { ...shown, table: null, charts: [] }
  }
  const dataset = tables.dataset(section.dataset)
  const place = `Section "${section.title}"`
  const where =
    section.where === undefined
      ? undefined
      : await checkCondition(tables, section.where, `${place}, where`, dataset.columns)
  const from = (columns: readonly string[]) => {
    const read = [...new Set([...columns, ...(where?.columns ?? [])])]
    return `(SELECT ${identList(columns) || '1'} FROM ${dataset.from(read)}${where ? ` WHERE ${where.sql}` : ''})`
  }
  const counted = where ? await tables.query(`SELECT count(*) AS n FROM ${from([])}`) : undefined
  const rows = counted ? Number(counted[0]?.['n']) : dataset.rows
  const source: ChartSource = { section: section.title, columns: dataset.columns, from, rows }
  const charts = []
  for (const chart of section.charts ?? []) charts.push(await chartData(tables, chart, source))
  const chosen = section.columns?.map(name => columnNamed(dataset.columns, name, `${place}, columns`))
  const limit = section.limit ?? limitDefault
  const order = (section.orderBy ?? []).map(({ column, direction = 'ascending' }) => {
    columnNamed(dataset.columns, column, `${place}, orderBy`)
    return { column, sql: `${ident(column)} ${direction === 'ascending' ? 'ASC' : 'DESC'} NULLS LAST` }
  })
  const columns = chosen ?? dataset.columns.slice(0, columnsMax)
  const table: TableModel | null =
    limit === 0
      ? null
      : {
          columns,
          rows: await readRows(tables, columns, order, from, limit),
          totalRows: rows,
          moreColumns: chosen ? 0 : dataset.columns.length - columns.length,
        }
  return { ...shown, table, charts }
}

/** Everything about rows needs rows. */
export function needsDataset(section: ReportSection): void {
  if (section.dataset !== undefined) return
  for (const key of ['columns', 'where', 'orderBy', 'limit', 'charts'] as const)
    if (section[key] !== undefined)
      throw new MeshError('MESHWORK_REPORT_SECTION', { section: section.title, reason: `"${key}" needs "dataset"` })
}

export function columnNamed(columns: readonly Column[], name: string, where: string): Column {
  const column = columns.find(candidate => candidate.name === name)
  if (!column) throw columnMissing(where, name, columns)
  return column
}

async function readRows(
  tables: Tables,
  columns: readonly Column[],
  order: readonly { readonly column: string; readonly sql: string }[],
  from: ChartSource['from'],
  limit: number,
) {
  const cell = ({ name, type }: Column, i: number) => {
    const held = ident(name)
    if (type === 'string') return `left(${held}, ${cellLengthMax + 1}) AS c${i}`
    if (type === 'binary') return `concat(octet_length(${held}), ' bytes') AS c${i}`
    if (type === 'float32' || type === 'float64')
      return `CASE WHEN isfinite(${held}) THEN ${held} END AS c${i}, NOT isfinite(${held}) AS odd${i}, CAST(${held} AS VARCHAR) AS text${i}`
    return `${held} AS c${i}`
  }
  const read = [...new Set([...columns.map(({ name }) => name), ...order.map(({ column }) => column)])]
  const by = order.length > 0 ? ` ORDER BY ${order.map(({ sql }) => sql).join(', ')}` : ''
  const rows = await tables.query(
    `SELECT ${columns.map(cell).join(', ')} FROM (SELECT * FROM ${from(read)}${by} LIMIT ${limit})`,
  )
  return rows.map(row =>
    columns.map((_, i): Cell => cut((row[`odd${i}`] === true ? row[`text${i}`] : row[`c${i}`]) as Cell)),
  )
}

const cut = (value: Cell): Cell =>
  typeof value === 'string' && value.length > cellLengthMax ? `${value.slice(0, cellLengthMax)}…` : value

export async function readEvaluation(store: ArtefactStore, section: string, hash: string): Promise<Evaluation> {
  return await readJudgement(store, Evaluation, hash, reason => {
    throw new MeshError('MESHWORK_REPORT_EVALUATION', { section, hash, reason })
  })
}

export async function readDrift(store: ArtefactStore, section: string, hash: string): Promise<DriftReport> {
  return await readJudgement(store, DriftReport, hash, reason => {
    throw new MeshError('MESHWORK_REPORT_DRIFT', { section, hash, reason })
  })
}

async function readJudgement<T extends TSchema>(
  store: ArtefactStore,
  shape: T,
  hash: string,
  refuse: (reason: string) => never,
): Promise<Static<T>> {
  const content = await store.read(hash, judgementBytesMax)
  let value: unknown
  try {
    value = JSON.parse(content.toString('utf8'))
  } catch {
    refuse('it is not JSON')
  }
  const problem = compile(shape).check(value)[0]
  if (problem) refuse(`${problem.pointer} ${problem.detail}`)
  return value as Static<T>
}
