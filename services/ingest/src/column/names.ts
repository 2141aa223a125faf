// Names of columns from what a file calls them: allowed characters, and no two that differ by case alone.

import { columnNameMaxLength } from '@meshwork/contracts'

/** Names in order, and what had to be changed. */
export function columnNames(found: readonly string[]): { names: string[]; warnings: string[] } {
  const taken = new Set<string>()
  const warnings: string[] = []
  const plain = found.map((name, i) => clean(name) || `column_${i + 1}`)
  const wanted = new Set(plain.map(name => name.toLowerCase()))
  const names = plain.map((name, i) => {
    let free = name
    for (let n = 2; taken.has(free.toLowerCase()) || (free !== name && wanted.has(free.toLowerCase())); n++)
      free = `${name.slice(0, columnNameMaxLength - 12)}_${n}`
    taken.add(free.toLowerCase())
    const was = found[i] ?? ''
    if (free === was || free === was.trim()) return free
    if (was.trim() === '') warnings.push(`Column ${i + 1} has no name; it is called "${free}".`)
    else if (free !== name)
      warnings.push(`Column ${i + 1} is named "${clean(was)}" like another; it is called "${free}".`)
    else warnings.push(`The name of column ${i + 1} was changed to "${free}".`)
    return free
  })
  return { names, warnings }
}

// Control characters may not stand in a name; a long one is cut.
const clean = (name: string): string =>
  name
    .trim()
    // oxlint-disable-next-line no-control-regex -- they are what is replaced
    .replace(/[\u0000-\u001f\u007f]+/g, '_')
    .slice(0, columnNameMaxLength)
    .trim()
