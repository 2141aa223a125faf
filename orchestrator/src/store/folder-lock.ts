// PGlite takes no lock of its own, and two processes that open one folder corrupt it. The lock is a file that names
// its holder; it is taken over only when that process is gone, never after a time.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Holder {
  readonly pid: number
  /** When the process began, as the system counts it: a pid may be used again. */
  readonly began: string
}

export class FolderLocked extends Error {
  override readonly name = 'FolderLocked'
}

export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true })
  const path = `${join(folder)}.lock`
  const mine: Holder = { pid: process.pid, began: beganOf(process.pid) ?? '' }
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await writeFile(path, JSON.stringify(mine), { flag: 'wx' })
      return async () => await rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = await readHolder(path)
    if (holder && isAlive(holder))
      throw new FolderLocked(
        `${folder} is in use by process ${holder.pid}; stop it, or choose another folder (MESHWORK_STATE_DIR)`,
      )
    await rm(path, { force: true })
  }
  throw new FolderLocked(`${folder} was taken by another process just now`)
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
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
