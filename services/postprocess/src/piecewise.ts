// A line through knots as SQL: a balanced tree of CASE, so that a row is compared with few of them. Pure.

import { literal } from '@meshwork/kit'

export interface Knot {
  readonly x: number
  readonly y: number
}

/** Linear between the knots (ascending in x), level outside them. `value` is SQL of a DOUBLE; null stays null. */
export function piecewise(knots: readonly Knot[], value: string): string {
  const [first] = knots
  const last = knots.at(-1)
  if (!first || !last) throw new RangeError('at least one knot')
  const inner = between(knots, value, 0, knots.length - 1)
  return `CASE WHEN ${value} IS NULL THEN NULL WHEN ${value} <= ${double(first.x)} THEN ${double(first.y)} WHEN ${value} >= ${double(last.x)} THEN ${double(last.y)} ELSE ${inner} END`
}

function between(knots: readonly Knot[], value: string, from: number, to: number): string {
  const [left, right] = [knots[from] as Knot, knots[to] as Knot]
  if (from === to) return double(left.y)
  if (to - from === 1) {
    const slope = (right.y - left.y) / (right.x - left.x)
    return `${double(left.y)} + ${double(slope)} * (${value} - ${double(left.x)})`
  }
  const middle = (from + to) >> 1
  return `CASE WHEN ${value} < ${double((knots[middle] as Knot).x)} THEN ${between(knots, value, from, middle)} ELSE ${between(knots, value, middle, to)} END`
}

const double = (number: number): string => `${literal(number)}::DOUBLE`
