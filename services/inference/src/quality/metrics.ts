// Live quality as metrics: labels by what came of them, the measures of the window that was closed last, and sums, from
// which measures of any other time can be computed.

import { Counter, Gauge, type Registry } from 'prom-client'
import type { QualityBook } from './book.ts'
import { sideOf } from './tally.ts'

/** Classes of a model whose confusion is told; of more it is too many series. */
const classesMax = 10

export function qualityMetrics(registry: Registry, book: QualityBook): void {
  const watched = function* () {
    for (const { model, version, monitor } of book.all()) yield { labels: { model, version }, monitor }
  }
  const counter = (name: string, help: string, labelNames: string[], collect: (counter: Counter) => void) =>
    registry.registerMetric(
      new Counter({
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
  counter('labels_total', 'Labels that came, by whether the prediction was known.', ['result'], of => {
    for (const { labels, monitor } of watched())
      for (const [result, count] of Object.entries(monitor.counts)) of.inc({ ...labels, result }, count)
  })
  counter(
    'label_outcomes_total',
    'Rows by the class that came true and the one that was said.',
    ['label', 'said'],
    of => {
      for (const { labels, monitor } of watched()) {
        const { confusion, task } = monitor.all
        const side = sideOf(task)
        if (side > classesMax) continue
        const nameOf = (place: number) =>
          task.kind === 'binary'
            ? (task.classes[place === 1 ? task.positive : 1 - task.positive] ?? String(place))
            : (task.classes[place] ?? String(place))
        for (const [place, rows] of confusion.entries())
          if (rows > 0) of.inc({ ...labels, label: nameOf(Math.floor(place / side)), said: nameOf(place % side) }, rows)
      }
    },
  )
  counter('label_error_total', 'Sums of the errors of a regression: absolute and squared.', ['kind'], of => {
    for (const { labels, monitor } of watched()) {
      if (monitor.task.kind !== 'regression') continue
      of.inc({ ...labels, kind: 'absolute' }, monitor.all.sums.absolute)
      of.inc({ ...labels, kind: 'squared' }, monitor.all.sums.squared)
    }
  })
  registry.registerMetric(
    new Gauge({
      name: 'meshwork_inference_quality',
      help: 'Measures of the window of labels that was closed last.',
      labelNames: ['model', 'version', 'measure'],
      registers: [],
      collect() {
        this.reset()
        for (const { labels, monitor } of watched())
          for (const [measure, value] of Object.entries(monitor.view().closed[0]?.values ?? {}))
            this.set({ ...labels, measure }, value)
      },
    }),
  )
}
