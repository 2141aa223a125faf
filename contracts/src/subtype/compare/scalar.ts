import { divides } from '../number.ts'
import type { NumberShape, StringShape } from '../shape.ts'
import { type Finding, no, unknown } from './finding.ts'

/** Unbounded integers end where JSON ceases to carry them exactly (RFC 7493, 2.2): a schema need not say so. */
const reachOf = (shape: NumberShape): NumberShape => {
  if (shape.step === undefined || !Number.isInteger(shape.step)) return shape
  const most = Number.MAX_SAFE_INTEGER
  return { ...shape, min: shape.min === -Infinity ? -most : shape.min, max: shape.max === Infinity ? most : shape.max }
}

export function* compareNumbers(given: NumberShape, b: NumberShape): Iterable<Finding> {
  const a = b.max >= Number.MAX_SAFE_INTEGER || b.min <= -Number.MAX_SAFE_INTEGER ? reachOf(given) : given
  if (a.min < b.min) yield no('minimum', `may be less than ${b.min}${a.min > -Infinity ? `, down to ${a.min}` : ''}`)
  else if (a.min === b.min && b.minOpen && !a.minOpen) yield no('minimum', `may be ${b.min} and must be more`)
  if (a.max > b.max) yield no('maximum', `may be more than ${b.max}${a.max < Infinity ? `, up to ${a.max}` : ''}`)
  else if (a.max === b.max && b.maxOpen && !a.maxOpen) yield no('maximum', `may be ${b.max} and must be less`)
  if (b.step === undefined) return
  const divided = a.step === undefined ? false : divides(b.step, a.step)
  if (divided) return
  const reason = b.step === 1 ? 'number is not integer' : `is not always a multiple of ${b.step}`
  const certain = divided === false && a.min === -Infinity && a.max === Infinity
  yield certain || (b.step === 1 && a.step === undefined && a.max - a.min >= 1)
    ? no('multiple', reason)
    : unknown('multiple', reason)
}

export function* compareStrings(a: StringShape, b: StringShape): Iterable<Finding> {
  const free = a.patterns.length === 0 && a.formats.length === 0
  const say = free ? no : unknown
  if (a.min < b.min) yield say('length', b.min === 1 ? 'may be empty' : `may be shorter than ${b.min} characters`)
  if (a.max > b.max) yield say('length', `may be longer than ${b.max} characters`)
  const open = free && a.max >= 64 ? no : unknown
  for (const pattern of b.patterns)
    if (!a.patterns.includes(pattern)) yield open('pattern', `need not match ${pattern}`)
  for (const format of b.formats) if (!a.formats.includes(format)) yield open('format', `need not be a valid ${format}`)
}

/** Do several ranges together hold all of one? Only where every candidate takes the numbers in between. */
export function isCovered(a: NumberShape, candidates: readonly NumberShape[]): boolean {
  const usable = candidates.filter(
    b =>
      b.opaque.length === 0 && !b.values && (b.step === undefined || (a.step !== undefined && divides(b.step, a.step))),
  )
  let { min, minOpen } = a
  for (const b of usable.toSorted((x, y) => x.min - y.min)) {
    if (b.max < min) continue
    const touches =
      b.min < min ||
      (b.min === min && (!b.minOpen || minOpen)) ||
      (a.step === 1 && Number.isInteger(min) && !minOpen && b.min <= min && !b.minOpen)
    if (!touches) continue
    if (b.max > a.max || (b.max === a.max && (!b.maxOpen || a.maxOpen))) return true
    if (a.step === 1 && Number.isInteger(b.max) && !b.maxOpen) [min, minOpen] = [b.max + 1, false]
    else [min, minOpen] = [b.max, !b.maxOpen]
  }
  return false
}
