// What an alert is here: its rule, and beside it the two stories that its test plays.

/** Series and values of promtool, one sample a minute: { 'up{job="a"}': '1x10 0x30' }. */
export type Series = Readonly<Record<string, string>>

export interface Story {
  readonly series: Series
  /** When the alert is looked at, as promtool writes times: 30m. */
  readonly at: string
}

export interface Alert {
  readonly name: string
  readonly severity: 'critical' | 'warning'
  readonly expr: string
  readonly for: string
  readonly summary: string
  readonly description: string
  readonly fires: Story
  readonly silent: Story
}

export interface Recording {
  readonly record: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
}

/**
 * Whether a counter that comes into being with its first event grew. increase() alone does not see that event, for which
 * there is no earlier sample.
 */
export const grew = (selector: string, by: string, window: string): string =>
  `sum by (${by}) (increase(${selector}[${window}])) > 0 or sum by (${by}) (${selector} unless ${selector} offset ${window}) > 0`
