// Finds a line that is longer than a record may be. DuckDB loses such a line without a word when it does not lie well
// in its buffers, so it is looked for before. A stretch without line end that is longer than `limitBytes` covers several
// probes in a row, so that a file without one is hardly read.

import { type FileHandle, open } from 'node:fs/promises'

const probeBytes = 64 * 1024

/** Offset at which a line of more than `limitBytes` begins, or undefined. */
export async function longLine(path: string, limitBytes: number, signal: AbortSignal): Promise<number | undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const step = Math.floor(limitBytes / 4)
    for (let at = step; at < size; at += step) {
      signal.throwIfAborted()
      if (hasLineEnd(await bytesAt(file, at, probeBytes))) continue
      const from = await lineStart(file, at, limitBytes)
      const to = await lineEnd(file, at, limitBytes, size)
      if (to - from > limitBytes) return from
      at = Math.max(at, to - (to % step))
    }
    return undefined
  } finally {
    await file.close()
  }
}

const hasLineEnd = (bytes: Buffer): boolean => bytes.includes(10) || bytes.includes(13)

async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, offset)
  return buffer.subarray(0, bytesRead)
}

/** Where the line around `at` begins, looking back no further than the limit. */
async function lineStart(file: FileHandle, at: number, limitBytes: number): Promise<number> {
  let end = at
  while (end > 0 && at - end <= limitBytes) {
    const start = Math.max(0, end - probeBytes)
    const bytes = await bytesAt(file, start, end - start)
    const last = Math.max(bytes.lastIndexOf(10), bytes.lastIndexOf(13))
    if (last >= 0) return start + last + 1
    end = start
  }
  return end
}

async function lineEnd(file: FileHandle, at: number, limitBytes: number, size: number): Promise<number> {
  for (let start = at; start < size && start - at <= limitBytes; start += probeBytes) {
    const bytes = await bytesAt(file, start, probeBytes)
    const ends = [bytes.indexOf(10), bytes.indexOf(13)].filter(index => index >= 0)
    if (ends.length > 0) return start + Math.min(...ends)
  }
  return Math.min(size, at + limitBytes + probeBytes)
}
