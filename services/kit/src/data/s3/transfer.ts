// Files to and from a bucket in constant memory: large ones go up in parts, some at a time, and what breaks off on the
// way down goes on where it was.

import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { MeshError } from '@meshwork/contracts'
import type { StoredArtefact } from '../store.ts'
import type { Bucket, UploadedPart } from './bucket.ts'

const mebibyte = 1024 * 1024
/** Up to here a file goes up at once. */
const wholeBytesMax = 16 * mebibyte
const partBytesMin = 8 * mebibyte
const partsMax = 10_000
const partsAtOnce = 4
const downloadTriesMax = 5
const downloadPauseMs = 200

export async function upload(
  bucket: Bucket,
  key: string,
  path: string,
  { hash, bytes }: StoredArtefact,
): Promise<void> {
  const file = await open(path, 'r')
  try {
    if (bytes <= wholeBytesMax) {
      await bucket.put(key, await file.readFile(), Buffer.from(hash, 'hex').toString('base64'))
      return
    }
    const partBytes = Math.max(partBytesMin, Math.ceil(bytes / partsMax))
    const id = await bucket.beginParts(key)
    try {
      const parts: UploadedPart[] = []
      let next = 0
      let failed = false
      const lane = async () => {
        while (next * partBytes < bytes && !failed) {
          const index = next++
          const from = index * partBytes
          const content = Buffer.allocUnsafe(Math.min(partBytes, bytes - from))
          try {
            await readFully(file, content, from)
            parts[index] = await bucket.putPart(key, id, index + 1, content)
          } catch (error) {
            failed = true
            throw error
          }
        }
      }
      const outcomes = await Promise.allSettled(Array.from({ length: partsAtOnce }, lane))
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
      await bucket.completeParts(key, id, parts)
    } catch (error) {
      await bucket.abandonParts(key, id)
      throw error
    }
  } finally {
    await file.close()
  }
}

async function readFully(file: Awaited<ReturnType<typeof open>>, into: Buffer, from: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, from + done)
    if (bytesRead === 0) throw new RangeError(`the file ends at ${from + done}`)
    done += bytesRead
  }
}

/** Writes the object to a new file and says its hash; undefined when the object is not there. */
export async function download(bucket: Bucket, key: string, path: string): Promise<StoredArtefact | undefined> {
  const hash = createHash('sha256')
  const file = await open(path, 'wx', 0o444)
  let bytes = 0
  let etag: string | undefined
  try {
    for (let tries = 1; ; tries++) {
      const fetched = await bucket.get(key, bytes, etag)
      if (!fetched) return undefined
      etag = fetched.etag
      let broken: unknown
      try {
        for await (const chunk of fetched.body as AsyncIterable<Buffer>) {
          hash.update(chunk)
          bytes += chunk.length
          await file.writeFile(chunk)
        }
      } catch (error) {
        if (isLocal(error)) throw error
        broken = error
      }
      if (bytes === fetched.bytes) return { hash: hash.digest('hex'), bytes }
      if (tries >= downloadTriesMax) throw brokenOff(key, bytes, fetched.bytes, broken)
      await sleep(downloadPauseMs * 2 ** (tries - 1))
    }
  } finally {
    await file.close()
  }
}

/** The disk failed and not the connection. */
const isLocal = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')

const brokenOff = (key: string, bytes: number, of: number, cause: unknown): MeshError => {
  const reason = `${key} broke off at byte ${bytes} of ${of}, ${downloadTriesMax} times; the last: ${String(cause)}`
  return new MeshError('MESHWORK_STORE_UNAVAILABLE', { reason }, { cause })
}
