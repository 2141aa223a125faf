// What stores do to files on the local disk.

import { open, opendir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MeshError } from '@meshwork/contracts'
import { storeFailure } from './store-failure.ts'

const abandonedAfterMs = 24 * 3600 * 1000

/** Removes what processes that died left in a scratch folder; a day is longer than any call may take. */
export async function removeAbandoned(folder: string): Promise<void> {
  const limit = Date.now() - abandonedAfterMs
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    if (found && found.mtimeMs < limit) await rm(path, { recursive: true, force: true })
  }
}

/** Files in a folder and below it, a few in memory at a time. */
export async function* filesIn(folder: string): AsyncIterable<{ readonly path: string; readonly name: string }> {
  const opened = await opendir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw storeFailure(error, folder)
  })
  for await (const entry of opened ?? []) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesIn(path)
    else if (entry.isFile()) yield { path, name: entry.name }
  }
}

/** What would change if the file did; undefined when it is not there. */
export async function fingerprint(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw storeFailure(error, dirname(path))
  })
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`
}

/** The content of a file of an artefact, unless it is larger than the caller can hold. */
export async function readWhole(path: string, hash: string, limitBytes: number): Promise<Buffer> {
  const { size } = await stat(path)
  if (size > limitBytes) throw tooLarge(hash, size, limitBytes)
  return await readFile(path)
}

export const tooLarge = (hash: string, bytes: number, limitBytes: number): MeshError =>
  new MeshError('MESHWORK_STORE_UNAVAILABLE', {
    reason: `artefact ${hash} has ${bytes} bytes, over the ${limitBytes} that may be read at once`,
  })

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
