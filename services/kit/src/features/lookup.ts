// Categories and their numbers, as SQL that finds the number of a value without a join (joins may reorder rows).
//
// Measured on 3,000,000 rows, two lanes: 228 categories as a MAP 40 ms, as an ENUM and a list 90 ms, as CASE 500 ms;
// 10,000 categories as ENUM and list 270 ms. DuckDB searches a MAP one by one, but once for each value of a dictionary.

import type { FeatureTables } from './feature.ts'
import { ident } from '../data/sql.ts'

const mapCategoriesMax = 300

/** Makes the lookup for every lane; answers SQL that gives null where the category is not known. */
export async function makeLookup(
  tables: FeatureTables,
  name: string,
  categories: readonly (readonly [category: string, value: number])[],
): Promise<(key: string) => string> {
  if (categories.length === 0) return () => 'NULL::DOUBLE'
  const { session } = tables
  const table = ident(`${name}_values`)
  await session.run(`CREATE TABLE ${table} (k VARCHAR, v DOUBLE)`)
  await session.guard(async () => {
    const appender = await session.connection().createAppender(`${name}_values`)
    for (const [category, value] of categories) {
      appender.appendVarchar(category)
      appender.appendDouble(value)
      appender.endRow()
    }
    appender.closeSync()
  })
  const map = categories.length <= mapCategoriesMax
  const variable = `${name}_lookup`
  const value = map ? 'map_from_entries(list((k, v) ORDER BY k))' : 'list(v ORDER BY k)'
  if (!map) await session.run(`CREATE TYPE ${ident(`${name}_key`)} AS ENUM (SELECT k FROM ${table} ORDER BY k)`)
  for (let lane = 0; lane < session.lanes; lane++)
    await session.run(`SET VARIABLE ${variable} = (SELECT ${value} FROM ${table})`, lane)
  await session.run(`DROP TABLE ${table}`)
  return key =>
    map
      ? `getvariable('${variable}')[${key}]`
      : `getvariable('${variable}')[enum_code(TRY_CAST(${key} AS ${ident(`${name}_key`)})) + 1]`
}
