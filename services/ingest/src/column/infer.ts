// The type of a column from a sample of its values as text: the narrowest that loses nothing of any of them.

import type { ColumnType } from '@meshwork/contracts'

export interface InferOptions {
  readonly decimalSeparator: '.' | ','
  readonly dateFormat: string | undefined
  readonly timestampFormat: string | undefined
  /** Texts that stand for no value. */
  readonly nullStrings: readonly string[]
}

export const plainOptions: InferOptions = {
  decimalSeparator: '.',
  dateFormat: undefined,
  timestampFormat: undefined,
  nullStrings: [''],
}

export interface Inferred {
  readonly type: ColumnType
  /** What a person may have expected otherwise, and why it is so. */
  readonly note?: string
}

const int64Max = 2n ** 63n - 1n
const int64Min = -(2n ** 63n)
const uint64Max = 2n ** 64n - 1n
/** Integers of more digits are not exact as float64. */
const exactDigits = 15

const integer = /^\s*-?(0|[1-9]\d*)\s*$/
const digits = /^\s*[+-]?\d+\s*$/
const float = /^\s*-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/
const notFinite = /^\s*[+-]?(nan|inf|infinity)\s*$/i
const boolean = /^(true|false)$/i
const time = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?$/
const day = '\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])'
const date = new RegExp(`^${day}$`)
const timestamp = new RegExp(`^${day}[ T]([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,9})?)?$`)
const zoned = new RegExp(`^${day}[ T]([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]\\d{2}(:?\\d{2})?)$`)

/** Whether a value has a type as inference understands it. */
export function fits(value: string, type: ColumnType, options: InferOptions): boolean {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- inference knows no other types
  switch (type) {
    case 'boolean':
      return boolean.test(value)
    case 'int64':
      return integer.test(value) && within(value, int64Min, int64Max)
    case 'uint64':
      return integer.test(value) && within(value, 0n, uint64Max)
    case 'float64':
      return isFloat(value, options)
    case 'date':
      return options.dateFormat === undefined ? date.test(value) : formatPattern(options.dateFormat).test(value)
    case 'time':
      return time.test(value)
    case 'timestamp':
      if (options.timestampFormat !== undefined) return formatPattern(options.timestampFormat).test(value)
      return timestamp.test(value) || date.test(value)
    case 'timestamptz':
      return zoned.test(value)
    default:
      return true
  }
}

const candidates = ['boolean', 'int64', 'uint64', 'float64', 'date', 'timestamp', 'timestamptz', 'time'] as const

export function inferType(values: readonly string[], options: InferOptions = plainOptions): Inferred {
  const present = values.filter(value => !options.nullStrings.includes(value))
  if (present.length === 0) return { type: 'string' }
  const type = candidates.find(candidate => {
    if (candidate === 'float64' && present.every(value => notFinite.test(value))) return false
    return present.every(value => fits(value, candidate, options))
  })
  if (type === 'uint64') return { type, note: 'holds integers over 2^63; its type is uint64' }
  if (type !== undefined) return { type }
  if (!present.every(value => digits.test(value))) return { type: 'string' }
  const padded = present.some(value => /^\s*[+-]?0\d/.test(value))
  return {
    type: 'string',
    note: padded
      ? 'holds digits with leading zeros; they are kept as text'
      : 'holds integers that no integer type can hold exactly; they are kept as text',
  }
}

function isFloat(value: string, options: InferOptions): boolean {
  if (notFinite.test(value)) return true
  if (options.decimalSeparator === ',') {
    if (value.includes('.')) return false
    return isFloat(value.replace(',', '.'), { ...options, decimalSeparator: '.' })
  }
  return float.test(value) && !(digits.test(value) && value.replace(/\D/g, '').length > exactDigits)
}

function within(value: string, min: bigint, max: bigint): boolean {
  const text = value.trim()
  if (text.length > 21) return false
  const number = BigInt(text)
  return number >= min && number <= max
}

const formatParts: Record<string, string> = {
  Y: '\\d{4}',
  y: '\\d{2}',
  m: '\\d{1,2}',
  d: '\\d{1,2}',
  H: '\\d{1,2}',
  I: '\\d{1,2}',
  M: '\\d{1,2}',
  S: '\\d{1,2}',
  f: '\\d{1,6}',
  g: '\\d{1,3}',
  n: '\\d{1,9}',
  p: '[AaPp][Mm]',
  j: '\\d{1,3}',
  '%': '%',
}
const patterns = new Map<string, RegExp>()

/** What a strptime format may look like. Loose: the values are parsed for real when the file is read. */
function formatPattern(format: string): RegExp {
  const known = patterns.get(format)
  if (known) return known
  const source = format.replace(/%-?(.)|[\\^$.*+?()[\]{}|]/g, (found, part: string | undefined) =>
    part === undefined ? `\\${found}` : (formatParts[part] ?? '[^,;]+?'),
  )
  const pattern = new RegExp(`^${source}$`)
  if (patterns.size > 100) patterns.clear()
  patterns.set(format, pattern)
  return pattern
}
