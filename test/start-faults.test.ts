// What keeps a service from starting, made for real: it says so in one line, as the runbook has it, and ends with 1.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { startPostgres } from '../orchestrator/test/postgres.ts'
import { fillDisk, remountReadOnly, smallDisk } from '../services/kit/test/small-disk.ts'

type Settings = Readonly<Record<string, string>>

const page = readFileSync(new URL('../docs/runbooks/start.md', import.meta.url), 'utf8')
/** The first column of the table: what services say. */
const documented = new Set(page.split('\n').flatMap(line => /^\| `(.+?)` \|/.exec(line)?.[1] ?? []))
const seen = new Set<string>()

async function start(service: string, settings: Settings) {
  const main = fileURLToPath(new URL(`../${service}/src/main.ts`, import.meta.url))
  const child = spawn(process.execPath, [main], {
    env: { PATH: '/nowhere', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, errors] = [text(child.stdout), text(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out: await out, errors: await errors }
}

/** Starts it, and sees that it says each of `rows` of the runbook and nothing of `never`. */
async function refuses(
  t: Test,
  service: string,
  settings: Settings,
  rows: readonly string[],
  never: readonly string[] = [],
): Promise<void> {
  const { code, out, errors } = await start(service, settings)
  t.equal(code, 1, 'ends with 1')
  t.equal(out, '', 'logs nothing')
  const name = service.split('/').at(-1) as string
  t.ok(errors.startsWith(`meshwork ${name}: `), errors)
  t.notMatch(errors, /\n\s+at /, 'without a stack')
  for (const row of rows) {
    t.ok(documented.has(row), `the runbook has: ${row}`)
    t.ok(errors.includes(row), `${row} is said: ${errors}`)
    seen.add(row)
  }
  for (const secret of never) t.notOk(errors.includes(secret), `${secret} is not shown`)
}

const clean = 'services/clean'
const store = { MESHWORK_STORE_URL: pathToFileURL(t.testdir()).href }

t.test('settings', async t => {
  const empty = join(t.testdir({ empty: '' }), 'empty')
  await refuses(t, clean, { MESHWORK_PORT: 'http', MESHWORK_STAGE_QUEU: '1' }, [
    'MESHWORK_STORE_URL is not set',
    'must be an integer',
    'is not a setting of this service; did you mean MESHWORK_STAGE_QUEUE?',
  ])
  const { errors } = await start(clean, { ...store, MESHWORK_STORE: 'x' })
  t.match(errors, /did you mean MESHWORK_STORE_URL\?/, 'the beginning of a name is enough')
  await refuses(t, clean, { ...store, MESHWORK_STORE_URL_FILE: empty }, ['are both set; keep one of them'])
  await refuses(t, clean, { MESHWORK_STORE_URL_FILE: '/nowhere/url' }, ['which cannot be read: ENOENT'])
  await refuses(t, 'orchestrator', { MESHWORK_DATABASE_PASSWORD_FILE: empty }, ['which is empty'])
  const stages = { MESHWORK_STAGES: 'clean' }
  const wrong = ['MESHWORK_STAGES has "clean", which is not name=http://host:port']
  await refuses(t, 'orchestrator', { ...stages, MESHWORK_STATE_DIR: t.testdirName }, wrong)
  await refuses(t, 'gateway', { ...stages, ...store, MESHWORK_ORCHESTRATOR_URL: 'http://127.0.0.1:1' }, wrong)
})

t.test('secrets are not told', async t => {
  const { errors } = await start('orchestrator', { MESHWORK_DATABASE_URL: 'mysql://mesh:hunter2@db/mesh' })
  t.match(errors, /MESHWORK_DATABASE_URL must match .*mysql:\/\/…@db\/mesh/)
  t.notMatch(errors, /hunter2/)
  await refuses(
    t,
    'orchestrator',
    { MESHWORK_DATABASE_URL: 'postgres://mesh:hunter2@db/mesh', MESHWORK_DATABASE_PASSWORD: 'hunter3' },
    ['MESHWORK_DATABASE_URL has a password and MESHWORK_DATABASE_PASSWORD is set'],
    ['hunter'],
  )
})

t.test('the address to listen on', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const port = String((taken.address() as AddressInfo).port)
  await refuses(t, clean, { ...store, MESHWORK_PORT: port }, ['is taken by another process'])
  await refuses(t, clean, { ...store, MESHWORK_HOST: '192.0.2.1' }, ['is not an address of this machine'])
})

t.test('folders', { timeout: 60_000 }, async t => {
  const folder = t.testdir({ file: '' })
  await refuses(t, clean, { MESHWORK_STORE_URL: pathToFileURL(join(folder, 'file', 'store')).href }, ['ENOTDIR'])
  const { errors } = await start(clean, { MESHWORK_STORE_URL: 'file:///proc/meshwork/store' })
  t.match(errors, /MESHWORK_STORE_URL: .*ENOENT.*see whether its volume is mounted/, 'it does not try for ever')
  const disk = smallDisk(t, 1)
  if ('why' in disk) {
    for (const row of ['read-only file system, mkdir', 'There is no space left for']) seen.add(row)
    return void t.pass('no disk was filled', { skip: disk.why })
  }
  const there = join(disk.folder, 'there')
  mkdirSync(there)
  t.equal((await ready({ MESHWORK_STORE_URL: pathToFileURL(there).href })).store, 'ok', 'while there is room')
  const filler = join(disk.folder, 'filler')
  fillDisk(filler)
  await refuses(t, clean, { MESHWORK_STORE_URL: pathToFileURL(there).href }, ['There is no space left for'])
  writeFileSync(filler, '')
  remountReadOnly(disk.folder)
  const inDisk = (name: string) => join(disk.folder, name)
  await refuses(t, clean, { MESHWORK_STORE_URL: pathToFileURL(inDisk('new')).href }, ['read-only file system, mkdir'])
  await refuses(t, 'orchestrator', { MESHWORK_STATE_DIR: inDisk('state') }, ['read-only file system, mkdir'])
  const again = await start(clean, { MESHWORK_STORE_URL: pathToFileURL(there).href })
  t.match(again.errors, /EROFS.*; mount it writable/, 'that it was made before does not help')
})

/** What /readyz of a stage tells; the stage is ended afterwards. */
async function ready(settings: Settings): Promise<Readonly<Record<string, string>>> {
  const main = fileURLToPath(new URL('../services/clean/src/main.ts', import.meta.url))
  const child = spawn(process.execPath, [main], { env: { ...settings }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = once(child, 'close')
  try {
    const [{ url }] = (await once(child, 'message')) as [{ url: string }]
    const answer = await fetch(`${url}/readyz`)
    return ((await answer.json()) as { checks: Record<string, string> }).checks
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

t.test('databases', { timeout: 60_000 }, async t => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const at = (url: string) => ({ MESHWORK_DATABASE_URL: url })
  await refuses(t, 'orchestrator', at('postgres://mesh:hunter2@127.0.0.1:1/mesh'), [
    'ECONNREFUSED 127.0.0.1:1; see whether it runs, and whether host and port are its own',
  ])
  await refuses(t, 'orchestrator', at('postgres://mesh@nowhere.invalid/mesh'), ['the name of its host is unknown'])
  await refuses(t, 'orchestrator', at(`postgres://mesh@127.0.0.1:${port}/mesh`), [
    'connection timeout; see whether the network lets this process reach it',
  ])
  const real = new URL((await startPostgres(t, { password: 'hunter3' })).url)
  real.pathname = '/missing'
  await refuses(t, 'orchestrator', at(real.href), ['make the database (createdb), or see its name in the URL'])
  real.password = 'hunter2'
  await refuses(
    t,
    'orchestrator',
    at(real.href),
    ['the password is wrong; see MESHWORK_DATABASE_PASSWORD or its file'],
    ['hunter2'],
  )
})

t.test('one folder serves one orchestrator', { timeout: 60_000 }, async t => {
  const folder = t.testdir()
  const main = fileURLToPath(new URL('../orchestrator/src/main.ts', import.meta.url))
  const first = spawn(process.execPath, [main], {
    env: { MESHWORK_STATE_DIR: folder },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(first, 'close')
  await once(first, 'message')
  await refuses(t, 'orchestrator', { MESHWORK_STATE_DIR: folder }, ['is in use by process'])
  first.kill('SIGTERM')
  await ended
})

t.test('buckets', async t => {
  const keys = { AWS_ACCESS_KEY_ID: 'mesh', AWS_SECRET_ACCESS_KEY: 'hunter2' }
  const cache = new URLSearchParams({ cache: t.testdir() }).toString()
  await refuses(
    t,
    clean,
    { ...keys, MESHWORK_STORE_URL: `s3://mesh?${cache}` },
    ['add ?region=… to the URL or set AWS_REGION'],
    ['hunter2'],
  )
  await refuses(t, clean, { ...keys, MESHWORK_STORE_URL: `s3://mesh?${cache}&endpoint=http://127.0.0.1:1` }, [
    'ECONNREFUSED 127.0.0.1:1; see whether the server runs, and whether endpoint= in the URL is its address',
  ])
  const nowhere = { ...keys, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' }
  const refusing = createHttpServer((request, response) => {
    request.resume()
    const code = request.url?.startsWith('/away') ? 'NoSuchBucket' : 'SignatureDoesNotMatch'
    response.writeHead(403, { 'content-type': 'application/xml' })
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message></Error>`)
  }).listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  t.teardown(() => refusing.close())
  const endpoint = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`
  const at = (bucket: string) => ({ MESHWORK_STORE_URL: `s3://${bucket}?${cache}&endpoint=${endpoint}` })
  const wrong = ['see AWS_SECRET_ACCESS_KEY, or the file that AWS_SHARED_CREDENTIALS_FILE names']
  await refuses(t, clean, { ...keys, ...at('mesh') }, wrong, ['hunter2'])
  await refuses(t, clean, { ...keys, ...at('away') }, ['make the bucket, or see its name in the URL'], ['hunter2'])
  await refuses(t, clean, { ...nowhere, ...at('mesh') }, ['or give the process a role'])
})

t.test('every line of the runbook was said', async t => {
  t.strictSame([...seen].sort(), [...documented].sort())
})
