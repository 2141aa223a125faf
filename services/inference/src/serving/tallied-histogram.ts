// A histogram for what is observed with every request: the labels are looked up once, for all observations of a version,
// and they are forgotten when nobody observes with them any more. Registered like those of prom-client.

import type { Registry } from 'prom-client'

export interface TalliedHistogramOptions {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  /** Upper bounds, the smallest first. */
  readonly buckets: readonly number[]
}

export interface Tally {
  observe(value: number): void
  /** Call once, when nothing more is observed. Answers whether the labels are gone with it: others may have them still. */
  end(): boolean
}

interface Series {
  readonly labels: Record<string, string>
  /** By bucket, each for itself; the last is what lies above all. */
  readonly counts: Float64Array
  sum: number
  users: number
}

export class TalliedHistogram {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly labelNames: readonly string[]
  readonly #bounds: readonly number[]
  readonly #series = new Map<string, Series>()

  constructor(registry: Registry, { name, help, labelNames, buckets }: TalliedHistogramOptions) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#bounds = buckets
    registry.registerMetric(this as unknown as Parameters<Registry['registerMetric']>[0]) // it asks for what is here only
  }

  /** With the labels in the same order each time. */
  of(labels: Record<string, string>): Tally {
    const key = JSON.stringify(labels)
    const series = this.#series.get(key) ?? {
      labels,
      counts: new Float64Array(this.#bounds.length + 1),
      sum: 0,
      users: 0,
    }
    this.#series.set(key, series)
    series.users++
    const bounds = this.#bounds
    return {
      observe: value => {
        let at = 0
        while (at < bounds.length && value > (bounds[at] as number)) at++
        series.counts[at] = (series.counts[at] as number) + 1
        series.sum += value
      },
      end: () => {
        if (--series.users > 0) return false
        this.#series.delete(key)
        return true
      },
    }
  }

  /** As the registry asks for it. */
  async get() {
    const values: { metricName: string; labels: Record<string, string | number>; value: number }[] = []
    for (const { labels, counts, sum } of this.#series.values()) {
      let count = 0
      for (const [at, one] of counts.entries()) {
        count += one
        const le = this.#bounds[at] ?? '+Inf'
        values.push({ metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: count })
      }
      values.push({ metricName: `${this.name}_sum`, labels, value: sum })
      values.push({ metricName: `${this.name}_count`, labels, value: count })
    }
    return { name: this.name, help: this.help, type: this.type, aggregator: 'sum', values }
  }

  reset(): void {
    for (const series of this.#series.values()) {
      series.counts.fill(0)
      series.sum = 0
    }
  }
}
