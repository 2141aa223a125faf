// The columns a chart is drawn from. Pure.

import { type Chart, type Column, MeshError } from '@meshwork/contracts'
import { columnMissing, isNumeric, isTemporal } from '@meshwork/kit'
import type { Axis } from './model.ts'

export interface ChartColumns {
  readonly x: Column
  /** None for a histogram. */
  readonly y: readonly Column[]
}

export function chartColumns(chart: Chart, section: string, columns: readonly Column[]): ChartColumns {
  const refuse = (reason: string) => new MeshError('MESHWORK_REPORT_SECTION', { section, reason })
  const find = (name: string): Column => {
    const column = columns.find(candidate => candidate.name === name)
    if (!column) throw columnMissing(`Section "${section}", chart`, name, columns)
    return column
  }
  const x = find(chart.x)
  if (chart.type === 'histogram') {
    if (chart.y) throw refuse('a histogram counts "x" and takes no "y"')
    if (!isNumeric(x.type)) throw refuse(`"x" of a histogram must be numbers, but column "${x.name}" is ${x.type}`)
    return { x, y: [] }
  }
  if (!chart.y) throw refuse(`a ${chart.type} chart needs "y"`)
  const y = chart.y.map(find)
  for (const { name, type } of y)
    if (!isNumeric(type) && type !== 'boolean')
      throw refuse(`"y" of a chart must be numbers, but column "${name}" is ${type}`)
  if (chart.type === 'scatter' && axisOf(x) === 'category')
    throw refuse(`"x" of a scatter chart must be a number or a time, but column "${x.name}" is ${x.type}`)
  return { x, y }
}

export const axisOf = ({ type }: Column): Axis =>
  isNumeric(type) ? 'value' : isTemporal(type) && type !== 'time' ? 'time' : 'category'
