// Content-Encoding of bodies: gzip, and deflate with the header of zlib. Only answers to inference are compressed, and
// only when they were asked for so: clients of the other routes do not decompress.

import { promisify } from 'node:util'
import { deflate, gunzip, gzip, inflate } from 'node:zlib'
import { badRequest, OipFault } from '../oip/fault.ts'

const expand = { gzip: promisify(gunzip), deflate: promisify(inflate) }
const shrink = { gzip: promisify(gzip), deflate: promisify(deflate) }
type Encoding = keyof typeof expand
const isEncoding = (name: string): name is Encoding => Object.hasOwn(expand, name)

/** Smaller answers do not get smaller by it. */
const shrunkBytesMin = 256
const level = 1

export async function decoded(body: Buffer, encoding: string | undefined, bytesMax: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return body
  if (!isEncoding(name))
    throw new OipFault(415, `Content-Encoding '${name.slice(0, 40)}' is not supported; send gzip, deflate or identity`)
  try {
    return await expand[name](body, { maxOutputLength: bytesMax })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new OipFault(413, `the body has more than ${bytesMax} bytes when it is decompressed`)
    throw badRequest(`the body is not ${name}: ${(error as Error).message}`)
  }
}

/** The body as the caller can take it; the encoding is undefined where it stays as it is. */
export async function encoded(
  body: Buffer | string,
  accepted: string,
): Promise<{ body: Buffer | string; encoding: Encoding | undefined }> {
  const name = body.length < shrunkBytesMin ? undefined : chosen(accepted)
  if (name === undefined) return { body, encoding: undefined }
  return { body: await shrink[name](body, { level }), encoding: name }
}

/** The first that we know; `q=0` refuses one. */
function chosen(accepted: string): Encoding | undefined {
  for (const part of accepted.split(',')) {
    const [name = '', ...parameters] = part.split(';').map(one => one.trim().toLowerCase())
    if (isEncoding(name) && !parameters.some(one => /^q=0(\.0*)?$/.test(one))) return name
  }
  return undefined
}
