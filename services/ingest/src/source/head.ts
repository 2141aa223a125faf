// What the first bytes of a file say about it. Pure, but for the reading.

import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { Compression } from '@meshwork/contracts'

export const headBytesMax = 256 * 1024

/** The first bytes of a file, and whether they are all of it. */
export interface Head {
  readonly bytes: Buffer
  readonly whole: boolean
}

export async function readHead(path: string): Promise<Head> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(headBytesMax)
    let filled = 0
    while (filled < headBytesMax) {
      const { bytesRead } = await file.read(buffer, filled, headBytesMax - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    const { size } = await file.stat()
    return { bytes: buffer.subarray(0, filled), whole: size <= filled }
  } finally {
    await file.close()
  }
}

export function compressionOf(bytes: Buffer): Compression {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip'
  return bytes.length >= 4 && bytes.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none'
}

export const decompressor = (compression: 'gzip' | 'zstd') =>
  compression === 'gzip' ? createGunzip() : createZstdDecompress()

/** As much plain content as the head of a compressed file gives. Throws what zlib says of damage. */
export async function expandHead(head: Head, compression: 'gzip' | 'zstd'): Promise<Head> {
  const plain = decompressor(compression)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of Readable.from([head.bytes]).pipe(plain) as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size > headBytesMax) break
    }
  } catch (error) {
    // The head of a longer file ends too early by its nature.
    if (head.whole || (error as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR') throw error
    return { bytes: Buffer.concat(chunks).subarray(0, headBytesMax), whole: false }
  }
  return { bytes: Buffer.concat(chunks).subarray(0, headBytesMax), whole: head.whole && size <= headBytesMax }
}

const known = [
  ['504b0304', 'it is a zip archive (perhaps a spreadsheet); export it as CSV'],
  ['fd377a585a00', 'it is xz-compressed; use gzip or zstd'],
  ['425a68', 'it is bzip2-compressed; use gzip or zstd'],
  ['53514c69746520666f726d6174203300', 'it is an SQLite database'],
  ['25504446', 'it is a PDF'],
  ['4f52430a', 'it is an ORC file'],
  ['4152524f5731', 'it is an Arrow file; write it as Parquet'],
  ['4f626a01', 'it is an Avro file'],
] as const

const controlShareMax = 0.02
const controlsMin = 4

/** Why the bytes are no text, or undefined when they may be. */
export function binaryReason(bytes: Buffer): string | undefined {
  const start = bytes.subarray(0, 16).toString('hex')
  const found = known.find(([magic]) => start.startsWith(magic))
  if (found) return found[1]
  let controls = 0
  for (const byte of bytes) if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27)) controls++
  return controls > Math.max(controlsMin, bytes.length * controlShareMax) ? 'its bytes are no text' : undefined
}
