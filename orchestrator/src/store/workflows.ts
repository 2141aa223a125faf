import type { WorkflowDocument } from '@meshwork/contracts'
import type { Plan } from '../plan/plan.ts'
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

  constructor(database: Database) {
    this.#database = database
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
    const [row] = await this.#database.readers.query<WorkflowRow>(
      'SELECT * FROM workflow WHERE name = $1 AND ($2::int IS NULL OR version = $2) ORDER BY version DESC LIMIT 1',
      [name, version ?? null],
    )
    return row
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
}
