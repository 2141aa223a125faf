// Makes a file plain: decompressed and in UTF-8, in a stream, into scratch. A file that is plain already stays where
// it is.

import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type Compression, type Encoding, MeshError, ProblemError } from '@meshwork/contracts'
import { decoderOf, refuse } from './encoding.ts'
import { decompressor } from './head.ts'

export interface PlainOptions {
  readonly source: string
  readonly compression: Compression
  /** Undefined for a format that is no text. */
  readonly encoding: Encoding | undefined
  readonly limitBytes: number
  readonly signal: AbortSignal
}

const chunkBytes = 1024 * 1024

export const isPlain = ({ compression, encoding }: Pick<PlainOptions, 'compression' | 'encoding'>): boolean =>
  compression === 'none' && (encoding === undefined || encoding === 'utf-8')

/** Writes the plain form of `from` to `to`. */
export async function writePlain(from: string, to: string, options: PlainOptions): Promise<void> {
  const { source, compression, encoding, signal } = options
  const input = createReadStream(from, { highWaterMark: chunkBytes })
  const transcode = encoding !== undefined && encoding !== 'utf-8'
  const bounded = limited(options)
  const decoded = transcode ? transcoded(encoding, source) : undefined
  const steps = (chunks: AsyncIterable<Buffer>) => (decoded ? decoded(bounded(chunks)) : bounded(chunks))
  const output = createWriteStream(to, { highWaterMark: chunkBytes })
  try {
    if (compression === 'none') await pipeline(input, steps, output, { signal })
    else await pipeline(input, decompressor(compression), steps, output, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw plainFailure(error, source, compression)
  }
}

/** Rewrites every line end as a line feed, for files that mix them. */
export async function writeUnixLines(from: string, to: string, signal: AbortSignal): Promise<void> {
  const lines = async function* (chunks: AsyncIterable<Buffer>) {
    let carried = ''
    for await (const chunk of chunks) {
      const text = carried + chunk.toString('latin1')
      carried = text.endsWith('\r') ? '\r' : ''
      yield Buffer.from(text.slice(0, text.length - carried.length).replace(/\r\n?/g, '\n'), 'latin1')
    }
    if (carried) yield Buffer.from('\n')
  }
  await pipeline(createReadStream(from, { highWaterMark: chunkBytes }), lines, createWriteStream(to), { signal })
}

function limited({ source, limitBytes }: PlainOptions) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.byteLength
      if (bytes > limitBytes)
        throw new MeshError('MESHWORK_INGEST_TOO_LARGE', {
          source: `${source}, decompressed,`,
          limitBytes,
          setting: 'MESHWORK_INGEST_EXPANDED_BYTES_MAX',
        })
      yield chunk
    }
  }
}

function transcoded(encoding: Encoding, source: string) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    const decoder = decoderOf(encoding)
    let offset = 0
    const decode = (chunk: Buffer | undefined) => {
      try {
        return Buffer.from(decoder.decode(chunk))
      } catch {
        throw refuse(source, encoding, `bytes from offset ${offset} on do not belong to a character`)
      }
    }
    for await (const chunk of chunks) {
      yield decode(chunk)
      offset += chunk.byteLength
    }
    yield decode(undefined)
  }
}

/** What zlib or the disk says, as a problem. */
export function plainFailure(error: unknown, source: string, compression: Compression): unknown {
  if (error instanceof ProblemError || !(error instanceof Error)) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  if (/^Z_|^ZSTD_|^ERR_ZLIB/.test(code)) {
    const reason = code === 'Z_BUF_ERROR' ? 'it ends too early; it was cut off' : message
    return new MeshError('MESHWORK_INGEST_COMPRESSION', { source, compression, reason }, { cause: error })
  }
  return error
}
