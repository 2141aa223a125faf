// A dataset as something to select from. Column groups of a part stand side by side and are joined by position;
// a group of which no column is asked for is not read.

import type { Column, DatasetManifest } from '@meshwork/contracts'
import { duckType } from './column-type.ts'
import { ident, text } from './sql.ts'

export interface PartSource {
  readonly index: number
  readonly rows: number
  /** Rows in the parts before this one. */
  readonly firstRow: number
  /** A FROM item with these columns (all without the list), in parentheses. */
  from(columns?: readonly string[]): string
}

export class Dataset {
  readonly manifest: DatasetManifest
  readonly columns: readonly Column[]
  readonly rows: number
  readonly parts: readonly PartSource[]
  readonly #pathOf: (hash: string) => string

  constructor(manifest: DatasetManifest, pathOf: (hash: string) => string) {
    this.manifest = manifest
    this.columns = manifest.columns
    this.rows = manifest.rows
    this.#pathOf = pathOf
    let firstRow = 0
    this.parts = manifest.parts.map((part, index) => {
      const source = {
        index,
        rows: part.rows,
        firstRow,
        from: (columns?: readonly string[]) => this.#select([index], columns),
      }
      firstRow += part.rows
      return source
    })
  }

  /** A FROM item over all parts in order, with these columns (all without the list), in parentheses. */
  from(columns?: readonly string[]): string {
    if (this.parts.length === 0) return emptySource(this.columns).from(columns)
    return this.#select(
      this.parts.map(({ index }) => index),
      columns,
    )
  }

  #select(parts: readonly number[], columns?: readonly string[]): string {
    const wanted = columns ?? this.columns.map(({ name }) => name)
    const [first] = parts.map(index => this.manifest.parts[index])
    if (!first) throw new RangeError('no such part')
    const holder = (name: string) => first.groups.findIndex(group => group.columns.some(column => column.name === name))
    const places = new Map(wanted.map(name => [name, holder(name)]))
    for (const [name, place] of places) if (place < 0) throw new Error(`column ${name} is not in the dataset`)
    const groups = [...new Set(places.values())].sort((a, b) => a - b)
    if (groups.length === 0) groups.push(0)
    const sources = groups.map(group => {
      const files = parts.map(part => text(this.#pathOf(this.manifest.parts[part]?.groups[group]?.hash ?? '')))
      return `read_parquet([${files.join(', ')}]) AS g${group}`
    })
    const list = wanted.map(name => `g${places.get(name)}.${ident(name)}`).join(', ')
    return `(SELECT ${list || '1'} FROM ${sources.join(' POSITIONAL JOIN ')})`
  }
}

/** What stands for a part of a dataset without rows: the right columns, and nothing in them. */
export function emptySource(columns: readonly Column[]): PartSource {
  const typed = (wanted: readonly string[]) =>
    columns
      .filter(({ name }) => wanted.includes(name))
      .map(({ name, type }) => `NULL::${duckType(type)} AS ${ident(name)}`)
      .join(', ')
  const from = (wanted = columns.map(({ name }) => name)) => `(SELECT ${typed(wanted) || '1'} WHERE false)`
  return { index: 0, rows: 0, firstRow: 0, from }
}
