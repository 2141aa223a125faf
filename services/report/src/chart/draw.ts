// Charts as SVG, drawn on the server by ECharts. Colours are CSS variables of the page, so that one drawing serves
// light, dark and print. What only a browser with scripts would use is taken out, and identifiers are made
// independent of how many charts this process has drawn before.

import { BarChart, LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, LegendComponent, MarkLineComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { escape, type Markup, trusted } from '../html/markup.ts'

use([BarChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent, SVGRenderer])

export interface Drawing {
  /** Stands for the drawing in its identifiers; unique on the page. */
  readonly id: string
  /** What it shows, in words, for those who cannot see it. */
  readonly label: string
  readonly width: number
  readonly height: number
  readonly option: EChartsCoreOption
}

export function draw({ id, label, width, height, option }: Drawing): Markup {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption({ animation: false, useUTC: true, textStyle: { fontFamily: 'inherit' }, ...option })
    return trusted(clean(chart.renderToSVGString(), id, label))
  } finally {
    chart.dispose()
  }
}

/** Text of users is escaped by the renderer, so a quote or `<` in what follows is always the renderer's own. */
function clean(svg: string, id: string, label: string): string {
  return svg
    .replace(/<style ?>[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class|ecmeta_[a-z_]+|pointer-events|xml:space)="[^"]*"/g, '')
    .replace(/(id="|url\(#)zr\d+-/g, `$1${id}-`)
    .replace(
      /^<svg width="\d+" height="\d+"[^>]*?( viewBox="[^"]*")>/,
      `<svg role="img" aria-label="${escape(label)}"$1>`,
    )
    .replace(/\n+/g, '\n')
}
