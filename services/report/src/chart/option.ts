// From the points of a chart to what the library draws. Pure.

import type { ChartModel } from '../model.ts'
import type { EChartsCoreOption } from 'echarts/core'

const ink = 'var(--ink-soft)'
const seriesColours = Array.from({ length: 8 }, (_, i) => `var(--series-${i})`)

const axisStyle = {
  axisLine: { show: true, lineStyle: { color: 'var(--line-strong)' } },
  axisTick: { show: false },
  axisLabel: { color: ink, fontSize: 12, hideOverlap: true },
  nameTextStyle: { color: ink, fontSize: 12 },
  nameLocation: 'middle' as const,
  splitLine: { show: false },
}
const valueStyle = {
  ...axisStyle,
  axisLine: { show: false },
  splitLine: { show: true, lineStyle: { color: 'var(--line)' } },
}
const onTop = {
  nameLocation: 'end' as const,
  nameTextStyle: { color: ink, fontSize: 12, align: 'left' as const },
}
const legend = {
  bottom: 0,
  itemHeight: 9,
  itemWidth: 16,
  icon: 'roundRect',
  textStyle: { color: 'var(--ink)', fontSize: 13 },
}

export function chartOption(chart: ChartModel): EChartsCoreOption {
  const several = chart.series.length > 1
  const titled = { name: chart.xName, nameGap: 28 }
  const category = { ...axisStyle, type: 'category' as const, data: chart.x.map(String) }
  const x =
    chart.axis === 'category'
      ? { ...category, ...(chart.horizontal ? {} : titled) }
      : {
          ...axisStyle,
          ...titled,
          type: chart.axis,
          boundaryGap: false,
          ...(chart.type === 'line' ? { min: 'dataMin', max: 'dataMax' } : { scale: true }),
        }
  const single = chart.series.length === 1 ? chart.series[0]?.name : undefined
  const named = chart.horizontal ? { name: single, nameGap: 28 } : { ...onTop, name: single }
  const y = { ...valueStyle, type: 'value' as const, ...(single === undefined ? {} : named) }
  return {
    color: seriesColours,
    legend: several ? legend : { show: false },
    grid: {
      left: 8,
      right: 24,
      top: several ? 16 : 32,
      bottom: several ? 50 : 24,
      outerBoundsMode: 'same',
      outerBoundsContain: 'axisLabel',
    },
    ...(chart.horizontal ? { xAxis: y, yAxis: { ...category, inverse: true } } : { xAxis: x, yAxis: y }),
    series: chart.series.map(({ name, values }, i) => ({
      name,
      ...shapeOf(chart, i),
      data: chart.axis === 'category' ? values : values.map((value, j) => [chart.x[j], value]),
    })),
  }
}

function shapeOf({ type, x }: ChartModel, i: number): object {
  if (type === 'bar') return { type: 'bar', barMaxWidth: 26, barGap: '10%' }
  if (type === 'histogram') return { type: 'bar', barCategoryGap: '4%' }
  if (type === 'scatter') return { type: 'scatter', symbolSize: 4, itemStyle: { opacity: 0.55 } }
  const dash = ['solid', 'dashed', 'dotted'][i % 3]
  return {
    type: 'line',
    lineStyle: { width: 2.5, type: dash },
    symbol: 'circle',
    symbolSize: 6,
    showSymbol: x.length <= 40,
    itemStyle: { borderWidth: 0 },
  }
}

interface Point {
  readonly x: number
  readonly y: number
}

/** A curve in the unit square, with the line it is compared to. */
export function unitOption(
  names: { x: string; y: string },
  points: readonly Point[],
  reference: readonly Point[],
  dots = false,
): EChartsCoreOption {
  const pairs = (list: readonly Point[]) => list.map(({ x, y }) => [x, y])
  const axis = (name: string, nameGap: number) => ({
    ...valueStyle,
    type: 'value',
    min: 0,
    max: 1,
    interval: 0.25,
    name,
    nameLocation: 'middle',
    nameGap,
  })
  return {
    color: ['var(--series-0)', 'var(--ink-soft)'],
    grid: { left: 44, right: 14, top: 14, bottom: 42 },
    xAxis: axis(names.x, 26),
    yAxis: axis(names.y, 32),
    series: [
      {
        type: 'line',
        data: pairs(points),
        lineStyle: { width: 2.5 },
        symbol: 'circle',
        symbolSize: 7,
        showSymbol: dots,
        itemStyle: { borderWidth: 0 },
      },
      { type: 'line', data: pairs(reference), lineStyle: { width: 1.5, type: 'dashed' }, showSymbol: false },
    ],
  }
}
