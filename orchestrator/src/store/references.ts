// Which hashes of artefacts the database names: in parameters, outputs, signals, workflows and schedules. Any text of 64
// hexadecimal digits counts, so nothing is missed for the shape it has.

import type { Database } from './database.ts'

export interface References {
  readonly hashes: readonly string[]
  readonly datasets: readonly string[]
  /** Where the next page begins; nothing where this was the last. */
  readonly next: ReferencePlace | undefined
}

export type ReferencePlace =
  | { readonly kind: 'definitions' }
  /** After this run. */
  | { readonly kind: 'runs'; readonly id: string }
  /** After this step of this run. */
  | { readonly kind: 'steps'; readonly id: string; readonly step: string }

const rowsMax = 1000
const firstId = '00000000-0000-0000-0000-000000000000'

const namedIn = (values: string) => `
  SELECT coalesce((SELECT array_agg(DISTINCT m[1]) FROM v, regexp_matches(v.value::text, '[0-9a-f]{64}', 'g') AS m), '{}') AS hashes,
    coalesce((SELECT array_agg(DISTINCT d->>'hash') FROM v, jsonb_path_query(v.value, 'strict $.** ? (@.kind == "dataset")') AS d
      WHERE d->>'hash' ~ '^[0-9a-f]{64}$'), '{}') AS datasets, ${values}`

interface PageRow extends Record<string, unknown> {
  hashes: string[]
  datasets: string[]
  rows: number
  id: string | null
  step: string | null
}

const definitionsSql = `
  WITH v AS (SELECT document AS value FROM workflow UNION ALL SELECT definition FROM schedule)
  ${namedIn('0 AS rows, NULL AS id, NULL AS step')}`

/** Runs that have not ended, and those that ended since $3, or all. */
const recently = '($3::timestamptz IS NULL OR run.ended_at IS NULL OR run.ended_at >= $3)'

const runsSql = `
  WITH page AS (
    SELECT id, params, outputs FROM run WHERE id > $1::uuid AND ${recently} ORDER BY id LIMIT $2
  ), v AS (
    SELECT params AS value FROM page UNION ALL SELECT outputs FROM page WHERE outputs IS NOT NULL
    UNION ALL SELECT data FROM signal JOIN page ON run_id = page.id
  )
  ${namedIn('(SELECT count(*)::int FROM page) AS rows, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS id, NULL AS step')}`

const stepsSql = `
  WITH page AS (
    SELECT step.run_id AS id, step.name, step.output FROM step JOIN run ON run.id = step.run_id
    WHERE (step.run_id, step.name) > ($1::uuid, $4::text) AND ${recently} ORDER BY step.run_id, step.name LIMIT $2
  ), v AS (
    SELECT output AS value FROM page WHERE output IS NOT NULL
  )
  ${namedIn(`(SELECT count(*)::int FROM page) AS rows, (SELECT id FROM page ORDER BY id DESC, name DESC LIMIT 1) AS id,
    (SELECT name FROM page ORDER BY id DESC, name DESC LIMIT 1) AS step`)}`

/** `since`: of runs only those that have not ended, and those that ended since. */
export async function readReferences(
  database: Database,
  place: ReferencePlace,
  since: Date | null,
): Promise<References> {
  const ask = async (sql: string, ...values: unknown[]) =>
    (await database.readers.query<PageRow>(sql, values))[0] as PageRow
  if (place.kind === 'definitions') {
    const { hashes, datasets } = await ask(definitionsSql)
    return { hashes, datasets, next: { kind: 'runs', id: firstId } }
  }
  if (place.kind === 'runs') {
    const { hashes, datasets, rows, id } = await ask(runsSql, place.id, rowsMax, since)
    const more = rows === rowsMax && id !== null
    return { hashes, datasets, next: more ? { kind: 'runs', id } : { kind: 'steps', id: firstId, step: '' } }
  }
  const { hashes, datasets, rows, id, step } = await ask(stepsSql, place.id, rowsMax, since, place.step)
  const more = rows === rowsMax && id !== null && step !== null
  return { hashes, datasets, next: more ? { kind: 'steps', id, step } : undefined }
}
