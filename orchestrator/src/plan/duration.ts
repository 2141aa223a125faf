import type { Duration } from '@meshwork/contracts'

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The shortest text for so many milliseconds. */
export function durationText(ms: number): string {
  const unit = ['h', 'm', 's'].find(one => ms % (units[one] as number) === 0) ?? 'ms'
  return `${ms / (units[unit] as number)}${unit}`
}

/** Milliseconds of "500ms", "90s", "10m", "2h", "7d" or a number of seconds. */
export function durationMs(duration: Duration): number {
  if (typeof duration === 'number') return Math.round(duration * 1000)
  const [, amount, unit] = /^([0-9.]+)(ms|s|m|h|d)$/.exec(duration) ?? []
  return Math.round(Number(amount) * (units[unit ?? ''] ?? Number.NaN))
}
