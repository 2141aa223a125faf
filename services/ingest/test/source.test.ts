import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { isPublicAddress } from '@meshwork/kit'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { decodeHead, markedEncoding } from '../src/source/encoding.ts'
import { fetchToFile, type FetchOptions } from '../src/source/fetch.ts'
import { binaryReason, compressionOf } from '../src/source/head.ts'
import { writePlain, writeUnixLines } from '../src/source/plain.ts'
import { readSettings } from '../src/settings.ts'

const never = new AbortController().signal

t.test('only public addresses are allowed', async t => {
  const refused = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:8.8.8.8',
    '::7f00:1',
    '64:ff9b::a9fe:a9fe',
    '2002:7f00:1::',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    'example.com',
    '',
  ]
  for (const address of refused) t.equal(isPublicAddress(address), false, address)
  for (const address of [
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '93.184.216.34',
    '2606:2800:220:1::1',
    '2a00:1450:4001::1',
  ])
    t.equal(isPublicAddress(address), true, address)
})

type Options = Partial<Omit<FetchOptions, 'settings'>> & { settings?: Partial<FetchOptions['settings']> }

interface Fetched {
  url: string
  fetch: (url: string, options?: Options) => ReturnType<typeof fetchToFile>
  path: string
}

async function server(t: Test, listener: RequestListener): Promise<Fetched> {
  const http = createServer(listener).listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => {
    http.closeAllConnections()
    http.close()
  })
  const path = join(t.testdir(), 'fetched')
  const settings = { urlBytesMax: 1e6, urlTimeoutMs: 5000, allowPrivate: true }
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    path,
    fetch: async (url, options = {}) =>
      await fetchToFile(url, path, { signal: never, ...options, settings: { ...settings, ...options.settings } }),
  }
}

t.test('a URL that leads inside is not asked, however it is written', async t => {
  let asked = 0
  const { url, fetch } = await server(t, (_request, response) => {
    asked++
    response.end('secret')
  })
  const { port } = new URL(url)
  const settings = { allowPrivate: false }
  for (const host of [
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
    '0',
  ])
    await t.rejects(fetch(`http://${host}:${port}/`, { settings }), { code: 'MESHWORK_INGEST_URL_REFUSED' }, host)
  await t.rejects(
    fetch(`http://data.example:${port}/`, {
      settings,
      resolve: async () => [
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    }),
    { code: 'MESHWORK_INGEST_URL_REFUSED', message: /127\.0\.0\.1/ },
    'one bad address among good ones is enough',
  )
  t.equal(asked, 0)
  await t.rejects(fetch('http://user:word@data.example/x'), { code: 'MESHWORK_INGEST_URL_INVALID' })
  await t.rejects(fetch('http://'), { code: 'MESHWORK_INGEST_URL_INVALID' })
})

t.test('a name is resolved once, and that address is connected to', async t => {
  const { url, fetch, path } = await server(t, (request, response) => response.end(`for ${request.headers.host}`))
  const { port } = new URL(url)
  let resolved = 0
  const fetched = await fetch(`http://data.example:${port}/a.csv`, {
    resolve: async () => [{ address: resolved++ === 0 ? '127.0.0.1' : '192.0.2.1', family: 4 }],
  })
  t.equal(resolved, 1)
  t.equal(await readFile(path, 'utf8'), `for data.example:${port}`)
  t.match(fetched, { bytes: `for data.example:${port}`.length, sha256: /^[0-9a-f]{64}$/ })
})

t.test('every answer that is not the file is told apart', async t => {
  const { url, fetch } = await server(t, (request, response) => {
    const path = request.url ?? ''
    if (path === '/redirect') response.writeHead(302, { location: 'http://169.254.169.254/?key=1' }).end()
    else if (path === '/large') response.writeHead(200, { 'content-length': '2000000' }).end('x')
    else if (path !== '/silent') response.writeHead(Number.parseInt(path.slice(1))).end('no')
  })
  const code = async (path: string, expected: { code: string; retryable?: boolean; message?: RegExp }, settings = {}) =>
    await t.rejects(fetch(`${url}${path}`, { settings }), expected, path)
  await code('/404', { code: 'MESHWORK_INGEST_URL_STATUS', retryable: false })
  await code('/403?signature=secret', { code: 'MESHWORK_INGEST_URL_STATUS', message: /^(?!.*secret)/ })
  await code('/503', { code: 'MESHWORK_INGEST_URL_UNAVAILABLE', retryable: true })
  await code('/redirect', { code: 'MESHWORK_INGEST_URL_REDIRECT', message: /^(?!.*key=1)/ })
  await code('/large', { code: 'MESHWORK_INGEST_TOO_LARGE' })
  await code('/silent', { code: 'MESHWORK_INGEST_URL_TIMEOUT', retryable: true }, { urlTimeoutMs: 50 })
  const gone = new AbortController()
  gone.abort(new Error('gone'))
  await t.rejects(fetch(`${url}/200`, { signal: gone.signal }), { message: 'gone' })
  await t.rejects(fetch('http://nowhere.invalid/x', { resolve: async () => [] }), {
    code: 'MESHWORK_INGEST_URL_UNAVAILABLE',
  })
})

for (const [path, expected] of [
  ['/endless', { code: 'MESHWORK_INGEST_TOO_LARGE' }],
  ['/cut', { code: 'MESHWORK_INGEST_URL_UNAVAILABLE', retryable: true }],
] as const)
  t.test(`a body that does not end as it should is refused: ${path}`, async t => {
    const { url, fetch } = await server(t, (_request, response) => {
      if (path === '/endless') response.end('x'.repeat(1_000_001))
      else response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy())
    })
    await t.rejects(fetch(`${url}${path}`), expected)
  })

