// A database in a folder begins as a copy of an empty one. To make the empty one takes three seconds of a core, which is
// most of what the first start of an orchestrator takes; it is made once and kept beside the installed packages.

import { randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'

/**
 * Fills a folder that is empty and locked. It is whole or still empty afterwards, never half filled; it stays empty where the
 * installation cannot be written to or the folder cannot be replaced (the place where a volume is mounted), and the
 * database then makes its own.
 */
export async function fillFromEmptyCluster(folder: string): Promise<void> {
  if ((await readdir(folder)).length > 0) return
  const draft = `${resolve(folder)}.new`
  try {
    await rm(draft, { recursive: true, force: true }) // of a process that was killed over it
    await cp(await emptyCluster(), draft, { recursive: true })
    await rename(draft, folder)
  } catch {
    await rm(draft, { recursive: true, force: true }).catch(() => {})
  }
}

async function emptyCluster(): Promise<string> {
  const { version } = JSON.parse(
    await readFile(new URL('../package.json', import.meta.resolve('@electric-sql/pglite')), 'utf8'),
  ) as { version: string }
  const kept = fileURLToPath(new URL(`../../node_modules/.cache/pglite/${version}`, import.meta.url))
  if ((await readdir(kept).catch(() => [])).length > 0) return kept
  const draft = `${kept}.${randomUUID()}`
  try {
    await mkdir(draft, { recursive: true })
    await (await PGlite.create(draft)).close()
    await rename(draft, kept)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    // Another process may have been quicker.
    if ((await readdir(kept).catch(() => [])).length === 0) throw error
  }
  return kept
}
