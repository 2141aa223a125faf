// What a report says, before it is HTML; report.json is this.

import type { ArtefactRef, Column, DriftReport, Evaluation, RunContext } from '@meshwork/contracts'

export type Cell = string | number | boolean | null

export interface TableModel {
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  /** Rows there are; the table shows the first of them. */
  readonly totalRows: number
  /** Columns that are not shown. */
  readonly moreColumns: number
}

export type Axis = 'category' | 'value' | 'time'

export interface ChartModel {
  readonly type: 'bar' | 'line' | 'scatter' | 'histogram'
  readonly title: string
  readonly axis: Axis
  readonly xName: string
  readonly horizontal: boolean
  /** Categories are strings, times are milliseconds since 1970 in UTC. */
  readonly x: readonly (string | number)[]
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
  /** How the points were chosen where not all are drawn. */
  readonly note: string | null
}

export interface SectionModel {
  readonly title: string
  readonly text: string | null
  readonly table: TableModel | null
  readonly charts: readonly ChartModel[]
  readonly evaluation: Evaluation | null
  readonly drift: DriftReport | null
}

export interface FigureModel {
  readonly label: string
  readonly value: string | number | null
  readonly note: string | null
}

export interface ReportModel {
  readonly schema: 'meshwork.report/1'
  readonly title: string
  readonly summary: string | null
  readonly figures: readonly FigureModel[]
  readonly sections: readonly SectionModel[]
  readonly provenance: RunContext | null
  readonly exports: Readonly<Record<string, ArtefactRef>>
}
