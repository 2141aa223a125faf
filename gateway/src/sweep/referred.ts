// What is referred to: all that the orchestrator names, and what the manifests of its datasets name.

import { MeshError, type ReferencesPage } from '@meshwork/contracts'
import { type ArtefactStore, readManifest } from '@meshwork/kit'

/** A page of references; see GET /v1/references of the orchestrator. */
export type ReadPage = (cursor: string | undefined, since: Date | undefined) => Promise<ReferencesPage>

/** Half of a hash tells two apart as well, in half the memory: 16 bytes as text. */
const short = (hash: string): string => Buffer.from(hash.slice(0, 32), 'hex').toString('latin1')

export class Referred {
  readonly #hashes = new Set<string>()
  readonly #manifests = new Set<string>()
  readonly #store: ArtefactStore
  readonly #readPage: ReadPage

  constructor(store: ArtefactStore, readPage: ReadPage) {
    this.#store = store
    this.#readPage = readPage
  }

  has(hash: string): boolean {
    return this.#hashes.has(short(hash))
  }

  /** Adds all that is referred to, or what may have come since a time. */
  async read(since?: Date): Promise<void> {
    let cursor: string | undefined
    do {
      const { hashes, datasets, next } = await this.#readPage(cursor, since)
      for (const hash of hashes) this.#hashes.add(short(hash))
      for (const hash of datasets) await this.#readManifest(hash)
      cursor = next ?? undefined
    } while (cursor !== undefined)
  }

  /** A dataset that is not there any more names nothing; one that cannot be read ends the sweep. */
  async #readManifest(hash: string): Promise<void> {
    if (this.#manifests.has(short(hash))) return
    try {
      const { parts } = await readManifest(this.#store, hash)
      for (const { groups } of parts) for (const group of groups) this.#hashes.add(short(group.hash))
      this.#manifests.add(short(hash))
    } catch (error) {
      if (!(error instanceof MeshError) || !harmless.has(error.code)) throw error
    }
  }
}

/** A client may give any hash as a dataset. What is no manifest names nothing either. */
const harmless = new Set<string>(['MESHWORK_ARTEFACT_MISSING', 'MESHWORK_DATASET_INVALID'])
