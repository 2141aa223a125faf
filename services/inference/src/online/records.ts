// Records of a request as text that DuckDB casts to the types of their columns. What a cast would change is refused. Pure.

import { closest, type Column, MeshError, type OnlineInput } from '@meshwork/contracts'
import { type Cells, isInteger, isNumeric } from '@meshwork/kit'

type Value = OnlineInput['records'][number][string]

export function cellsOf(records: OnlineInput['records'], columns: readonly Column[]): Cells[] {
  const known = new Set(columns.map(({ name }) => name))
  return records.map((values, record) => {
    const stranger = Object.keys(values).find(name => !known.has(name))
    if (stranger !== undefined) throw unknown(record, stranger, [...known])
    return columns.map(column => cellOf(values[column.name] ?? null, column, record))
  })
}

function cellOf(value: Value, { name, type }: Column, record: number): string | null {
  if (value === null) return null
  const refuse = () =>
    new MeshError('MESHWORK_RECORD_INVALID', {
      record,
      reason: `${JSON.stringify(value).slice(0, 40)} is not a ${type}, which column "${name}" has`,
    })
  if (isInteger(type)) {
    const whole = typeof value === 'number' ? Number.isSafeInteger(value) : /^[+-]?\d{1,20}$/.test(String(value))
    if (!whole || typeof value === 'boolean') throw refuse()
    return String(value)
  }
  const fits = isNumeric(type)
    ? typeof value === 'number' || typeof value === 'string'
    : type === 'boolean'
      ? typeof value === 'boolean'
      : typeof value === 'string'
  if (!fits) throw refuse()
  return String(value)
}

function unknown(record: number, name: string, known: readonly string[]): MeshError {
  const near = closest(name, known)
  const hint = near === undefined ? '' : ` (did you mean "${near}"?)`
  return new MeshError('MESHWORK_RECORD_INVALID', {
    record,
    reason: `"${name.slice(0, 128)}" is not one of its columns${hint}; they are: ${known.slice(0, 30).join(', ')}`,
  })
}
