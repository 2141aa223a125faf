// Limits for values of a column, as literals of its type. Pure.

import type { ColumnType } from '@meshwork/contracts'
import { duckType, isInteger, literal } from '@meshwork/kit'

export interface Limits {
  readonly low: string | undefined
  readonly high: string | undefined
}

/**
 * Limits as SQL. For integers they are rounded inwards, so that a clipped value lies within them; a limit that no
 * value of the type can pass is left out. Answers undefined when no value of the type lies within the limits.
 */
export function limitsOf(type: ColumnType, min: number | undefined, max: number | undefined): Limits | undefined {
  if (!isInteger(type)) {
    const limit = (value: number | undefined) =>
      value === undefined ? undefined : `${literal(value)}::${duckType(type)}`
    return { low: limit(min), high: limit(max) }
  }
  const [least, most] = integerRange(type)
  const low = min === undefined || Math.ceil(min) <= Number(least) ? least : BigInt(Math.ceil(min))
  const high = max === undefined || Math.floor(max) >= Number(most) ? most : BigInt(Math.floor(max))
  if (low > high) return undefined
  return { low: low === least ? undefined : String(low), high: high === most ? undefined : String(high) }
}

function integerRange(type: ColumnType): [bigint, bigint] {
  const bits = BigInt(/\d+$/.exec(type)?.[0] ?? '64')
  return type.startsWith('u') ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n]
}
