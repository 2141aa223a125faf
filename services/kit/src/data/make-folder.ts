import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it. Throws what the system says to the one that cannot be made: mkdir of Node with
 * `recursive` says ENOENT of a file system that is read-only, and never ends below /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && dirname(path) !== path) {
      await makeFolder(dirname(path))
      await mkdir(path).catch((again: NodeJS.ErrnoException) => unlessFolder(path, again))
    } else await unlessFolder(path, error as NodeJS.ErrnoException)
  }
}

/** That it is there already is no failure, whatever the system says first: a read-only one says EROFS. */
async function unlessFolder(path: string, error: NodeJS.ErrnoException): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isDirectory()) throw error
}
