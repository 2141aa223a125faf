import { columnNameMaxLength } from '@meshwork/contracts'

/**
 * Column names for categories in their order: `<name>_<category>`, control characters as `_`, cut to the longest
 * allowed, and a number behind those that would be equal but for case.
 */
export function categoryNames(name: string, categories: readonly string[]): string[] {
  const taken = new Set<string>()
  return categories.map(category => {
    // oxlint-disable-next-line no-control-regex -- these are what a column name may not have
    const whole = `${name}_${category}`.replace(/[\u0000-\u001f\u007f]/g, '_')
    for (let number = 1; ; number++) {
      const suffix = number === 1 ? '' : `_${number}`
      const candidate = cut(whole, columnNameMaxLength - suffix.length) + suffix
      if (taken.has(candidate.toLowerCase())) continue
      taken.add(candidate.toLowerCase())
      return candidate
    }
  })
}

/** The first characters of a text, at most so many UTF-16 units and no half of a pair. */
function cut(text: string, units: number): string {
  if (text.length <= units) return text
  const short = text.slice(0, units)
  return /[\ud800-\udbff]$/.test(short) ? short.slice(0, -1) : short
}
