// Prefect as a peer: its local server and a process in which its flows run, both from PyPI, in an environment that is made
// once in the cache of the repository. Both keep to the loopback address, tell nobody of themselves, and have a home that
// goes with what is measured. They run only while they are measured, since the server is busy at rest, too.

import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { pythonWith } from '../pipeline/python.ts'
import { ask } from './runs.ts'

const requirements = fileURLToPath(new URL('../python/prefect-requirements.txt', import.meta.url))
const app = fileURLToPath(new URL('prefect_app.py', import.meta.url))
const startTimeoutMs = 120_000
const endTimeoutMs = 10_000

export interface PrefectPlaces {
  readonly stages: string
  readonly databaseUrl: string
  /** A folder of its own. */
  readonly home: string
  readonly cache: string
}

type Child = ChildProcessByStdio<null, Readable, Readable>

export class Prefect {
  readonly #places: PrefectPlaces
  readonly #python: string
  #children: Child[] = []
  #url = ''
  #ending = false

  constructor(places: PrefectPlaces, say: (text: string) => void) {
    this.#places = places
    this.#python = pythonWith(requirements, places.cache, say)
  }

  /** One run of the six steps. */
  async run(): Promise<void> {
    const { value } = await ask<{ value: number }>(this.#url, {})
    if (value !== 6) throw new Error(`six steps of Prefect gave ${value}`)
  }

  /** The server, on the database, and then the process of the flows. */
  async start(): Promise<void> {
    this.#ending = false
    const port = await freePort()
    const server = this.#spawn(port, [
      '-m',
      'prefect',
      'server',
      'start',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
    ])
    server.stdout.resume()
    await untilHealthy(`http://127.0.0.1:${port}/api/health`, server)
    const flows = this.#spawn(port, [app, this.#places.stages])
    for await (const line of createInterface({ input: flows.stdout }))
      if (line.startsWith('http://')) {
        flows.stdout.resume()
        this.#url = line
        return
      }
    throw new Error('the process of the flows of Prefect ended while it started')
  }

  async stop(): Promise<void> {
    this.#ending = true
    for (const child of this.#children.splice(0).reverse()) await end(child)
  }

  #spawn(port: number, args: string[]): Child {
    const { home, databaseUrl } = this.#places
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      PREFECT_HOME: join(home, 'prefect'),
      PREFECT_API_URL: `http://127.0.0.1:${port}/api`,
      PREFECT_SERVER_DATABASE_CONNECTION_URL: databaseUrl.replace(/^postgres(ql)?:/, 'postgresql+asyncpg:'),
      PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
      PREFECT_SERVER_UI_ENABLED: 'false',
      PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS: 'false',
      DO_NOT_TRACK: '1',
      PREFECT_LOGGING_LEVEL: 'ERROR',
      PREFECT_SERVER_LOGGING_LEVEL: 'ERROR',
    }
    const child = spawn(this.#python, args, { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] })
    // What is cut off in the middle complains of it.
    child.stderr.on('data', (told: Buffer) => void (this.#ending || process.stderr.write(told)))
    this.#children.push(child)
    return child
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs)
  await exited
  clearTimeout(timer)
}

async function untilHealthy(url: string, server: ChildProcess): Promise<void> {
  for (const until = performance.now() + startTimeoutMs; performance.now() < until; ) {
    if (server.exitCode !== null) break
    const healthy = await request(url).then(
      async ({ statusCode, body }) => {
        await body.dump()
        return statusCode === 200
      },
      () => false,
    )
    if (healthy) return
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  throw new Error('the server of Prefect did not start')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
