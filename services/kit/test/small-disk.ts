// A small file system in memory, to be filled: mounted for a test, which needs the right to mount, and gone with it.

import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestScope } from '../src/testing/index.ts'

/** Its folder, or why there is none on this machine. What uses it must end before: register that teardown later. */
export function smallDisk(t: TestScope, megabytes: number): { folder: string } | { why: string } {
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    rmSync(folder, { recursive: true })
    return { why: `no file system can be mounted here: ${String(error).replaceAll('\n', ' ')}` }
  }
  t.teardown(() => {
    execFileSync('umount', ['--lazy', folder])
    rmSync(folder, { recursive: true })
  })
  return { folder }
}

/** Takes all space that is left, to the last byte. */
export function fillDisk(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (let size = 1 << 20; size >= 1; size >>= 1)
      for (;;) {
        const written = writeSync(file, Buffer.alloc(size, 1))
        if (written < size) break
      }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
}

/** From now on it cannot be written, as when a system remounts a disk that fails. */
export const remountReadOnly = (folder: string): void =>
  void execFileSync('mount', ['-o', 'remount,ro', folder], { stdio: 'pipe' })
