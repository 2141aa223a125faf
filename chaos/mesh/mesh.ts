// What is broken: two orchestrators on one PostgreSQL, each behind a proxy of its own, and a stage behind another.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Postgres, startPostgres } from '../../orchestrator/test/postgres.ts'
import { FaultProxy } from '../proxy/proxy.ts'
import { Service } from './service.ts'

export interface Node {
  readonly service: Service
  /** Between the orchestrator and PostgreSQL. */
  readonly database: FaultProxy
}

export interface Mesh {
  readonly postgres: Postgres
  readonly nodes: readonly [Node, Node]
  readonly stage: Service
  /** Between the orchestrators and the stage. */
  readonly calls: FaultProxy
  readonly ledger: string
  /** Planted in every orchestrator that is started from now on. */
  readonly plants: readonly string[]
  /** Starts the stage, after its death, at the address it has. */
  startStage(): Promise<void>
  end(): Promise<void>
}

const targetOf = (url: string) => {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

export async function startMesh(plants: readonly string[], onLine: (line: string) => void): Promise<Mesh> {
  const closers: (() => unknown)[] = []
  const end = async () => {
    for (const close of closers.reverse()) await close()
  }
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-chaos-'))
  closers.push(async () => await rm(folder, { recursive: true, force: true }))
  try {
    const postgres = await startPostgres({ teardown: close => closers.push(close) })
    const ledger = join(folder, 'effects.ndjson')
    const stage = new Service(
      'stage',
      new URL('../stage/main.ts', import.meta.url),
      {
        MESHWORK_STORE_URL: `file://${folder}/store`,
        MESHWORK_STAGE_CONCURRENCY: '64',
        MESHWORK_STAGE_QUEUE: '1000',
        MESHWORK_EFFECT_LEDGER: ledger,
      },
      onLine,
    )
    const calls = new FaultProxy({ host: '127.0.0.1', port: 1 }, '"token"')
    const port = await calls.listen()
    closers.push(async () => await calls.close())
    closers.push(async () => await stage.kill())
    const startStage = async () => {
      await stage.start()
      if (stage.url === undefined) throw new Error('the stage did not start')
      calls.target = targetOf(stage.url)
    }
    await startStage()
    const node = async (name: string): Promise<Node> => {
      const database = new FaultProxy(targetOf(postgres.url))
      const databasePort = await database.listen()
      closers.push(async () => await database.close())
      const service = new Service(
        name,
        new URL('../../orchestrator/src/main.ts', import.meta.url),
        {
          MESHWORK_DATABASE_URL: Object.assign(new URL(postgres.url), { port: String(databasePort) }).href,
          MESHWORK_STAGES: `effect=http://127.0.0.1:${port}`,
          MESHWORK_STAGE_CALLS_MAX: '4', // few, so that calls wait and are shared
        },
        onLine,
      )
      closers.push(async () => await service.kill())
      await service.start({ plants })
      return { service, database }
    }
    return {
      postgres,
      stage,
      calls,
      ledger,
      plants,
      nodes: [await node('orchestrator 1'), await node('orchestrator 2')],
      startStage,
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}
