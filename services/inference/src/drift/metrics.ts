// Drift as metrics: of the window that was closed last, and all counts, from which the index can be computed over any time.

import { Counter, Gauge, type Registry } from 'prom-client'
import { binName } from './compare.ts'
import type { DriftMonitor } from './monitor.ts'

interface Observed {
  readonly name: string
  readonly version: string
  readonly drift: DriftMonitor | undefined
}

/** Features of a version that have metrics of their own, the first ones of its reference; the interface tells of all. */
const featuresMax = 64

export function driftMetrics(registry: Registry, observed: () => Iterable<Observed>): void {
  const watched = function* () {
    for (const { name, version, drift } of observed()) if (drift) yield { labels: { model: name, version }, drift }
  }
  const gauge = (name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void) =>
    registry.registerMetric(
      new Gauge({
        name: `meshwork_inference_${name}`,
        help,
        labelNames: ['model', 'version', ...labelNames],
        registers: [],
        collect() {
          this.reset()
          collect(this)
        },
      }),
    )
  const perFeature = (name: string, help: string, figure: 'psi' | 'threshold' | 'missing' | 'unseen') =>
    gauge(name, help, ['feature'], of => {
      for (const { labels, drift } of watched()) {
        const names = new Set(drift.reference.features.slice(0, featuresMax).map(feature => feature.name))
        for (const feature of drift.view().closed[0]?.report.features ?? [])
          if (names.has(feature.name)) of.set({ ...labels, feature: feature.name }, feature[figure])
      }
    })
  perFeature('feature_psi', 'Population stability index of a feature against its training, in the last window.', 'psi')
  perFeature('feature_psi_threshold', 'Above this the index of a feature is drift.', 'threshold')
  perFeature('feature_missing_ratio', 'Share of values that were NaN, in the last window.', 'missing')
  perFeature('feature_unseen_ratio', 'Share of values that training never had, in the last window.', 'unseen')
  gauge('drifted_features', 'Features above their threshold in the last window.', [], of => {
    for (const { labels, drift } of watched()) {
      const [last] = drift.view().closed
      if (last) of.set(labels, last.report.drifted.length)
    }
  })
  registry.registerMetric(
    new Counter({
      name: 'meshwork_inference_feature_rows_total',
      help: 'Rows that were looked at, by feature and bin of its training reference.',
      labelNames: ['model', 'version', 'feature', 'bin'],
      registers: [],
      collect() {
        this.reset()
        for (const { labels, drift } of watched())
          for (const [i, feature] of drift.reference.features.slice(0, featuresMax).entries())
            for (const [bin, rows] of (drift.all.counts[i] ?? []).entries())
              if (rows > 0) this.inc({ ...labels, feature: feature.name, bin: binName(feature, bin) }, rows)
      },
    }),
  )
}
