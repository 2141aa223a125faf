import type { NumberShape } from './shape.ts'

/** Fractions of a power of two divide without rounding; for others, validators disagree about multiples. */
const isExact = (step: number): boolean => Number.isInteger(step * 2 ** 20) && Math.abs(step) < 2 ** 31

/** Is every multiple of `multiple` one of `step`? Undefined where rounding decides. */
export function divides(step: number, multiple: number): boolean | undefined {
  if (step === multiple) return true
  if (!isExact(step) || !isExact(multiple)) return undefined
  return Number.isInteger(multiple / step)
}

export function isMultiple(value: number, step: number): boolean | undefined {
  const quotient = value / step
  if (Number.isInteger(quotient)) return isExact(step) || value === 0 ? true : undefined
  return Math.abs(quotient - Math.round(quotient)) < 1e-6 ? undefined : false
}

/** Bounds moved to the nearest value that can be reached, when the step is a whole number. */
export function tightened(shape: NumberShape): NumberShape {
  const { step } = shape
  if (step === undefined || !Number.isInteger(step) || step <= 0) return shape
  let { min, minOpen, max, maxOpen } = shape
  if (Number.isFinite(min)) {
    const least = Math.ceil(min / step) * step
    min = minOpen && least === min ? least + step : least
    minOpen = false
  }
  if (Number.isFinite(max)) {
    const most = Math.floor(max / step) * step
    max = maxOpen && most === max ? most - step : most
    maxOpen = false
  }
  if (!Number.isSafeInteger(min) && Number.isFinite(min)) return shape
  if (!Number.isSafeInteger(max) && Number.isFinite(max)) return shape
  return { ...shape, min, minOpen, max, maxOpen }
}
