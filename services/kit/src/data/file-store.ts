// The artefact store in a folder:
//   artefacts/ab/abcd…   files under their hash, read-only, two levels so that no folder grows without end
//   records/<space>/…    small JSON documents under the hash of their name
//   tmp/                 what is being written; nothing in it is ever referred to
// A file is written to tmp, hashed on the way, synced, then linked to its place, and the folder is synced.

import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, type FileHandle, link, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MeshError } from '@meshwork/contracts'
import { FileRecords } from './file-records.ts'
import type { ArtefactStore, RecordStore, StoredArtefact } from './store.ts'
import { storeFailure } from './store-failure.ts'

const hashPattern = /^[0-9a-f]{64}$/
const readLimitBytesDefault = 64 * 1024 * 1024
const abandonedAfterMs = 24 * 3600 * 1000

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
      await mkdir(store.#artefacts, { recursive: true })
      await mkdir(store.scratchRoot, { recursive: true })
    } catch (error) {
      throw storeFailure(error, store.#root)
    }
    await store.#removeAbandoned()
    return store
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
      const file = await open(path, 'r')
      try {
        await file.sync()
      } finally {
        await file.close()
      }
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
    const path = await this.localPath(hash)
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > limitBytes)
        throw new MeshError('MESHWORK_STORE_UNAVAILABLE', {
          reason: `artefact ${hash} has ${size} bytes, over the ${limitBytes} that may be read at once`,
        })
      return await file.readFile()
    } finally {
      await file.close()
    }
  }

  async stream(hash: string): Promise<Readable> {
    return createReadStream(await this.localPath(hash), { highWaterMark: 1024 * 1024 })
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
    }
    await syncFolder(folder)
    const seen = await fingerprint(to)
    if (seen !== undefined) this.#verified.set(hash, seen)
  }

  async #placeCopy(from: string, hash: string): Promise<void> {
    const near = join(this.scratchRoot, randomUUID())
    try {
      await copyFile(from, near)
      const file = await open(near, 'r')
      await syncAndClose(file)
      await this.#place(near, hash)
    } finally {
      await rm(near, { force: true })
    }
  }

  /** Removes what processes that died left in tmp; a day is longer than any call may take. */
  async #removeAbandoned(): Promise<void> {
    const limit = Date.now() - abandonedAfterMs
    for (const name of await readdir(this.scratchRoot)) {
      const path = join(this.scratchRoot, name)
      const found = await stat(path).catch(() => undefined)
      if (found && found.mtimeMs < limit) await rm(path, { recursive: true, force: true })
    }
  }
}

async function writeHashed(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<StoredArtefact> {
  const hash = createHash('sha256')
  let bytes = 0
  const file = await open(path, 'wx', 0o444)
  try {
    for await (const chunk of chunks) {
      signal?.throwIfAborted()
      hash.update(chunk)
      bytes += chunk.byteLength
      await file.writeFile(chunk)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { hash: hash.digest('hex'), bytes }
}

export async function hashFile(path: string): Promise<StoredArtefact> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.byteLength
  }
  return { hash: hash.digest('hex'), bytes }
}

async function fingerprint(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw storeFailure(error, dirname(path))
  })
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await syncAndClose(folder)
}

async function syncAndClose(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
