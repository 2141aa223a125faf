// The service as a process that is ended and started again on its port, while clients ask it all the time.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import { Agent, request } from 'undici'
import { float, publish } from './repository-folder.ts'

/** MESHWORK_TEST_RESTARTS=20 shows it at length. */
const rounds = Number(process.env['MESHWORK_TEST_RESTARTS'] ?? 2)
/** Without what is said to tests, which the service would call a mistake. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('MESHWORK_TEST_')))
const clients = 8
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] })

t.test(
  'SIGTERM under load: every request that was read is answered, and the process ends by itself',
  { timeout: 60_000 + rounds * 30_000 },
  async t => {
    const folder = await mkdtemp(join(tmpdir(), 'meshwork-restart-'))
    t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
    await publish(join(folder, 'models'), 'sum', 'sum', { inputs: [float('x', 2)], outputs: [float('y', 1)] })
    const start = async (port: string) => {
      const child = fork(main, [], {
        execArgv: [],
        env: {
          ...environment,
          MESHWORK_PORT: port,
          MESHWORK_LOG_LEVEL: 'silent',
          MESHWORK_MODELS_DIR: join(folder, 'models'),
          MESHWORK_STORE_URL: pathToFileURL(join(folder, 'store')).href,
        },
      })
      const [{ url }] = (await once(child, 'message')) as [{ url: string }]
      return { child, url }
    }
    const agent = new Agent({ connections: clients })
    t.teardown(() => agent.destroy())
    let running = await start('0')
    t.teardown(() => running.child.kill('SIGKILL'))
    const { url } = running
    const statuses = new Map<number, number>()
    const cut: string[] = []
    let over = false
    const client = async () => {
      while (!over)
        try {
          const answer = await request(`${url}/v2/models/sum/infer`, { method: 'POST', body, dispatcher: agent })
          const text = await answer.body.text()
          statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
          if (answer.statusCode === 200 && !text.includes('"data":[3]')) cut.push(text)
        } catch (error) {
          // No connection, or one that was closed as idle at the same moment, is what a client tries again.
          const { code } = error as NodeJS.ErrnoException
          if (code !== 'ECONNREFUSED' && code !== 'ECONNRESET' && code !== 'UND_ERR_SOCKET') cut.push(String(error))
          await new Promise(resolve => setImmediate(resolve))
        }
    }
    const answered = async (more: number) => {
      const until = (statuses.get(200) ?? 0) + more
      while ((statuses.get(200) ?? 0) < until) await new Promise(resolve => setImmediate(resolve))
    }
    const load = Promise.all(Array.from({ length: clients }, client))
    const codes: unknown[] = []
    for (let round = 0; round < rounds; round++) {
      await answered(200)
      const exited = once(running.child, 'exit')
      running.child.kill('SIGTERM')
      codes.push(...(await exited))
      running = await start(new URL(url).port)
    }
    await answered(200)
    over = true
    await load
    const exited = once(running.child, 'exit')
    running.child.kill('SIGTERM')
    codes.push(...(await exited))
    t.same(codes, Array.from({ length: rounds + 1 }, () => [0, null]).flat(), 'no thread was cut off in a run')
    t.same(cut, [], 'no answer was cut')
    // A service that has just started has not loaded its models yet, and says so.
    t.same(
      [...statuses.keys()].filter(status => status !== 200 && status !== 503),
      [],
      JSON.stringify([...statuses]),
    )
  },
)
