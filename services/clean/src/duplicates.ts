// Finds the rows whose key stands in another row that is kept, exactly and in bounded memory.
//
// A 64-bit hash of every key goes into a table; hashes that occur more than once are found in slices of it, so that no
// aggregate holds more than `sliceRows` groups. Only rows with such a hash are compared by their values: within their
// part at once, and what a part keeps with the other parts, again in slices.

import type { Column } from '@meshwork/contracts'
import { ident, identList, type PartSource } from '@meshwork/kit'
import { row } from './layer.ts'
import type { TableState } from './table-state.ts'

/** bitstring_agg() makes no longer ones. */
const rowsMax = 1_000_000_000

export interface Search {
  readonly key: readonly Column[]
  readonly keep: 'first' | 'last'
  /** Begins the names of what is made in the session. */
  readonly name: string
  readonly passed: (rows: number, message: string) => void
  readonly sliceRows?: number
  /** SQL of a hash of columns; equal keys have equal hashes. */
  readonly hash?: (columns: string) => string
}

export interface Duplicates {
  /** Rows that go, for each part. */
  readonly removed: readonly number[]
  /** SQL of a bit string that has their bits set; there for every lane until the session ends. */
  readonly mask: string
}

export async function findDuplicates(state: TableState, search: Search): Promise<Duplicates | undefined> {
  const { tables, parts, baseRows } = state
  if (baseRows > rowsMax) throw new RangeError(`deduplicate reads at most ${rowsMax} rows`)
  const suspected = await findDoubtful(state, search)
  if (suspected.rows === 0) return undefined
  await compare(state, search, suspected)
  const gone = ident(`${search.name}_gone`)
  const removed = parts.map(() => 0)
  for (const { p, n } of await tables.query(`SELECT p, count(*) AS n FROM ${gone} GROUP BY p`))
    removed[Number(p)] = Number(n)
  if (removed.every(rows => rows === 0)) return undefined
  const mask = `${search.name}_mask`
  for (let lane = 0; lane < tables.session.lanes; lane++)
    await tables.session.run(`SET VARIABLE ${mask} = (SELECT bitstring_agg(r, 0, ${baseRows - 1}) FROM ${gone})`, lane)
  await tables.session.run(`DROP TABLE ${gone}`)
  return { removed, mask: `getvariable('${mask}')` }
}

interface Suspected {
  /** Rows whose hash other rows have too. */
  readonly rows: number
  /** Whether those are so many that to compare all rows costs less than to sort out the others. */
  readonly most: boolean
}

/** Fills the table of hashes that several rows have. */
async function findDoubtful(state: TableState, search: Search): Promise<Suspected> {
  const { session } = state.tables
  const [hashes, doubtful] = [ident(`${search.name}_hashes`), ident(`${search.name}_doubtful`)]
  const names = search.key.map(({ name }) => name)
  await session.run(`CREATE TABLE ${hashes} (h UBIGINT)`)
  const left = await session.each(state.parts, async (part, lane) => {
    const insert = `INSERT INTO ${hashes} SELECT ${hashOf(search)} FROM ${state.from(names, part)}`
    const [inserted] = await state.tables.query(insert, lane)
    search.passed(part.rows, 'looking for duplicates')
    return Number(Object.values(inserted ?? {})[0] ?? 0)
  })
  if (state.countsItself) state.countedAs(left)
  await session.run(`CREATE TABLE ${doubtful} (h UBIGINT, n BIGINT)`)
  const total = left.reduce((sum, rows) => sum + rows, 0)
  const slices = slicesOf(total, session.lanes, search)
  await session.each(slices, async (slice, lane) => {
    const some = `SELECT h, count(*) FROM ${hashes} WHERE h % ${slices.length} = ${slice}`
    await session.run(`INSERT INTO ${doubtful} ${some} GROUP BY h HAVING count(*) > 1`, lane)
  })
  await session.run(`DROP TABLE ${hashes}`)
  const [found] = await state.tables.query(`SELECT coalesce(sum(n), 0)::BIGINT AS n FROM ${doubtful}`)
  const rows = Number(found?.['n'])
  return { rows, most: rows > total / 2 }
}

/** Fills the table of rows that go. */
async function compare(state: TableState, search: Search, suspected: Suspected): Promise<void> {
  const { session } = state.tables
  const [doubtful, gone] = [ident(`${search.name}_doubtful`), ident(`${search.name}_gone`)]
  const names = search.key.map(({ name }) => name)
  const keys = names.map((_, i) => `k${i}`).join(', ')
  const suspects = (part: PartSource) => {
    const values = names.map((name, i) => `${ident(name)} AS k${i}`)
    const list = [`${row} AS r`, `${part.index} AS p`, `${hashOf(search)} AS h`, ...values]
    const doubt = suspected.most ? '' : ` WHERE h IN (SELECT h FROM ${doubtful})`
    return `SELECT * FROM ${state.fromWithRow(names, part, list)}${doubt}`
  }
  /** Of rows with one key, the one that stays. */
  const kept = (from: string) =>
    `SELECT ${search.keep === 'first' ? 'min' : 'max'}(r) AS r, any_value(p) AS p, h, ${keys} FROM ${from} GROUP BY h, ${keys}`
  const rest = (from: string, stays: string) => `SELECT r, p FROM ${from} WHERE r NOT IN (SELECT r FROM ${stays})`

  const [first] = state.parts
  if (first === undefined) return
  const slices = slicesOf(suspected.rows, 1, search).map(slice => ({
    slice,
    table: ident(`${search.name}_slice_${slice}`),
  }))
  for (const { table } of slices) await session.run(`CREATE TABLE ${table} AS ${suspects(first)} LIMIT 0`)
  await session.run(`CREATE TABLE ${gone} (r BIGINT, p INTEGER)`)
  await session.each(state.parts, async (part, lane) => {
    const [near, stays] = [ident(`${search.name}_part_${lane}`), ident(`${search.name}_stays_${lane}`)]
    await session.run(`CREATE TABLE ${near} AS ${suspects(part)}`, lane)
    await session.run(`CREATE TABLE ${stays} AS ${kept(near)}`, lane)
    await session.run(`INSERT INTO ${gone} ${rest(near, stays)}`, lane)
    for (const { slice, table } of slices)
      await session.run(`INSERT INTO ${table} SELECT * FROM ${stays} WHERE h % ${slices.length} = ${slice}`, lane)
    await session.run(`DROP TABLE ${near}; DROP TABLE ${stays}`, lane)
    search.passed(part.rows, 'comparing duplicates')
  })
  await session.each(slices, async ({ table }, lane) => {
    await session.run(`INSERT INTO ${gone} ${rest(table, `(${kept(table)})`)}`, lane)
    await session.run(`DROP TABLE ${table}`, lane)
  })
  await session.run(`DROP TABLE ${doubtful}`)
}

function hashOf({ key, hash }: Search): string {
  const columns = identList(key.map(({ name }) => name))
  return hash === undefined ? `hash(${columns})` : hash(columns)
}

/** Numbers of as many slices as keep each under `sliceRows`, and at least so many. */
function slicesOf(rows: number, atLeast: number, { sliceRows = 2_000_000 }: Search): number[] {
  return Array.from({ length: Math.max(atLeast, Math.ceil(rows / sliceRows)) }, (_, i) => i)
}
