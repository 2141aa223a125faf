// Encodings of text: found by their mark, decoded strictly.

import { type Encoding, MeshError } from '@meshwork/contracts'

const declarable = 'utf-16le, utf-16be, windows-1252, latin-1'

/** What a byte order mark says. */
export function markedEncoding(bytes: Buffer): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 'utf-8' : undefined
}

/** Decodes pieces of a text in order; throws a TypeError at bytes that the encoding does not have. */
export interface Decoder {
  decode(chunk: Uint8Array | undefined): string
}

export function decoderOf(encoding: Encoding): Decoder {
  if (encoding === 'latin-1')
    return {
      decode: chunk => (chunk ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1') : ''),
    }
  const decoder = new TextDecoder(encoding, { fatal: true })
  return { decode: chunk => (chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode()) }
}

/** The text of the first bytes. A character cut in two at the end is left out unless the bytes are all there is. */
export function decodeHead(bytes: Buffer, whole: boolean, encoding: Encoding, source: string): string {
  try {
    return decode(bytes, whole, encoding)
  } catch {
    const offset = firstBadByte(bytes, encoding)
    const byte = bytes[offset]?.toString(16).padStart(2, '0') ?? ''
    throw refuse(source, encoding, `byte 0x${byte} at offset ${offset} does not begin a character`)
  }
}

export const refuse = (source: string, encoding: Encoding, reason: string) =>
  new MeshError('MESHWORK_INGEST_ENCODING', {
    source,
    encoding,
    reason,
    encodings: encoding === 'utf-8' ? declarable : `utf-8, ${declarable}`,
  })

function decode(bytes: Buffer, whole: boolean, encoding: Encoding): string {
  const decoder = decoderOf(encoding)
  const text = decoder.decode(bytes)
  return whole ? text + decoder.decode(undefined) : text
}

/** Text of mostly Latin letters in UTF-16 without a mark has a zero in every second byte. */
export function likelyUtf16(bytes: Buffer): Encoding | undefined {
  const zeros = [0, 0]
  for (const [i, byte] of bytes.subarray(0, 4096).entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1
  const half = Math.min(bytes.length, 4096) / 2
  if ((zeros[1] as number) > half * 0.3 && (zeros[0] as number) < half * 0.1) return 'utf-16le'
  return (zeros[0] as number) > half * 0.3 && (zeros[1] as number) < half * 0.1 ? 'utf-16be' : undefined
}

/** Offset of the first byte that begins no character. */
function firstBadByte(bytes: Buffer, encoding: Encoding): number {
  let good = 0
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    try {
      decode(bytes.subarray(0, middle), false, encoding)
      good = middle
    } catch {
      bad = middle
    }
  }
  while (good > 0 && !decodes(bytes.subarray(0, good), encoding)) good--
  return good
}

function decodes(bytes: Buffer, encoding: Encoding): boolean {
  try {
    decode(bytes, true, encoding)
    return true
  } catch {
    return false
  }
}
