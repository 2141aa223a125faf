import type { JsonSchema } from './json-schema.ts'
import { type NumberShape, whole } from './shape.ts'

export function numberShape(schema: JsonSchema, integer: boolean): NumberShape {
  const keyword = (name: string) => (typeof schema[name] === 'number' ? schema[name] : undefined)
  let min = keyword('minimum') ?? Number.NEGATIVE_INFINITY
  let max = keyword('maximum') ?? Number.POSITIVE_INFINITY
  let minExcluded = false
  let maxExcluded = false
  const above = keyword('exclusiveMinimum')
  const below = keyword('exclusiveMaximum')
  if (above !== undefined && above >= min) [min, minExcluded] = [above, true]
  if (below !== undefined && below <= max) [max, maxExcluded] = [below, true]
  const given = keyword('multipleOf')
  const multipleOf = integer ? (given === undefined ? 1 : wholeMultiple(given)) : given
  const opaque = integer && given !== undefined && multipleOf !== given && given !== 1 ? [`multipleOf:${given}`] : []
  const shape: NumberShape = {
    ...(whole('number') as NumberShape),
    min,
    max,
    minExcluded,
    maxExcluded,
    multipleOf,
    opaque,
  }
  return tightened(shape)
}

/** Of an integer that is also a multiple of this: the least step that is known of it. */
const wholeMultiple = (given: number): number => (Number.isInteger(given) ? given : 1)

/** Bounds of whole multiples lie on multiples: integer > 0 is integer ≥ 1. */
export function tightened(shape: NumberShape): NumberShape {
  const step = shape.multipleOf
  if (step === undefined || !Number.isInteger(step) || step < 1) return shape
  let { min, max } = shape
  if (Number.isFinite(min)) {
    const up = Math.ceil(min / step) * step
    min = shape.minExcluded && up === min ? up + step : up
  }
  if (Number.isFinite(max)) {
    const down = Math.floor(max / step) * step
    max = shape.maxExcluded && down === max ? down - step : down
  }
  return {
    ...shape,
    min,
    max,
    minExcluded: shape.minExcluded && !Number.isFinite(min),
    maxExcluded: shape.maxExcluded && !Number.isFinite(max),
  }
}

export function isMultiple(of: number, step: number): boolean {
  const quotient = of / step
  return Math.round(quotient) !== 0 && Math.abs(quotient - Math.round(quotient)) < 1e-9
}
