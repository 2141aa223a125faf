// The artefact store: immutable files under their SHA-256, and small records under a name.
//
// Contract, kept by every implementation (one suite tests them all):
//  S1 A file is visible under its hash only when it is whole and durable (fsync, then rename).
//  S2 Content is verified against its hash before a reader gets it; a damaged file is MESHWORK_ARTEFACT_CORRUPT.
//  S3 Names are content addresses, so putting the same content twice is harmless and nothing a user sends is a path.
//  S4 No space left is MESHWORK_STORE_FULL; it leaves nothing behind.
//  S5 Content that is put is as good as new, also where it was there before: its time moves on, by at most half an hour late.

import type { Readable } from 'node:stream'

export interface StoredArtefact {
  readonly hash: string
  readonly bytes: number
}

export interface ListedArtefact extends StoredArtefact {
  /** When it was put last, or half an hour before; milliseconds since 1970 by the clock of the store. */
  readonly putAt: number
}

/** What was put longer ago than this is made new when it is put again. */
export const renewedAfterMs = 30 * 60 * 1000

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

  /** All that is there, in no order. What comes or goes meanwhile may be told or not. */
  list(): AsyncIterable<ListedArtefact>

  /** Removes an artefact, unless it was put since `before` (milliseconds since 1970). Answers whether it did. */
  remove(hash: string, before: number): Promise<boolean>

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
  /** Removes the records of all spaces that were written before a time, or only counts them. */
  removeOld(before: number, dryRun: boolean): Promise<number>
}
