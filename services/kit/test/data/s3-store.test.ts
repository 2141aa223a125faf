import { createHash, randomBytes } from 'node:crypto'
import { chmod, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { ListMultipartUploadsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { openStore } from '../../src/data/open.ts'
import { ArtefactCache } from '../../src/data/s3/artefact-cache.ts'
import { readS3Location } from '../../src/data/s3/location.ts'
import { storeContract } from './store-contract.ts'
import { noServer, startS3 } from './s3-server.ts'

const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')

t.test('an s3: URL says where the store is, and what is wrong with it', async t => {
  t.match(readS3Location('s3://data/mesh/one?endpoint=http://minio:9000&cache=/c&cacheBytes=5'), {
    bucket: 'data',
    prefix: 'mesh/one/',
    endpoint: 'http://minio:9000',
    region: 'us-east-1',
    pathStyle: true,
    cacheFolder: '/c',
    cacheBytesMax: 5,
  })
  t.match(readS3Location('s3://data?region=eu-central-1'), { prefix: '', pathStyle: false, region: 'eu-central-1' })
  for (const [url, message] of [
    ['s3://', /bucket/],
    ['s3://UPPER/x', /UPPER/],
    ['s3://b/x', /"b"/],
    ['s3://key:secret@data/x', /AWS_SHARED_CREDENTIALS_FILE/],
    ['s3://data/x?endpint=http://y', /did you mean endpoint/],
    ['s3://data/x?endpoint=minio:9000', /endpoint "minio:9000"/],
    ['s3://data/x?cache=relative', /"relative"/],
    ['s3://data/x?cacheBytes=1e9x', /1e9x/],
    ['s3://data/x?pathStyle=yes', /true or false/],
  ] as const)
    t.throws(() => readS3Location(url), { name: 'TypeError', message })
  t.notMatch(String(t.throws(() => readS3Location('s3://key:secret@data/x'))), /secret/)
})

t.test('the cache gives up what was not used for the longest, and nothing of the last hour', async t => {
  const folder = t.testdir({ made: {} })
  const cache = new ArtefactCache(join(folder, 'cache'), 25)
  const hashes: string[] = []
  for (const letter of ['a', 'b', 'c', 'd']) {
    const content = Buffer.from(letter.repeat(10))
    const path = join(folder, 'made', letter)
    await writeFile(path, content)
    await cache.place(path, { hash: sha256(content), bytes: 10 })
    hashes.push(sha256(content))
  }
  const left = async () =>
    (await Promise.all(hashes.map(async hash => await cache.find(hash)))).map(path => path !== undefined)
  t.same(await left(), [true, true, true, true], 'all of it was used a moment ago')
  for (const [i, hash] of hashes.entries()) {
    const path = (await cache.find(hash)) as string
    await utimes(path, new Date(Date.now() - (i === 0 ? 2 : 9 - i) * 3_600_000), (await stat(path)).mtime)
  }
  await cache.sweep()
  t.same(await left(), [true, false, false, true])
})

t.test('a server that takes no notice of If-None-Match is refused', async t => {
  const careless = createHttpServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { etag: '"x"' }).end())
  })
  await new Promise<void>(resolve => careless.listen(0, '127.0.0.1', resolve))
  t.teardown(() => careless.close())
  process.env['AWS_ACCESS_KEY_ID'] ??= 'x'
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'x'
  const endpoint = `http://127.0.0.1:${(careless.address() as { port: number }).port}`
  const opened = openStore(`s3://data/x?${new URLSearchParams({ endpoint, cache: t.testdir() }).toString()}`)
  await t.rejects(opened, { code: 'MESHWORK_STORE_UNAVAILABLE', message: /If-None-Match/ })
})

