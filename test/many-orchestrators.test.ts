// The walk-through with two orchestrators, as it is written, on a real PostgreSQL; one of them is really killed.

import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { freePorts } from '../launcher/src/free-port.ts'
import { startPostgres } from '../orchestrator/test/postgres.ts'
import { carryOut, repository, withoutNpm } from './carry-out.ts'

t.test('two orchestrators on one database, as the guide says', { timeout: 100_000 }, async t => {
  const folder = join('.meshwork', `two-test-${process.pid}`)
  const own = join(folder, 'my-stages')
  await mkdir(join(repository, own), { recursive: true })
  t.teardown(async () => {
    for (const n of [1, 2]) await end(join(repository, own, `orchestrator-${n}.pid`))
    await rm(join(repository, folder), { recursive: true, force: true, maxRetries: 3 })
  })
  const postgres = await startPostgres(t)
  const ports = await freePorts(3)
  const adapt = (text: string) =>
    withoutNpm(text)
      .replaceAll('postgres://postgres@127.0.0.1:5432/postgres', postgres.url)
      .replaceAll('MESHWORK_PORT=420$n', `MESHWORK_PORT=$([ $n = 1 ] && echo ${ports[1]} || echo ${ports[2]})`)
      .replaceAll('4100', String(ports[0]))
      .replaceAll('4201', String(ports[1]))
      .replaceAll('4202', String(ports[2]))
      .replaceAll('my-stages/', `${own}/`)
  const env = {
    ...process.env,
    MESHWORK_STORE_URL: new URL(`file://${join(repository, folder)}/store`).href,
  }
  await carryOut(t, 'docs/many-orchestrators.md', { adapt, env })
})

async function end(file: string): Promise<void> {
  try {
    process.kill(Number(await readFile(file, 'utf8')), 'SIGKILL')
  } catch {
    // It has ended as the guide says, or was never started.
  }
}
