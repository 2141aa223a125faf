import type { Database } from './database.ts'

/** Deployments that were registered at run time. */
export class Deployments {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async add(stage: string, url: string): Promise<void> {
    await this.#database.query(
      'INSERT INTO deployment (url, stage) VALUES ($1, $2) ON CONFLICT (url) DO UPDATE SET stage = excluded.stage',
      [url, stage],
    )
  }

  async remove(url: string): Promise<void> {
    await this.#database.query('DELETE FROM deployment WHERE url = $1', [url])
  }

  async list(): Promise<{ stage: string; url: string }[]> {
    return await this.#database.readers.query<{ stage: string; url: string }>(
      'SELECT stage, url FROM deployment ORDER BY added_at LIMIT 1000',
    )
  }
}
