// Text of SQL from values. Everything that is not written by us goes through here.

/** A quoted identifier. */
export const ident = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A quoted string literal. */
export const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** A literal of a JSON scalar. Numbers keep their shortest round-trip form. */
export function literal(value: string | number | boolean | null): string {
  if (value === null) return 'NULL'
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (typeof value === 'string') return text(value)
  if (!Number.isFinite(value)) throw new RangeError(`${value} has no SQL literal`)
  return Number.isInteger(value) && Math.abs(value) < 2 ** 53 ? String(value) : `${text(String(value))}::DOUBLE`
}

export const identList = (names: readonly string[]): string => names.map(ident).join(', ')
