import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { filesIn } from './local-folder.ts'
import type { RecordStore } from './store.ts'
import { storeFailure } from './store-failure.ts'

export const recordSpacePattern = /^[a-z0-9-]+(\/[a-z0-9-]+)*$/

/** Records as files. `create` is a hard link, which the file system makes for one of many callers. */
export class FileRecords implements RecordStore {
  readonly #root: string
  readonly #scratch: string

  constructor(root: string, scratch: string) {
    this.#root = root
    this.#scratch = scratch
  }

  async create(space: string, name: string, value: unknown): Promise<{ created: boolean; value: unknown }> {
    const path = this.#path(space, name)
    const draft = join(this.#scratch, randomUUID())
    try {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(draft, JSON.stringify(value), { flag: 'wx' })
      await link(draft, path)
      return { created: true, value }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw storeFailure(error, this.#root)
      const standing = await this.read(space, name)
      return standing === undefined ? await this.create(space, name, value) : { created: false, value: standing }
    } finally {
      await rm(draft, { force: true })
    }
  }

  async replace(space: string, name: string, value: unknown): Promise<void> {
    const path = this.#path(space, name)
    const draft = join(this.#scratch, randomUUID())
    try {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(draft, JSON.stringify(value), { flag: 'wx' })
      await rename(draft, path)
    } catch (error) {
      throw storeFailure(error, this.#root)
    } finally {
      await rm(draft, { force: true })
    }
  }

  async read(space: string, name: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#path(space, name), 'utf8')) as unknown
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw storeFailure(error, this.#root)
    }
  }

  async delete(space: string, name: string): Promise<void> {
    await rm(this.#path(space, name), { force: true })
  }

  async removeOld(before: number, dryRun: boolean): Promise<number> {
    let count = 0
    for await (const { path } of filesIn(this.#root)) {
      const found = await stat(path).catch(() => undefined)
      if (!found || found.mtimeMs >= before) continue
      count++
      if (!dryRun) await rm(path, { force: true })
    }
    return count
  }

  #path(space: string, name: string): string {
    if (!recordSpacePattern.test(space)) throw new TypeError(`"${space}" is not a record space`)
    return join(this.#root, space, `${createHash('sha256').update(name).digest('hex')}.json`)
  }
}
