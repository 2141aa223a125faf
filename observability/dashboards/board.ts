// A dashboard as it is thought of: rows of panels, each with its queries. Grafana's form of it is made in render.ts.

export interface Query {
  readonly expr: string
  /** What the series is called; labels in {{ }}. */
  readonly legend: string
  /** Why it shows nothing while all is well. Queries without one always have data in a mesh that works. */
  readonly quiet?: string
  /** Of a table: the unit of the column where it is not that of the panel. */
  readonly unit?: Unit
}

export type Unit = 's' | 'bytes' | 'percentunit' | 'short' | 'ops' | 'reqps' | 'rowsps' | 'bool'

export interface Panel {
  readonly title: string
  /** What it shows and what to make of it, in a sentence or two. */
  readonly description: string
  readonly kind?: 'lines' | 'stat' | 'table' | 'heatmap'
  readonly unit: Unit
  readonly queries: readonly Query[]
  /** Of 24 columns; 8 unless told. */
  readonly width?: 6 | 8 | 12 | 16 | 24
  /** Drawn as a line that is not to be crossed: the limit of the alert. */
  readonly limit?: number
  readonly stacked?: boolean
  /** Where a series leads: a dashboard, with one of its variables taken from a label. */
  readonly leadsTo?: { readonly uid: string; readonly variable: string; readonly label: string }
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Variable {
  readonly name: string
  readonly label: string
  readonly query: string
}

export interface Board {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: readonly Variable[]
  readonly rows: readonly Row[]
}

/** Every query keeps to the namespaces that are chosen; outside of Kubernetes there are none, and all is all. */
export const here = 'namespace=~"$namespace"'

export const rate = (metric: string, selector = here): string => `rate(${metric}{${selector}}[$__rate_interval])`
export const increase = (metric: string, selector = here): string =>
  `increase(${metric}{${selector}}[$__rate_interval])`

export const quantile = (share: number, histogram: string, by = '', selector = here): string =>
  `histogram_quantile(${share}, sum by (${by === '' ? 'le' : `${by}, le`}) (${rate(`${histogram}_bucket`, selector)}))`

export const quantiles = (histogram: string, selector = here): readonly Query[] =>
  [0.5, 0.95, 0.99].map(share => ({
    expr: quantile(share, histogram, '', selector),
    legend: `p${share * 100}`,
  }))

/** Counts by bucket, for a heatmap. */
export const buckets = (histogram: string, selector = here): readonly Query[] => [
  { expr: `sum by (le) (${increase(`${histogram}_bucket`, selector)})`, legend: '{{le}}' },
]

export const none = 'None while all is well.'
