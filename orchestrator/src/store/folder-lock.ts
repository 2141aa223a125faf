// PGlite takes no lock of its own, and two processes that open one folder corrupt it. The lock is a file that names
// its holder; it is taken over only when that process is gone, never after a time.

import { createHash, randomUUID } from 'node:crypto'
import { link, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { makeFolder, systemHint } from '@meshwork/kit'

interface Holder {
  readonly pid: number
  /** When the process began, as the system counts it: a pid may be used again. */
  readonly began: string
  /** Tells one lock from the next. */
  readonly id: string
}

/** The folder of the embedded database cannot be used; the message names the setting and the way out. */
export class StateFolderError extends Error {
  override readonly name = 'StateFolderError'
}

export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  try {
    await makeFolder(folder)
    return await lock(`${await realpath(folder)}.lock`, folder, 0)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    const told = [message, systemHint(code)].filter(Boolean).join('; ')
    throw new StateFolderError(`MESHWORK_STATE_DIR: ${told}`, { cause: error })
  }
}

const takeoversMax = 4

async function lock(path: string, folder: string, takeovers: number): Promise<() => Promise<void>> {
  const mine: Holder = { pid: process.pid, began: beganOf(process.pid) ?? '', id: randomUUID() }
  const draft = `${path}.${mine.id}`
  // Linked into place when it is written: nobody ever reads half a lock.
  await writeFile(draft, JSON.stringify(mine))
  try {
    if (!(await linked(draft, path))) await takeOver(path, draft, folder, takeovers)
    return async () => await rm(path, { force: true })
  } finally {
    await rm(draft, { force: true })
  }
}

/** Puts the draft in the place of a lock whose holder is gone. Of many that want to, the holder of a lock on that lock does. */
async function takeOver(path: string, draft: string, folder: string, takeovers: number): Promise<void> {
  const stale = await read(path)
  const holder = readHolder(stale)
  if (holder && isAlive(holder))
    throw new StateFolderError(
      `${folder} is in use by process ${holder.pid}; stop it, or choose another folder (MESHWORK_STATE_DIR)`,
    )
  const taken = new StateFolderError(`${folder} was taken by another process just now`)
  if (stale === undefined || takeovers === takeoversMax) throw taken
  const name = createHash('sha256').update(stale).digest('hex').slice(0, 16)
  const unlock = await lock(`${path}.${name}`, folder, takeovers + 1)
  try {
    if ((await read(path)) !== stale) throw taken
    await rename(draft, path)
  } finally {
    await unlock()
  }
}

async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

const read = async (path: string): Promise<string | undefined> =>
  await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })

function readHolder(text: string | undefined): Holder | undefined {
  try {
    const holder = JSON.parse(text ?? '') as Partial<Holder> | null
    return Number.isSafeInteger(holder?.pid) ? { pid: 0, began: '', id: '', ...holder } : undefined
  } catch {
    return undefined
  }
}

function isAlive({ pid, began }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const now = beganOf(pid)
  return now === undefined || began === '' || now === began
}

/** Start time of a process in clock ticks since boot; undefined where /proc does not tell. */
function beganOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19]
  } catch {
    return undefined
  }
}
