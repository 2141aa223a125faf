// Numbers as a reader wants them: few ticks, and units.

import type { Unit } from '../dashboards/board.ts'

/** A round number that is not less than `value`: 1, 2 or 5 times a power of ten. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 5, 10].find(times => times * power >= value * 0.999) ?? 10
  return step * power
}

export function readable(value: number, unit: Unit): string {
  if (unit === 'percentunit') return `${short(value * 100)} %`
  if (unit === 's') return seconds(value)
  if (unit === 'bytes') return bytes(value)
  if (unit === 'ops' || unit === 'reqps' || unit === 'rowsps') return `${thousands(value)}/s`
  return thousands(value)
}

const short = (value: number): string => String(Number(value.toPrecision(3)))

function seconds(value: number): string {
  if (value === 0) return '0 s'
  if (value < 1) return `${short(value * 1000)} ms`
  if (value < 120) return `${short(value)} s`
  return value < 7200 ? `${short(value / 60)} min` : `${short(value / 3600)} h`
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const at = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10))
  return `${short(value / 1024 ** at)} ${units[at]}`
}

function thousands(value: number): string {
  if (Math.abs(value) >= 1e6) return `${short(value / 1e6)} M`
  return Math.abs(value) >= 1e4 ? `${short(value / 1e3)} k` : short(value)
}
