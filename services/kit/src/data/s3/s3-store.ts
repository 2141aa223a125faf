// The artefact store in a bucket:
//   artefacts/ab/abcd…   files under their hash
//   records/<space>/…    small JSON documents under the hash of their name
//   meshwork-store.json  says what this is; written once
// A file is hashed on the local disk first, so that it goes up under its own name and becomes visible at once and whole.
// Readers get a local copy whose hash was verified; copies are kept in a bounded cache.

import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { MeshError } from '@meshwork/contracts'
import { hashFile, writeHashed } from '../hashed-file.ts'
import { readWhole, removeAbandoned, tooLarge } from '../local-folder.ts'
import {
  type ArtefactStore,
  type ListedArtefact,
  type RecordStore,
  renewedAfterMs,
  type StoredArtefact,
} from '../store.ts'
import { makeFolder } from '../make-folder.ts'
import { storeFailure } from '../store-failure.ts'
import { ArtefactCache } from './artefact-cache.ts'
import { Bucket } from './bucket.ts'
import { readS3Location, type S3Location } from './location.ts'
import { S3Records } from './s3-records.ts'
import { download, upload } from './transfer.ts'

const hashPattern = /^[0-9a-f]{64}$/
const readLimitBytesDefault = 64 * 1024 * 1024
const marker = 'meshwork-store.json'
const markerContent = JSON.stringify({ schema: 'meshwork.store/1' })

export class S3Store implements ArtefactStore {
  readonly url: string
  readonly records: RecordStore
  readonly scratchRoot: string
  readonly #bucket: Bucket
  readonly #cache: ArtefactCache
  readonly #fetching = new Map<string, Promise<string>>()

  private constructor(url: string, location: S3Location) {
    this.url = url
    this.scratchRoot = join(location.cacheFolder, 'tmp')
    this.#bucket = new Bucket(location)
    this.#cache = new ArtefactCache(join(location.cacheFolder, 'artefacts'), location.cacheBytesMax)
    this.records = new S3Records(this.#bucket)
  }

  /** Opens the store of an `s3:` URL; throws when the bucket cannot be used or its server cannot do what is needed. */
  static async open(url: string): Promise<S3Store> {
    const location = readS3Location(url)
    const store = new S3Store(url, location)
    await guarded(location.cacheFolder, async () => {
      await makeFolder(store.scratchRoot)
      await removeAbandoned(store.scratchRoot)
      await store.#cache.sweep()
    })
    if (location.createBucket) await store.#bucket.make()
    await store.check()
    return store
  }

  async put(
    source: AsyncIterable<Uint8Array> | Uint8Array | string,
    options: { expected?: string; signal?: AbortSignal } = {},
  ): Promise<StoredArtefact> {
    const path = join(this.scratchRoot, randomUUID())
    const chunks = typeof source === 'string' ? [Buffer.from(source)] : source instanceof Uint8Array ? [source] : source
    try {
      return await guarded(this.scratchRoot, async () => {
        const stored = await writeHashed(path, chunks, options.signal)
        const { hash } = stored
        if (options.expected !== undefined && options.expected !== hash)
          throw new MeshError('MESHWORK_ARTEFACT_WRONG_HASH', { actual: hash, expected: options.expected })
        return await this.#send(path, stored)
      })
    } finally {
      await rm(path, { force: true })
    }
  }

  async adopt(path: string): Promise<StoredArtefact> {
    return await guarded(this.scratchRoot, async () => await this.#send(path, await hashFile(path)))
  }

  async head(hash: string): Promise<StoredArtefact | undefined> {
    const found = await this.#bucket.head(keyOf(hash))
    return found && { hash, bytes: found.bytes }
  }

  async localPath(hash: string): Promise<string> {
    keyOf(hash)
    return (await guarded(this.scratchRoot, async () => await this.#cache.find(hash))) ?? (await this.#fetch(hash))
  }

  async read(hash: string, limitBytes = readLimitBytesDefault): Promise<Buffer> {
    keyOf(hash)
    let path = await guarded(this.scratchRoot, async () => await this.#cache.find(hash))
    if (path === undefined) {
      const head = await this.head(hash)
      if (head && head.bytes > limitBytes) throw tooLarge(hash, head.bytes, limitBytes) // before it is fetched
      path = await this.#fetch(hash)
    }
    return await readWhole(path, hash, limitBytes)
  }

  async stream(hash: string): Promise<Readable> {
    return createReadStream(await this.localPath(hash), { highWaterMark: 1024 * 1024 })
  }

  async *list(): AsyncIterable<ListedArtefact> {
    for await (const { key, bytes, writtenAt } of this.#bucket.list('artefacts/')) {
      const hash = key.slice(key.lastIndexOf('/') + 1)
      if (hashPattern.test(hash)) yield { hash, bytes, putAt: writtenAt }
    }
  }

  async remove(hash: string, before: number): Promise<boolean> {
    const found = await this.#bucket.head(keyOf(hash))
    if (!found || found.writtenAt >= before) return false
    await this.#bucket.delete(keyOf(hash))
    return true
  }

  /** Brings a hashed file into the bucket, unless it is there and new, and moves it into the cache. */
  async #send(path: string, stored: StoredArtefact): Promise<StoredArtefact> {
    const key = keyOf(stored.hash)
    const found = await this.#bucket.head(key)
    const stands = found?.bytes === stored.bytes && Date.now() - found.writtenAt <= renewedAfterMs
    if (!stands) await upload(this.#bucket, key, path, stored)
    await this.#cache.place(path, stored)
    return stored
  }

  /** A copy from the bucket; callers that want the same one at once get the same one. */
  async #fetch(hash: string): Promise<string> {
    const running = this.#fetching.get(hash)
    if (running) return await running
    const fetching = this.#download(hash).finally(() => this.#fetching.delete(hash))
    this.#fetching.set(hash, fetching)
    return await fetching
  }

  async #download(hash: string): Promise<string> {
    const path = join(this.scratchRoot, randomUUID())
    try {
      return await guarded(this.scratchRoot, async () => {
        const fetched = await download(this.#bucket, keyOf(hash), path)
        if (!fetched) throw new MeshError('MESHWORK_ARTEFACT_MISSING', { hash })
        if (fetched.hash !== hash) throw new MeshError('MESHWORK_ARTEFACT_CORRUPT', { hash, actual: fetched.hash })
        return await this.#cache.place(path, fetched)
      })
    } finally {
      await rm(path, { force: true })
    }
  }

  /**
   * That the bucket can be written, and that its server does conditional writes: without them two replicas would do the
   * same work, each sure that it is the only one.
   */
  async check(): Promise<void> {
    if (!(await this.#bucket.create(marker, markerContent))) return
    if (await this.#bucket.create(marker, markerContent))
      throw new MeshError('MESHWORK_STORE_UNAVAILABLE', {
        reason: 'the S3 server takes no notice of If-None-Match; take one that does conditional writes',
      })
  }
}

function keyOf(hash: string): string {
  if (!hashPattern.test(hash)) throw new MeshError('MESHWORK_ARTEFACT_MISSING', { hash })
  return `artefacts/${hash.slice(0, 2)}/${hash}`
}

/** What fails on the local disk, where artefacts are kept near. */
async function guarded<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeFailure(error, folder)
  }
}
