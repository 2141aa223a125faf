// Fetches a URL into a local file. A name is resolved once; every address it has must be allowed, and the connection
// goes to one of exactly those, so that a name cannot change its answer between the check and the connection.

import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { isIP } from 'node:net'
import { MeshError, ProblemError } from '@meshwork/contracts'
import { isPublicAddress, lookupThrough, type Resolve, resolveAll } from '@meshwork/kit'
import { Agent, request } from 'undici'
import type { Settings } from '../settings.ts'

export interface FetchOptions {
  readonly settings: Pick<Settings, 'urlBytesMax' | 'urlTimeoutMs' | 'allowPrivate'>
  readonly signal: AbortSignal
  readonly resolve?: Resolve
  readonly onBytes?: (bytes: number, total: number | undefined) => void
}

const connectTimeoutMs = 10_000
const silenceTimeoutMs = 60_000

/** Writes the answer of the URL to `path` (new) and says what came. */
export async function fetchToFile(
  source: string,
  path: string,
  options: FetchOptions,
): Promise<{ sha256: string; bytes: number }> {
  const url = parseUrl(source)
  const shown = `${url.origin}${url.pathname}`
  const { settings } = options
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  const checked = (address: string) => {
    if (!settings.allowPrivate && !isPublicAddress(address))
      throw new MeshError('MESHWORK_INGEST_URL_REFUSED', { url: shown, address })
  }
  if (isIP(literal)) checked(literal)
  const agent = new Agent({
    connect: { lookup: lookupThrough(options.resolve ?? resolveAll, checked), timeout: connectTimeoutMs },
    headersTimeout: silenceTimeoutMs,
    bodyTimeout: silenceTimeoutMs,
    pipelining: 0,
  })
  const timeout = AbortSignal.timeout(settings.urlTimeoutMs)
  try {
    const answer = await request(url, {
      dispatcher: agent,
      signal: AbortSignal.any([options.signal, timeout]),
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'meshwork-ingest' },
    })
    checkStatus(shown, answer.statusCode, answer.headers['location'])
    const announced = Number(answer.headers['content-length'] ?? Number.NaN)
    const tooLarge = () =>
      new MeshError('MESHWORK_INGEST_TOO_LARGE', {
        source: shown,
        limitBytes: settings.urlBytesMax,
        setting: 'MESHWORK_INGEST_URL_BYTES_MAX',
      })
    if (announced > settings.urlBytesMax) throw tooLarge()
    const hash = createHash('sha256')
    let bytes = 0
    const file = await open(path, 'wx')
    try {
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        bytes += chunk.byteLength
        if (bytes > settings.urlBytesMax) throw tooLarge()
        hash.update(chunk)
        await file.writeFile(chunk)
        options.onBytes?.(bytes, Number.isFinite(announced) ? announced : undefined)
      }
    } finally {
      await file.close()
    }
    return { sha256: hash.digest('hex'), bytes }
  } catch (error) {
    options.signal.throwIfAborted()
    throw fetchFailure(error, shown, settings.urlTimeoutMs, timeout.aborted)
  } finally {
    await agent.destroy()
  }
}

function parseUrl(source: string): URL {
  const refuse = (reason: string) =>
    new MeshError('MESHWORK_INGEST_URL_INVALID', { url: source.replace(/[?#].*$/s, '').slice(0, 300), reason })
  if (!URL.canParse(source)) throw refuse('it cannot be parsed')
  const url = new URL(source)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refuse('only http and https are')
  if (url.username !== '' || url.password !== '')
    throw new MeshError('MESHWORK_INGEST_URL_INVALID', {
      url: `${url.origin}${url.pathname}`,
      reason: 'it holds a user name or password; use a signed URL or upload the file',
    })
  return url
}

function checkStatus(url: string, status: number, location: string | string[] | undefined): void {
  if (status === 200) return
  if (status >= 300 && status < 400)
    throw new MeshError('MESHWORK_INGEST_URL_REDIRECT', { url, status, location: place(String(location ?? 'nowhere')) })
  if (status >= 500 || status === 429 || status === 408)
    throw new MeshError('MESHWORK_INGEST_URL_UNAVAILABLE', { url, reason: `it answered ${status}` })
  throw new MeshError('MESHWORK_INGEST_URL_STATUS', { url, status })
}

/** A location without its query, which may hold a signature. */
const place = (location: string): string => location.replace(/[?#].*$/s, '').slice(0, 300)

function fetchFailure(error: unknown, url: string, timeoutMs: number, timedOut: boolean): unknown {
  if (timedOut) return new MeshError('MESHWORK_INGEST_URL_TIMEOUT', { url, timeoutMs }, { cause: error })
  const inner = error instanceof AggregateError ? error.errors[0] : error
  if (inner instanceof ProblemError) return inner
  const { code, message, name } = inner as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return inner // of our disk, not of the address
  if (/^UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT$/.test(code ?? ''))
    return new MeshError('MESHWORK_INGEST_URL_TIMEOUT', { url, timeoutMs: silenceOf(code) }, { cause: error })
  if (code !== undefined || name === 'SocketError' || inner instanceof TypeError)
    return new MeshError(
      'MESHWORK_INGEST_URL_UNAVAILABLE',
      { url, reason: `${code ?? name}: ${message}`.slice(0, 300) },
      { cause: error },
    )
  return error
}

const silenceOf = (code: string | undefined): number =>
  code === 'UND_ERR_CONNECT_TIMEOUT' ? connectTimeoutMs : silenceTimeoutMs
