// Numbers for people: digits in groups of three, as many decimals as mean something.

const minus = (text: string) => text.replace('-', '\u2212')

/** A whole number. Numbers of one column that are all below 10,000 may be years: those are not grouped. */
export function count(value: number, grouping: 'grouped' | 'plain' = 'grouped'): string {
  const digits = String(Math.abs(Math.round(value)))
  const grouped = grouping === 'grouped' ? digits.replace(/\B(?=(\d{3})+$)/g, ',') : digits
  return minus(value < 0 && grouped !== '0' ? `-${grouped}` : grouped)
}

export const percent = (share: number): string => `${minus((share * 100).toFixed(1))} %`

/** A figure that stands alone: four digits that mean something. */
export function plain(value: number): string {
  if (Number.isInteger(value)) return count(value)
  const size = Math.abs(value)
  if (size >= 1e15 || size < 1e-4) return minus(value.toExponential(2))
  return fixed(value, Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(size)))))
}

/** A bound or a threshold, as somebody wrote it. */
export const written = (value: number): string => minus(String(Number(value.toPrecision(6))))

/** A number with this many decimals, its whole part in groups. */
export function fixed(value: number, decimals: number): string {
  const [whole = '', part] = Math.abs(value).toFixed(decimals).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  const text = part === undefined ? grouped : `${grouped}.${part}`
  return value < 0 && /[1-9]/.test(text) ? minus(`-${text}`) : text
}

/** Decimals that suit a whole column: its largest number decides, so that the points stand below each other. */
export function decimalsOf(values: readonly number[]): number {
  const sizes = values.map(Math.abs).filter(size => size > 0 && Number.isFinite(size))
  if (sizes.length === 0 || values.every(Number.isInteger)) return 0
  const largest = sizes.reduce((a, b) => Math.max(a, b))
  return Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(largest))))
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}
