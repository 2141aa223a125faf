// SQL that turns text into a value of a column type, or into NULL where the text is not one. Nothing is rounded,
// cut or guessed on the way: DuckDB's own casts would make 2 of "1.5" and a date of "2001-01-01 10:00".

import type { ColumnType } from '@meshwork/contracts'
import { duckType, text } from '@meshwork/kit'
import type { InferOptions } from './infer.ts'

export interface Conversion {
  /** First look, over the raw text. */
  readonly attempt: string
  /** Value, over the raw text and the first look. */
  readonly value: string
}

export interface ConvertOptions extends Omit<InferOptions, 'nullStrings'> {
  /** Inferred types are stricter: no leading zeros, one way to write a date. */
  readonly inferred: boolean
}

/** `raw` is SQL of type VARCHAR; `tried` is the name under which the first look can be read. */
export function convert(raw: string, tried: string, type: ColumnType, options: ConvertOptions): Conversion {
  const duck = duckType(type)
  const attempt = `TRY_CAST(${raw} AS ${duck})`
  const matches = (pattern: string, flags = '') =>
    `regexp_full_match(${raw}, ${text(pattern)}${flags === '' ? '' : `, ${text(flags)}`})`
  const same = `${tried}::VARCHAR = ${raw}`
  const when = (...conditions: string[]) => `CASE ${conditions.map(c => `WHEN ${c} THEN ${tried}`).join(' ')} END`
  const { inferred } = options
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- what is left are the integers
  switch (type) {
    case 'string':
      return { attempt: 'NULL', value: raw }
    case 'binary':
      return { attempt, value: tried }
    case 'boolean':
      return { attempt, value: inferred ? when(matches('true|false', 'i')) : tried }
    case 'float32':
    case 'float64': {
      if (options.decimalSeparator === ',') {
        const pattern = '\\s*[+-]?(\\d+(,\\d*)?|,\\d+)([eE][+-]?\\d+)?\\s*'
        const dotted = `TRY_CAST(replace(${raw}, ',', '.') AS ${duck})`
        const whole = inferred ? ` AND NOT ${matches('\\s*[+-]?(0\\d+|\\d{16,})(,.*)?\\s*')}` : ''
        return { attempt: dotted, value: when(`isfinite(${tried}) AND ${matches(pattern)}${whole}`) }
      }
      const pattern = inferred
        ? '\\s*-?((0|[1-9]\\d*)(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?\\s*'
        : '\\s*[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?\\s*'
      const whole = inferred ? ` AND NOT ${matches('\\s*-?\\d{16,}\\s*')}` : ''
      return {
        attempt,
        value: when(
          same,
          `isfinite(${tried}) AND ${matches(pattern)}${whole}`,
          matches('\\s*[+-]?(nan|inf|infinity)\\s*', 'i'),
        ),
      }
    }
    case 'date':
      if (options.dateFormat !== undefined) return parsed(raw, tried, options.dateFormat, duck)
      if (inferred) return { attempt, value: when(`isfinite(${tried}) AND ${same}`) }
      return {
        attempt,
        value: when(
          `isfinite(${tried}) AND ${same}`,
          `isfinite(${tried}) AND ${matches('\\s*\\d{4,6}[-/ ]\\d{1,2}[-/ ]\\d{1,2}\\s*')}`,
        ),
      }
    case 'time':
      return { attempt, value: when(same, matches('\\s*\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?\\s*')) }
    case 'timestamp': {
      if (options.timestampFormat !== undefined) return parsed(raw, tried, options.timestampFormat, duck)
      if (!inferred) {
        // A cast to TIMESTAMP drops an offset without a word; the zoned type moves it to UTC, the session's zone.
        const zoned = `TRY_CAST(${raw} AS TIMESTAMP WITH TIME ZONE)`
        const asUtc = `CASE WHEN isfinite(${zoned}) THEN ${zoned}::TIMESTAMP END`
        return { attempt, value: `CASE WHEN isfinite(${tried}) AND ${same} THEN ${tried} ELSE ${asUtc} END` }
      }
      const pattern = '\\d{4}-\\d{2}-\\d{2}([ T]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?)?'
      return { attempt, value: when(`isfinite(${tried}) AND ${same}`, `isfinite(${tried}) AND ${matches(pattern)}`) }
    }
    case 'timestamptz': {
      const pattern = '\\d{4}-\\d{2}-\\d{2}[ T]\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?(Z|[+-]\\d{2}(:?\\d{2})?)'
      return { attempt, value: when(`isfinite(${tried})${inferred ? ` AND ${matches(pattern)}` : ''}`) }
    }
    default: {
      const pattern = inferred ? '\\s*-?(0|[1-9]\\d*)\\s*' : '\\s*[+-]?\\d+\\s*'
      return { attempt, value: when(same, matches(pattern)) }
    }
  }
}

const parsed = (raw: string, tried: string, format: string, duck: string): Conversion => ({
  attempt: `try_strptime(${raw}, ${text(format)})`,
  value: `${tried}::${duck}`,
})

/** SQL that turns a typed value into another type, or into NULL where that would lose something. */
export function recast(raw: string, from: ColumnType, to: ColumnType): string {
  const cast = `TRY_CAST(${raw} AS ${duckType(to)})`
  const whole = /^u?int/.test(to)
  if (whole && from.startsWith('float')) return `CASE WHEN ${cast} = ${raw} THEN ${cast} END`
  if (to === 'date' && from.startsWith('timestamp'))
    return `CASE WHEN ${cast}::TIMESTAMP = ${raw}::TIMESTAMP THEN ${cast} END`
  return cast
}
