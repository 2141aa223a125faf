// The artefact store in a folder:
//   artefacts/ab/abcd…   files under their hash, read-only, two levels so that no folder grows without end
//   records/<space>/…    small JSON documents under the hash of their name
//   tmp/                 what is being written; nothing in it is ever referred to
// A file is written to tmp, hashed on the way, synced, then linked to its place, and the folder is synced.

import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, link, mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MeshError } from '@meshwork/contracts'
import { FileRecords } from './file-records.ts'
import { hashFile, writeHashed } from './hashed-file.ts'
import { makeFolder } from './make-folder.ts'
import { filesIn, fingerprint, readWhole, removeAbandoned, syncFile } from './local-folder.ts'
import {
  type ArtefactStore,
  type ListedArtefact,
  type RecordStore,
  renewedAfterMs,
  type StoredArtefact,
} from './store.ts'
import { storeFailure } from './store-failure.ts'

const hashPattern = /^[0-9a-f]{64}$/
const readLimitBytesDefault = 64 * 1024 * 1024

export class FileStore implements ArtefactStore {
  readonly url: string
  readonly records: RecordStore
  readonly scratchRoot: string
  readonly #root: string
  readonly #artefacts: string
  /** Files this process has verified, by hash, with what would change if the file did. */
  readonly #verified = new Map<string, string>()

  private constructor(root: string) {
    this.url = pathToFileURL(root).href
    this.#root = root
    this.#artefacts = join(root, 'artefacts')
    this.scratchRoot = join(root, 'tmp')
    this.records = new FileRecords(join(root, 'records'), this.scratchRoot)
  }

  /** Opens the store in the folder of a `file:` URL, and makes it where it is missing. */
  static async open(url: string): Promise<FileStore> {
    const store = new FileStore(fileURLToPath(url))
    try {
      await makeFolder(store.#artefacts)
      await makeFolder(store.scratchRoot)
    } catch (error) {
      throw storeFailure(error, store.#root)
    }
    await store.check()
    await removeAbandoned(store.scratchRoot)
    return store
  }

  async check(): Promise<void> {
    const path = join(this.scratchRoot, randomUUID())
    try {
      await writeFile(path, 'a store can be written')
    } catch (error) {
      throw storeFailure(error, this.#root)
    } finally {
      await rm(path, { force: true }).catch(() => undefined) // a file system that is read-only says so here as well
    }
  }

  async put(
    source: AsyncIterable<Uint8Array> | Uint8Array | string,
    options: { expected?: string; signal?: AbortSignal } = {},
  ): Promise<StoredArtefact> {
    const path = join(this.scratchRoot, randomUUID())
    const chunks = typeof source === 'string' ? [Buffer.from(source)] : source instanceof Uint8Array ? [source] : source
    try {
      const { hash, bytes } = await writeHashed(path, chunks, options.signal)
      if (options.expected !== undefined && options.expected !== hash)
        throw new MeshError('MESHWORK_ARTEFACT_WRONG_HASH', { actual: hash, expected: options.expected })
      await this.#place(path, hash)
      return { hash, bytes }
    } catch (error) {
      throw storeFailure(error, this.#root)
    } finally {
      await rm(path, { force: true })
    }
  }

  async adopt(path: string): Promise<StoredArtefact> {
    try {
      const { hash, bytes } = await hashFile(path)
      await syncFile(path)
      await this.#place(path, hash)
      return { hash, bytes }
    } catch (error) {
      throw storeFailure(error, this.#root)
    }
  }

  async head(hash: string): Promise<StoredArtefact | undefined> {
    try {
      return { hash, bytes: (await stat(this.#path(hash))).size }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw storeFailure(error, this.#root)
    }
  }

  async localPath(hash: string): Promise<string> {
    const path = this.#path(hash)
    const before = await fingerprint(path)
    if (before === undefined) throw new MeshError('MESHWORK_ARTEFACT_MISSING', { hash })
    if (this.#verified.get(hash) === before) return path
    const { hash: actual } = await hashFile(path)
    if (actual !== hash) throw new MeshError('MESHWORK_ARTEFACT_CORRUPT', { hash, actual })
    this.#verified.set(hash, before)
    return path
  }

  async read(hash: string, limitBytes = readLimitBytesDefault): Promise<Buffer> {
    return await readWhole(await this.localPath(hash), hash, limitBytes)
  }

  async stream(hash: string): Promise<Readable> {
    return createReadStream(await this.localPath(hash), { highWaterMark: 1024 * 1024 })
  }

  async *list(): AsyncIterable<ListedArtefact> {
    for await (const { path, name } of filesIn(this.#artefacts)) {
      const found = await stat(path).catch(() => undefined) // it may have gone
      if (found && hashPattern.test(name)) yield { hash: name, bytes: found.size, putAt: found.mtimeMs }
    }
  }

  async remove(hash: string, before: number): Promise<boolean> {
    const path = this.#path(hash)
    const found = await stat(path).catch(() => undefined)
    if (!found || found.mtimeMs >= before) return false
    await rm(path, { force: true })
    return true
  }

  #path(hash: string): string {
    if (!hashPattern.test(hash)) throw new MeshError('MESHWORK_ARTEFACT_MISSING', { hash })
    return join(this.#artefacts, hash.slice(0, 2), hash)
  }

  /** Links a finished, synced file to its place. Equal content that stands there already wins. */
  async #place(from: string, hash: string): Promise<void> {
    const to = this.#path(hash)
    const folder = join(this.#artefacts, hash.slice(0, 2))
    await mkdir(folder, { recursive: true })
    try {
      await link(from, to)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EXDEV') return await this.#placeCopy(from, hash)
      if (code !== 'EEXIST') throw error
      const { mtimeMs } = await stat(to)
      // Who put it there may be another user; then it is as old as it is.
      if (Date.now() - mtimeMs > renewedAfterMs) await utimes(to, new Date(), new Date()).catch(() => {})
    }
    await syncFile(folder)
    const seen = await fingerprint(to)
    if (seen !== undefined) this.#verified.set(hash, seen)
  }

  async #placeCopy(from: string, hash: string): Promise<void> {
    const near = join(this.scratchRoot, randomUUID())
    try {
      await copyFile(from, near)
      await syncFile(near)
      await this.#place(near, hash)
    } finally {
      await rm(near, { force: true })
    }
  }
}
