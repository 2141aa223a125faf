// Finds the rows whose key stands in another row that is kept, exactly and in bounded memory.
//
// A 64-bit hash of every key goes into a table; hashes that occur more than once are found in slices of it, so that no
// aggregate holds more than `sliceRows` groups; only rows with such a hash are compared by their values.

import type { Column } from '@meshwork/contracts'
import { ident } from '@meshwork/kit'
import { row } from './layer.ts'
import type { TableState } from './table-state.ts'

const sliceRows = 1_000_000
/** bitstring_agg() makes no longer ones. */
const rowsMax = 1_000_000_000

export interface Duplicates {
  /** Rows that go, for each part. */
  readonly removed: readonly number[]
  /** SQL of a bit string that has their bits set; there for every lane until the session ends. */
  readonly mask: string
}

export async function findDuplicates(
  state: TableState,
  key: readonly Column[],
  keep: 'first' | 'last',
  name: string,
  passed: (rows: number, message: string) => void,
): Promise<Duplicates | undefined> {
  const { tables, parts } = state
  if (state.baseRows > rowsMax) throw new RangeError(`deduplicate reads at most ${rowsMax} rows`)
  const names = key.map(column => column.name)
  const hash = `hash(${names.map(ident).join(', ')})`
  const [hashes, doubtful, suspects, gone] = ['hashes', 'doubtful', 'suspects', 'gone'].map(table =>
    ident(`${name}_${table}`),
  ) as [string, string, string, string]

  await tables.session.run(`CREATE TABLE ${hashes} (h UBIGINT)`)
  const left = await tables.session.each(parts, async (part, lane) => {
    const insert = `INSERT INTO ${hashes} SELECT ${hash} FROM ${state.from(names, part)}`
    const [row] = await tables.query(insert, lane)
    passed(part.rows, 'looking for duplicates')
    return Number(Object.values(row ?? {})[0] ?? 0)
  })
  if (state.countsItself) state.countedAs(left)

  await tables.session.run(`CREATE TABLE ${doubtful} (h UBIGINT)`)
  const slices = slicesOf(
    left.reduce((total, rows) => total + rows, 0),
    tables.session.lanes,
  )
  await tables.session.each(slices, (slice, lane) =>
    tables.session.run(
      `INSERT INTO ${doubtful} SELECT h FROM ${hashes} WHERE h % ${slices.length} = ${slice} GROUP BY h HAVING count(*) > 1`,
      lane,
    ),
  )
  await tables.session.run(`DROP TABLE ${hashes}`)
  const [found] = await tables.query(`SELECT count(*) AS n FROM ${doubtful}`)
  if (found?.['n'] === 0) return undefined

  const keys = names.map((_, i) => `k${i}`)
  const typed = names.map((column, i) => `${ident(column)} AS k${i}`)
  const first = parts[0]
  if (first === undefined) return undefined
  const rowsOf = (part: typeof first) =>
    `SELECT * FROM ${state.fromWithRow(names, part, [`${row} AS r`, `${part.index} AS p`, `${hash} AS h`, ...typed])}`
  await tables.session.run(`CREATE TABLE ${suspects} AS ${rowsOf(first)} WHERE FALSE`)
  await tables.session.each(parts, async (part, lane) => {
    await tables.session.run(`INSERT INTO ${suspects} ${rowsOf(part)} WHERE h IN (SELECT h FROM ${doubtful})`, lane)
    passed(part.rows, 'comparing duplicates')
  })
  const [suspected] = await tables.query(`SELECT count(*) AS n FROM ${suspects}`)
  await tables.session.run(`CREATE TABLE ${gone} (r BIGINT, p INTEGER)`)
  const groups = slicesOf(Number(suspected?.['n']), 1)
  const order = keep === 'first' ? 'r' : 'r DESC'
  for (const group of groups)
    await tables.session.run(
      `INSERT INTO ${gone} SELECT r, p FROM (SELECT r, p, row_number() OVER (PARTITION BY h, ${keys.join(', ')} ORDER BY ${order}) AS n
       FROM ${suspects} WHERE h % ${groups.length} = ${group}) WHERE n > 1`,
    )
  for (let lane = 0; lane < tables.session.lanes; lane++)
    await tables.session.run(
      `SET VARIABLE ${name}_mask = (SELECT bitstring_agg(r, 0, ${state.baseRows - 1}) FROM ${gone})`,
      lane,
    )
  const removed = parts.map(() => 0)
  for (const counted of await tables.query(`SELECT p, count(*) AS n FROM ${gone} GROUP BY p`))
    removed[Number(counted['p'])] = Number(counted['n'])
  for (const table of [doubtful, suspects, gone]) await tables.session.run(`DROP TABLE ${table}`)
  return { removed, mask: `getvariable('${name}_mask')` }
}

/** Numbers of as many slices as keep each under `sliceRows`, and at least one for each lane. */
function slicesOf(rows: number, lanes: number): number[] {
  return Array.from({ length: Math.max(lanes, Math.ceil(rows / sliceRows)) }, (_, i) => i)
}