t.test('first bytes tell compression, encoding and what is no text', async t => {
  t.equal(compressionOf(gzipSync('a')), 'gzip')
  t.equal(compressionOf(zstdCompressSync(Buffer.from('a'))), 'zstd')
  t.equal(compressionOf(Buffer.from('a')), 'none')
  t.equal(markedEncoding(Buffer.from([0xff, 0xfe, 65, 0])), 'utf-16le')
  t.equal(markedEncoding(Buffer.from([0xfe, 0xff, 0, 65])), 'utf-16be')
  t.equal(markedEncoding(Buffer.from('\ufeffa')), 'utf-8')
  t.equal(markedEncoding(Buffer.from('abc')), undefined)
  t.match(binaryReason(Buffer.from('PK\u0003\u0004rest')), /zip/)
  t.match(binaryReason(Buffer.alloc(100)), /no text/)
  t.equal(binaryReason(Buffer.from('a,b\n\u00011,2\n')), undefined)
  t.throws(() => decodeHead(Buffer.from([65, 0xe9, 44]), true, 'utf-8', 'It'), {
    code: 'MESHWORK_INGEST_ENCODING',
    message: /byte 0xe9 at offset 1 .*windows-1252, latin-1/,
  })
  t.equal(
    decodeHead(Buffer.from('é').subarray(0, 1), false, 'utf-8', 'It'),
    '',
    'a character cut by the head is no fault',
  )
})

t.test('compressed and foreign text becomes plain, damage is told', async t => {
  const dir = t.testdir()
  const plain = async (bytes: Buffer, options: Partial<Parameters<typeof writePlain>[2]> = {}) => {
    await writeFile(join(dir, 'in'), bytes)
    const all = { source: 'It', compression: 'none', encoding: 'utf-8', limitBytes: 1e6, signal: never } as const
    await writePlain(join(dir, 'in'), join(dir, 'out'), { ...all, ...options })
    return await readFile(join(dir, 'out'), 'utf8')
  }
  t.equal(await plain(gzipSync('é\n'), { compression: 'gzip' }), 'é\n')
  t.equal(await plain(zstdCompressSync(Buffer.from('é\n')), { compression: 'zstd' }), 'é\n')
  t.equal(await plain(Buffer.from('é\n', 'utf16le'), { encoding: 'utf-16le' }), 'é\n')
  t.equal(await plain(Buffer.from('é\n', 'utf16le').swap16(), { encoding: 'utf-16be' }), 'é\n')
  t.equal(await plain(Buffer.from([0x80, 0x93, 0xe9]), { encoding: 'windows-1252' }), '€“é')
  t.equal(await plain(Buffer.from([0x80, 0xe9]), { encoding: 'latin-1' }), '\u0080é')
  t.equal(await plain(gzipSync(Buffer.from('é', 'utf16le')), { compression: 'gzip', encoding: 'utf-16le' }), 'é')
  const refused = async (code: string, bytes: Buffer, options: Parameters<typeof plain>[1]) =>
    await t.rejects(plain(bytes, options), { code })
  await refused('MESHWORK_INGEST_COMPRESSION', gzipSync('abc').subarray(0, -5), { compression: 'gzip' })
  await refused('MESHWORK_INGEST_COMPRESSION', zstdCompressSync(Buffer.from('abc')).subarray(0, -2), {
    compression: 'zstd',
  })
  await refused('MESHWORK_INGEST_COMPRESSION', Buffer.concat([gzipSync('abc'), Buffer.from('junk')]), {
    compression: 'gzip',
  })
  await refused('MESHWORK_INGEST_ENCODING', Buffer.from([65, 0, 66]), { encoding: 'utf-16le' })
  await refused('MESHWORK_INGEST_TOO_LARGE', gzipSync(Buffer.alloc(2e6)), { compression: 'gzip' })
  t.ok((await stat(join(dir, 'out'))).size < 1.1e6, 'a bomb is stopped at the limit')

  await writeFile(join(dir, 'in'), 'a\r\nb\rc\n"x\r\ny"\r')
  await writeUnixLines(join(dir, 'in'), join(dir, 'unix'), never)
  t.equal(await readFile(join(dir, 'unix'), 'utf8'), 'a\nb\nc\n"x\ny"\n')
})

t.test('settings of the operator are checked at the start', async t => {
  t.match(readSettings({}), { urlBytesMax: 2 ** 31, allowPrivate: false })
  t.match(readSettings({ MESHWORK_INGEST_ALLOW_PRIVATE: '1', MESHWORK_INGEST_URL_BYTES_MAX: '5' }), {
    urlBytesMax: 5,
    allowPrivate: true,
  })
  t.throws(
    () => readSettings({ MESHWORK_INGEST_ALLOW_PRIVATE: 'yes', MESHWORK_INGEST_URL_TIMEOUT_MS: '-1' }),
    /ALLOW_PRIVATE.*|URL_TIMEOUT_MS/,
  )
})
