// The largest slices of each column of the table `judged`, and numbers that stand for them.

import { ident, type Session, type Tables } from '@meshwork/kit'
import type { SliceTerm } from './terms.ts'

export interface Slice {
  readonly by: string
  readonly value: string | null
  readonly rows: number
}

export interface Slicing {
  readonly by: string
  readonly slices: readonly Slice[]
}

const top = (i: number) => `top${i}`
const column = (i: number) => ident(`s${i}`)

/** Makes a table top<i> of each slicing; `valid` is a condition over `judged`. */
export async function largestSlices(
  tables: Tables,
  terms: readonly SliceTerm[],
  max: number,
  valid: string,
): Promise<Slicing[]> {
  return await tables.session.each(terms, async ({ by }, lane, i) => {
    await tables.session.run(
      `CREATE TABLE ${top(i)} AS SELECT CAST(row_number() OVER () AS USMALLINT) AS id, v, n FROM (
         SELECT ${column(i)} AS v, count(*) AS n FROM judged WHERE ${valid} GROUP BY v
         ORDER BY n DESC, v ASC NULLS LAST LIMIT ${max})`,
      lane,
    )
    const rows = await tables.query(`SELECT v, n FROM ${top(i)} ORDER BY id`, lane)
    return { by, slices: rows.map(({ v, n }) => ({ by, value: v as string | null, rows: Number(n) })) }
  })
}

/** FROM item of `judged` with the number of its slice for each slicing: i0, i1, …; 0 for a slice that is not among the largest. */
export function numbered(terms: readonly SliceTerm[], valid: string): string {
  const numbers = terms.map((_, i) => `, coalesce(${top(i)}.id, 0::USMALLINT) AS i${i}`).join('')
  const joins = terms.map((_, i) => ` LEFT JOIN ${top(i)} ON ${top(i)}.v IS NOT DISTINCT FROM ${column(i)}`).join('')
  return `(SELECT judged.*${numbers} FROM judged${joins} WHERE ${valid})`
}

/** Streams a select of numeric columns, chunk by chunk, in constant memory. */
export async function scanNumbers(
  session: Session,
  select: string,
  take: (columns: readonly ArrayLike<number>[], rows: number) => void,
): Promise<void> {
  const result = await session.guard(() => session.connection().stream(select))
  for (;;) {
    const chunk = await session.guard(() => result.fetchChunk())
    if (!chunk || chunk.rowCount === 0) return
    const columns = Array.from(
      { length: chunk.columnCount },
      (_, i) => (chunk.getColumnVector(i) as unknown as { items: ArrayLike<number> }).items,
    )
    take(columns, chunk.rowCount)
  }
}
