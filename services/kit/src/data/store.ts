// The artefact store: immutable files under their SHA-256, and small records under a name.
//
// Contract, kept by every implementation (one suite tests them all):
//  S1 A file is visible under its hash only when it is whole and durable (fsync, then rename).
//  S2 Content is verified against its hash before a reader gets it; a damaged file is MESHWORK_ARTEFACT_CORRUPT.
//  S3 Names are content addresses, so putting the same content twice is harmless and nothing a user sends is a path.
//  S4 No space left is MESHWORK_STORE_FULL; it leaves nothing behind.

import type { Readable } from 'node:stream'

export interface StoredArtefact {
  readonly hash: string
  readonly bytes: number
}

export interface ArtefactStore {
  readonly url: string

  /** Streams content in, in constant memory. With `expected` another hash is MESHWORK_ARTEFACT_WRONG_HASH. */
  put(
    source: AsyncIterable<Uint8Array> | Uint8Array | string,
    options?: { expected?: string; signal?: AbortSignal },
  ): Promise<StoredArtefact>

  /** Takes over a finished local file: hashes it, makes it durable and moves (or uploads) it. The path is gone afterwards. */
  adopt(path: string): Promise<StoredArtefact>

  /** Size, or undefined when it is not there. Does not read the content. */
  head(hash: string): Promise<StoredArtefact | undefined>

  /** A verified local file to read from: the file itself, or a copy in the cache. Never write to it. */
  localPath(hash: string): Promise<string>

  /** Verified content, whole; at most `limitBytes` (default 64 MiB). */
  read(hash: string, limitBytes?: number): Promise<Buffer>

  /** Verified content as a stream. */
  stream(hash: string): Promise<Readable>

  readonly records: RecordStore
}

/**
 * Small JSON documents under a name that is not their content, for results by idempotency key. They are not synced to
 * disk: one that is lost in a power cut only means that work is done again.
 */
export interface RecordStore {
  /** Writes unless the name exists; atomic among all processes. Answers what stands there now. */
  create(space: string, name: string, value: unknown): Promise<{ created: boolean; value: unknown }>
  /** Writes whatever stands there; readers see the old value or the new one, never half of one. */
  replace(space: string, name: string, value: unknown): Promise<void>
  read(space: string, name: string): Promise<unknown>
  delete(space: string, name: string): Promise<void>
}
