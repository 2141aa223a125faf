// Parts of dates and times as SQL. Pure.

import type { Column, ColumnType } from '@meshwork/contracts'
import { duckType } from '../data/column-type.ts'
import { ident } from '../data/sql.ts'
import type { SpecOf } from './feature.ts'

type Part = SpecOf<'datePart'>['part']

/** SQL of the part, and for those that come round: its least value and the steps of the circle. */
const parts: Record<Part, { sql: (x: string) => string; circle?: readonly [least: number, steps: number] }> = {
  year: { sql: x => `year(${x})` },
  quarter: { sql: x => `quarter(${x})`, circle: [1, 4] },
  month: { sql: x => `month(${x})`, circle: [1, 12] },
  week: { sql: x => `week(${x})`, circle: [1, 53] },
  dayOfYear: { sql: x => `dayofyear(${x})`, circle: [1, 366] },
  day: { sql: x => `day(${x})`, circle: [1, 31] },
  dayOfWeek: { sql: x => `dayofweek(${x})`, circle: [0, 7] },
  hour: { sql: x => `hour(${x})`, circle: [0, 24] },
  minute: { sql: x => `minute(${x})`, circle: [0, 60] },
  minuteOfDay: { sql: x => `(hour(${x}) * 60 + minute(${x}))`, circle: [0, 1440] },
  second: { sql: x => `second(${x})`, circle: [0, 60] },
  epoch: { sql: x => `floor(epoch(${x}))` },
}

export function datePart(spec: SpecOf<'datePart'>, column: Column): { sql: string; type: ColumnType } {
  const { sql, circle } = parts[spec.part]
  const value = sql(ident(column.name))
  if (spec.cyclic === undefined || circle === undefined) {
    const type = spec.type ?? (spec.part === 'epoch' ? 'int64' : 'int32')
    return { sql: `CAST(${value} AS ${duckType(type)})`, type }
  }
  const type = spec.type ?? 'float32'
  const [least, steps] = circle
  return { sql: `CAST(${spec.cyclic}(2 * pi() * (${value} - ${least}) / ${steps}) AS ${duckType(type)})`, type }
}
