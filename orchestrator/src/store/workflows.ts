import type { WorkflowDocument } from '@meshwork/contracts'
import type { Plan } from '../plan/plan.ts'
import { Batcher } from './batcher.ts'
import type { Database } from './database.ts'
import type { WorkflowRow } from './rows.ts'

export interface NewWorkflow {
  readonly document: WorkflowDocument
  readonly source: string
  readonly hash: string
  readonly plan: Plan
}

/** Versions of workflows. They are never changed; a changed document is the next version. */
export class Workflows {
  readonly #database: Database
  readonly #reading: Batcher<Asked, WorkflowRow | undefined>

  constructor(database: Database) {
    this.#database = database
    this.#reading = new Batcher({ max: 256, write: asked => this.#read(asked) })
  }

  /** The newest version if it has this hash, or else the next one. */
  async register({ document, source, hash, plan }: NewWorkflow): Promise<{ created: boolean; row: WorkflowRow }> {
    return await this.#database.transaction(async sql => {
      await sql.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`workflow ${document.name}`])
      const [newest] = await sql.query<WorkflowRow>(
        'SELECT * FROM workflow WHERE name = $1 ORDER BY version DESC LIMIT 1',
        [document.name],
      )
      if (newest?.hash === hash) return { created: false, row: newest }
      const [row] = await sql.query<WorkflowRow>(
        'INSERT INTO workflow (name, version, hash, document, source, plan) VALUES ($1, $2, $3, $4::jsonb, $5, $6::jsonb) RETURNING *',
        [document.name, (newest?.version ?? 0) + 1, hash, JSON.stringify(document), source, JSON.stringify(plan)],
      )
      return { created: true, row: row as WorkflowRow }
    })
  }

  async get(name: string, version?: number): Promise<WorkflowRow | undefined> {
    return await this.#reading.add({ name, version: version ?? null })
  }

  /** The newest version of each workflow after a name, in order of their names. */
  async list(after: string, limit: number): Promise<WorkflowRow[]> {
    return await this.#database.readers.query<WorkflowRow>(
      'SELECT DISTINCT ON (name) * FROM workflow WHERE name > $1 ORDER BY name, version DESC LIMIT $2',
      [after, limit],
    )
  }

  async names(): Promise<string[]> {
    const rows = await this.#database.readers.query<{ name: string }>(
      'SELECT DISTINCT name FROM workflow ORDER BY name LIMIT 1000',
    )
    return rows.map(({ name }) => name)
  }

  async #read(asked: readonly Asked[]): Promise<(WorkflowRow | undefined)[]> {
    const rows = await this.#database.readers.query<WorkflowRow & { asked: number | null }>(
      `SELECT w.*, a.version AS asked FROM (SELECT DISTINCT name, version FROM jsonb_to_recordset($1::jsonb) AS a(name text, version int)) AS a,
         LATERAL (SELECT * FROM workflow WHERE name = a.name AND version = coalesce(a.version, version) ORDER BY version DESC LIMIT 1) AS w`,
      [JSON.stringify(asked)],
    )
    const found = new Map(rows.map(({ asked: version, ...row }) => [keyOf({ name: row.name, version }), row]))
    return asked.map(one => found.get(keyOf(one)))
  }
}

interface Asked {
  readonly name: string
  /** The newest when null. */
  readonly version: number | null
}

const keyOf = ({ name, version }: Asked): string => `${name}@${version ?? ''}`
