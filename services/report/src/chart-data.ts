// The points of a chart, from SQL: a bounded number of them, whatever the number of rows.

import type { Chart, Column } from '@meshwork/contracts'
import { ident, type Row, type Tables } from '@meshwork/kit'
import { axisOf, chartColumns } from './chart-columns.ts'
import { count } from './html/number.ts'
import type { Axis, ChartModel } from './model.ts'

export interface ChartSource {
  readonly section: string
  readonly columns: readonly Column[]
  /** FROM item with the rows of the section and these columns. */
  from(columns: readonly string[]): string
  readonly rows: number
}

const barsMax = 60
const linePointsMax = 600
const scatterPointsMax = 2000
const binsDefault = 30

export async function chartData(tables: Tables, chart: Chart, source: ChartSource): Promise<ChartModel> {
  const { x, y } = chartColumns(chart, source.section, source.columns)
  if (chart.type === 'histogram') return await histogram(tables, chart, x, source)
  const columns = [...new Set([x.name, ...y.map(({ name }) => name)])]
  const from = source.from(columns)
  const values = y.map(({ name }, i) => `${number(ident(name))} AS y${i}`).join(', ')
  const model = (axis: Axis, rows: readonly Row[], note: string | null): ChartModel => ({
    type: chart.type,
    title: chart.title ?? `${chart.y?.join(', ')} by ${chart.x}`,
    axis,
    xName: chart.x,
    horizontal: chart.type === 'bar' && chart.horizontal === true,
    x: rows.map(row => pointOf(axis, row['x'])),
    series: y.map(({ name }, i) => ({ name, values: rows.map(row => row[`y${i}`] as number | null) })),
    note,
  })
  if (chart.type === 'bar') {
    const rows = await tables.query(`SELECT ${category(x)} AS x, ${values} FROM ${from} LIMIT ${barsMax}`)
    return model('category', rows, source.rows > barsMax ? `The first ${barsMax} of ${count(source.rows)} rows.` : null)
  }
  const axis = axisOf(x)
  if (axis === 'category') {
    const rows = await tables.query(`SELECT ${category(x)} AS x, ${values} FROM ${from} LIMIT ${linePointsMax}`)
    return model(
      axis,
      rows,
      source.rows > linePointsMax ? `The first ${linePointsMax} of ${count(source.rows)} rows.` : null,
    )
  }
  const points = `(SELECT ${position(x)} AS x, ${values} FROM ${from})`
  if (chart.type === 'scatter') {
    const step = Math.ceil(source.rows / scatterPointsMax)
    const rows = await tables.query(
      `SELECT * EXCLUDE (place) FROM (SELECT *, row_number() OVER () - 1 AS place FROM ${points}) WHERE place % ${Math.max(1, step)} = 0 AND x IS NOT NULL`,
    )
    return model(axis, rows, step > 1 ? `One of every ${step} of ${count(source.rows)} rows.` : null)
  }
  if (source.rows <= linePointsMax)
    return model(axis, await tables.query(`SELECT * FROM ${points} WHERE x IS NOT NULL ORDER BY x`), null)
  const means = y.map((_, i) => `avg(y${i}) AS y${i}`).join(', ')
  const rows = await tables.query(`
    WITH p AS MATERIALIZED (SELECT * FROM ${points} WHERE x IS NOT NULL), b AS (SELECT min(x) AS low, max(x) AS high FROM p)
    SELECT avg(p.x) AS x, ${means} FROM p, b
    GROUP BY least(${linePointsMax - 1}, floor((p.x - low) / nullif(high - low, 0) * ${linePointsMax}))
    ORDER BY x`)
  return model(axis, rows, `Means over ${rows.length} equal steps of ${chart.x}, of ${count(source.rows)} rows.`)
}

async function histogram(tables: Tables, chart: Chart, x: Column, source: ChartSource): Promise<ChartModel> {
  const bins = chart.bins ?? binsDefault
  const values = `(SELECT ${number(ident(x.name))} AS v FROM ${source.from([x.name])})`
  const [range] = await tables.query(`SELECT min(v) AS low, max(v) AS high, count(v) AS n FROM ${values}`)
  const [low, high, n] = [Number(range?.['low']), Number(range?.['high']), Number(range?.['n'] ?? 0)]
  const counts = Array.from({ length: n === 0 ? 0 : low === high ? 1 : bins }, () => 0)
  const width = (high - low) / Math.max(1, counts.length)
  if (counts.length === 1) counts[0] = n
  else if (n > 0) {
    const place = `CAST(least(${bins - 1}, floor((v - ${low}::DOUBLE) / ${width}::DOUBLE)) AS INTEGER)`
    const rows = await tables.query(
      `SELECT ${place} AS bin, count(*) AS n FROM ${values} WHERE v IS NOT NULL GROUP BY bin`,
    )
    for (const row of rows) counts[Number(row['bin'])] = Number(row['n'])
  }
  return {
    type: 'histogram',
    title: chart.title ?? `How ${chart.x} is spread`,
    axis: 'category',
    xName: chart.x,
    horizontal: false,
    x: counts.map((_, i) => shortNumber(low + i * width, width)),
    series: [{ name: 'rows', values: counts }],
    note: n < source.rows ? `${count(source.rows - n)} rows without a number are left out.` : null,
  }
}

const number = (sql: string) => `CASE WHEN isfinite(CAST(${sql} AS DOUBLE)) THEN CAST(${sql} AS DOUBLE) END`
const category = ({ name }: Column) => `left(CAST(${ident(name)} AS VARCHAR), 100)`
const position = (x: Column) =>
  axisOf(x) === 'time' ? `CAST(epoch_ms(CAST(${ident(x.name)} AS TIMESTAMP)) AS DOUBLE)` : number(ident(x.name))

const pointOf = (axis: Axis, value: unknown): string | number =>
  axis === 'category' ? ((value as string | null) ?? '(null)') : Number(value)

/** A bound of a bin with as many digits as the width of the bin makes meaningful. */
function shortNumber(value: number, width: number): string {
  const digits = width > 0 ? Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(width)))) : 6
  return String(Number(value.toFixed(digits)))
}