t.test('with a real S3 server', { timeout: 120_000 }, async t => {
  const s3 = await startS3(t)
  if (!s3) {
    t.pass(noServer, { skip: true })
    return
  }
  const open = async (t: Test) => await openStore(s3.storeUrl(t))
  const client = new S3Client({ endpoint: s3.endpoint, region: 'us-east-1', forcePathStyle: true })
  t.teardown(() => client.destroy())
  const keyOf = (url: string, hash: string) => `${new URL(url).pathname.slice(1)}/artefacts/${hash.slice(0, 2)}/${hash}`

  await t.test('a bucket keeps the contract of a store', async t => {
    await storeContract(t, open)
  })

  await t.test('a large file goes up in parts, in constant memory, and others read it', async t => {
    const store = await open(t)
    const chunk = randomBytes(1_000_000)
    const chunks = 200
    const before = process.memoryUsage().rss
    let most = 0
    async function* source() {
      for (let i = 0; i < chunks; i++) {
        most = Math.max(most, process.memoryUsage().rss)
        yield chunk
      }
    }
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20)
    const stored = await store.put(source())
    clearInterval(watch)
    t.equal(stored.bytes, chunks * chunk.length)
    t.ok(most - before < 120_000_000, `${Math.round((most - before) / 1e6)} MB more for 200 MB`)
    const other = await openStore(
      store.url.replace(/cache=[^&]*/, `cache=${encodeURIComponent(join(t.testdirName, 'other'))}`),
    )
    t.equal((await stat(await other.localPath(stored.hash))).size, stored.bytes)
    await t.rejects(other.read(stored.hash), { code: 'MESHWORK_STORE_UNAVAILABLE', message: /at once/ })
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: s3.bucket }))
    t.same(Uploads, [])
  })

  await t.test('an object that was damaged in the bucket, or its copy, is never read', async t => {
    const store = await open(t)
    const { hash } = await store.put('precious')
    const path = await store.localPath(hash)
    await chmod(path, 0o644)
    await writeFile(path, 'preciouS')
    t.equal((await store.read(hash)).toString(), 'precious', 'a damaged copy is fetched again')
    await client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: keyOf(store.url, hash), Body: 'preciouS' }))
    const fresh = await openStore(
      store.url.replace(/cache=[^&]*/, `cache=${encodeURIComponent(join(t.testdirName, 'x'))}`),
    )
    await t.rejects(fresh.read(hash), { code: 'MESHWORK_ARTEFACT_CORRUPT' })
    t.same(await readdir(fresh.scratchRoot), [])
  })

  await t.test('a download whose connection breaks goes on where it was', async t => {
    const content = randomBytes(6_000_000)
    const direct = await open(t)
    const { hash } = await direct.put(content)
    const proxy = await cutting(t, s3.endpoint, 1_500_000)
    const url = new URL(direct.url)
    url.searchParams.set('endpoint', proxy.endpoint)
    url.searchParams.set('cache', join(t.testdirName, 'other'))
    const store = await openStore(url.href)
    proxy.cut(3)
    t.ok(content.equals(await store.read(hash)))
    t.equal(proxy.cuts(), 3)
    t.ok(proxy.passed() < content.length * 1.7, `${proxy.passed()} bytes were sent for ${content.length}`)
  })

  await t.test('a bucket is made when that is asked for, and used when it is there', async t => {
    const url = new URL(s3.storeUrl(t))
    url.hostname = 'made-now'
    url.searchParams.set('createBucket', 'true')
    for (let i = 0; i < 2; i++) t.ok(await (await openStore(url.href)).put(`content ${i}`))
  })

  await t.test('what is wrong with a bucket is told when it is opened', async t => {
    const url = new URL(s3.storeUrl(t))
    const wrong = (change: (url: URL) => void) => {
      const copy = new URL(url)
      change(copy)
      return openStore(copy.href)
    }
    const code = 'MESHWORK_STORE_UNAVAILABLE'
    await t.rejects(
      wrong(copy => (copy.hostname = 'nothing-here')),
      { code, message: /nothing-here.*bucket/i },
    )
    await t.rejects(
      wrong(copy => copy.searchParams.set('endpoint', 'http://127.0.0.1:1')),
      { code, message: /ECONNREFUSED/ },
    )
    const secret = process.env['AWS_SECRET_ACCESS_KEY']
    process.env['AWS_SECRET_ACCESS_KEY'] = 'not this one'
    await t.rejects(openStore(url.href), { code, message: /SignatureDoesNotMatch/ })
    process.env['AWS_SECRET_ACCESS_KEY'] = secret
  })
})

/** A proxy that cuts some of the connections after so many bytes of answers. */
async function cutting(t: Test, endpoint: string, afterBytes: number) {
  let left = 0
  let cuts = 0
  let passed = 0
  const sockets = new Set<Socket>()
  const { hostname, port } = new URL(endpoint)
  const server = createServer(inner => {
    const outer = connect(Number(port), hostname)
    let bytes = 0
    for (const socket of [inner, outer]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => (inner.destroy(), outer.destroy()))
    }
    inner.pipe(outer)
    outer.on('data', (chunk: Buffer) => {
      passed += chunk.length
      bytes += chunk.length
      if (left > 0 && bytes > afterBytes) {
        left--
        cuts++
        inner.destroy()
      } else inner.write(chunk)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    cut: (times: number) => void (left = times),
    cuts: () => cuts,
    passed: () => passed,
  }
}
