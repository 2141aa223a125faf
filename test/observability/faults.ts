// What happens to meshes, and the alerts that are to tell of it.

import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import type { Mesh } from '../../launcher/src/mesh.ts'
import type { Load } from './load.ts'

/** Two scrapes. */
const scrapedWithinMs = 4500

export interface Fault {
  readonly what: string
  /** Alerts, with a severity where there are several, that must fire while it lasts, and clear when it is over. */
  readonly alerts: readonly string[]
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
}

export function faultsOf(mesh: Mesh, folder: string): readonly Fault[] {
  const store = join(folder, 'store')
  const away = join(folder, 'store-away')
  return [
    {
      what: 'a stage that hangs',
      alerts: ['MeshworkServiceDown', 'MeshworkInstanceDown'],
      begin: async () => signal(mesh, 'report', 'SIGSTOP'),
      end: async () => signal(mesh, 'report', 'SIGCONT'),
    },
    {
      what: 'a stage that starts again and again',
      alerts: ['MeshworkProcessRestarts', 'MeshworkStageUnreachable'],
      begin: async () => await killAgain(mesh, 'features'),
      end: async () => {},
    },
    {
      what: 'no orchestrator',
      alerts: ['MeshworkNoOrchestrator'],
      begin: async () => signal(mesh, 'orchestrator', 'SIGSTOP'),
      end: async () => signal(mesh, 'orchestrator', 'SIGCONT'),
    },
    {
      what: 'an orchestrator that starts again and again',
      alerts: ['MeshworkGatewayFails critical'],
      begin: async () => await killAgain(mesh, 'orchestrator'),
      end: async () => {},
    },
    {
      what: 'a store that is not there',
      alerts: [
        'MeshworkStoreUnavailable',
        'MeshworkRetriesBurn',
        'MeshworkStageFails critical',
        'MeshworkRunsFail critical',
      ],
      begin: async () => {
        await rename(store, away)
        await writeFile(store, 'no folder') // nobody makes it anew
      },
      end: async () => {
        await rm(store)
        await rename(away, store)
      },
    },
  ]
}

/** Takes long to be told, and can be beside the others: models go on as they were. */
export function driftOf(load: Load): Fault {
  return {
    what: 'inputs of a model that move',
    alerts: ['MeshworkModelDrifts'],
    begin: async () => void (load.offset = 0.3),
    end: async () => void (load.offset = 0),
  }
}

function signal(mesh: Mesh, name: string, how: NodeJS.Signals): void {
  const pid = mesh.children.get(name)?.pid
  if (pid === undefined) throw new Error(`${name} does not run`)
  process.kill(pid, how)
}

/** Four times, each time when it has come up again and was scraped. */
async function killAgain(mesh: Mesh, name: string): Promise<void> {
  const child = mesh.children.get(name)
  for (let i = 0; i < 4; i += 1) {
    child?.kill()
    await pause(500)
    for (;;) {
      const answer = await request(`${child?.address}/healthz`).catch(() => undefined)
      await answer?.body.dump()
      if (answer?.statusCode === 200) break
      await pause(200)
    }
    await pause(scrapedWithinMs)
  }
}

const pause = async (ms: number) => await new Promise(resolve => setTimeout(resolve, ms))
