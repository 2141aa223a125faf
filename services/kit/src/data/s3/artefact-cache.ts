// Copies of artefacts on the local disk, verified once by each process that reads them. Bounded: those not used for the
// longest go first, but none that was used within the last hour, since a call may be about to open it.

import { chmod, copyFile, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hashFile } from '../hashed-file.ts'
import { fingerprint } from '../local-folder.ts'

const inUseMs = 3_600_000
/** Looked through again after so large a share of the limit was added. */
const sweepShare = 0.05
const verifiedMax = 100_000

export class ArtefactCache {
  readonly #folder: string
  readonly #bytesMax: number
  /** What this process has verified, by hash, with what would change if the file did. */
  readonly #verified = new Map<string, string>()
  #added = 0

  constructor(folder: string, bytesMax: number) {
    this.#folder = folder
    this.#bytesMax = bytesMax
  }

  /** The path of a verified copy. One that is damaged is thrown away. */
  async find(hash: string): Promise<string | undefined> {
    const path = this.#path(hash)
    const seen = await fingerprint(path)
    if (seen === undefined) return undefined
    if (this.#verified.get(hash) !== seen) {
      const actual = await hashFile(path).catch(() => undefined) // it may go at any time
      if (actual?.hash !== hash) {
        await rm(path, { force: true })
        return undefined
      }
      this.#remember(hash, seen)
    }
    await touch(path).catch(() => {})
    return path
  }

  /** Moves a verified file in; answers where it is now. */
  async place(from: string, { hash, bytes }: { hash: string; bytes: number }): Promise<string> {
    const path = this.#path(hash)
    await mkdir(dirname(path), { recursive: true })
    await chmod(from, 0o444)
    await utimes(from, new Date(), new Date(Math.floor(Date.now() / 1000) * 1000)) // whole, so that `touch` keeps it
    await rename(from, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EXDEV') throw error
      await copyFile(from, `${path}.copy`)
      await rename(`${path}.copy`, path)
      await rm(from, { force: true })
    })
    const seen = await fingerprint(path)
    if (seen !== undefined) this.#remember(hash, seen)
    this.#added += bytes
    if (this.#added > this.#bytesMax * sweepShare) await this.sweep()
    return path
  }

  async sweep(now = Date.now()): Promise<void> {
    this.#added = 0
    const files: { path: string; bytes: number; usedAt: number }[] = []
    for (const entry of await readdir(this.#folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const found = await stat(path).catch(() => undefined)
      if (found) files.push({ path, bytes: found.size, usedAt: found.atimeMs })
    }
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0)
    for (const { path, bytes, usedAt } of files.sort((a, b) => a.usedAt - b.usedAt)) {
      if (total <= this.#bytesMax || now - usedAt < inUseMs) return
      await rm(path, { force: true })
      total -= bytes
    }
  }

  #path(hash: string): string {
    return join(this.#folder, hash.slice(0, 2), hash)
  }

  #remember(hash: string, seen: string): void {
    if (this.#verified.size >= verifiedMax) this.#verified.clear()
    this.#verified.set(hash, seen)
  }
}

/** Says when a file was used last; its time of change stays, since that is part of its fingerprint. */
async function touch(path: string): Promise<void> {
  const { mtime } = await stat(path)
  await utimes(path, new Date(), mtime)
}
