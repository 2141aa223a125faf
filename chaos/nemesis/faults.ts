// What is done to the mesh. Each fault answers with evidence that it happened, or with nothing when it did not.

import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import type { Driver } from '../drive/driver.ts'
import type { Mesh, Node } from '../mesh/mesh.ts'
import { crashPoints } from '../plant/crash-points.ts'
import { refuse } from './refuse.ts'
import type { Random } from '../random.ts'
import { type Death, deaths } from '../stage/stage.ts'

export interface FaultScope {
  readonly mesh: Mesh
  readonly driver: Driver
  readonly random: Random
}

type Fault = (scope: FaultScope) => Promise<string | undefined>

/** A job goes to another orchestrator after 10 s without a heartbeat, and that is looked for each second. */
const pastLeaseMs = 13_000
const crashWaitMs = 15_000
const sameKeyCount = 200
const unreachableMs = 60_000
const hourMs = 3_600_000
const refusingMs = 3000
const fewCallsMs = 3000

const kill = async ({ mesh }: FaultScope, nodes: readonly Node[]): Promise<string> => {
  const pids = nodes.map(({ service }) => service.pid)
  const ends = await Promise.all(nodes.map(async ({ service }) => await service.kill()))
  await Promise.all(nodes.map(async ({ service }) => await service.start({ plants: mesh.plants })))
  return nodes.map(({ service }, i) => `${service.name} (pid ${pids[i]}) ended by ${ends[i]}`).join(', ')
}

const crashAt =
  (point: string): Fault =>
  async ({ mesh, random }) => {
    const { service } = random.pick(mesh.nodes)
    await service.kill('SIGTERM')
    await service.start({ plants: [...mesh.plants, point], crashHit: random.integer(1, 8) })
    const how = await service.ended(crashWaitMs)
    if (how === undefined) await service.kill()
    await service.start({ plants: mesh.plants })
    return how === 'SIGKILL' ? `${service.name} ended by ${how} at ${point}` : undefined
  }

const refusedBy = (count: number) => (count === 0 ? undefined : `${count} statements refused`)

/** The clock is set while it walks runs, and set right later: one jump each way. */
const moveClock = async ({ mesh, random }: FaultScope, ms: number): Promise<string> => {
  const { service } = random.pick(mesh.nodes)
  service.setClock(ms)
  await pause(random.integer(1000, 4000))
  service.setClock(0)
  return `the clock of ${service.name} moved by ${ms / hourMs} h and back`
}

const stageDies =
  (when: Death): Fault =>
  async ({ mesh }) => {
    await request(`${mesh.stage.url}/die/${when}`, { method: 'POST' }).then(async ({ body }) => await body.dump())
    const how = await mesh.stage.ended(crashWaitMs)
    if (how === undefined) await mesh.stage.kill()
    await mesh.startStage()
    return how === undefined ? undefined : `the stage ended by ${how}`
  }

const simple = {
  /** Nothing: the load and its cancels go on. */
  pause: async () => {
    await pause(3000)
    return '3 s of load'
  },
  'kill-one': async scope => await kill(scope, [scope.random.pick(scope.mesh.nodes)]),
  'kill-both': async scope => await kill(scope, scope.mesh.nodes),
  freeze: async ({ mesh, random }) => {
    const { service } = random.pick(mesh.nodes)
    service.freeze()
    await pause(pastLeaseMs)
    service.thaw()
    await pause(1000)
    return `${service.name} stood still for ${pastLeaseMs} ms`
  },
  partition: async ({ mesh, random }) => {
    const { service, database } = random.pick(mesh.nodes)
    const was = database.done.reset
    database.refusing = true
    database.reset()
    await pause(random.integer(500, 2000))
    database.refusing = false
    await pause(1500)
    return `${service.name}: ${database.done.reset - was} connections to PostgreSQL reset, ${database.done.refused} refused`
  },
  'database-unreachable': async ({ mesh }) => {
    for (const { database } of mesh.nodes) {
      database.refusing = true
      database.reset()
    }
    await pause(unreachableMs)
    for (const { database } of mesh.nodes) database.refusing = false
    const refused = mesh.nodes.reduce((sum, { database }) => sum + database.done.refused, 0)
    return `PostgreSQL unreachable for ${unreachableMs} ms, ${refused} connections refused so far`
  },
  'serialization-failures': async ({ mesh }) => refusedBy(await refuse(mesh.postgres.url, '40001', refusingMs)),
  'database-disk-full': async ({ mesh }) => refusedBy(await refuse(mesh.postgres.url, '53100', refusingMs)),
  'clock-forward': async scope => await moveClock(scope, hourMs),
  'clock-back': async scope => await moveClock(scope, -hourMs),
  'database-stalls': async ({ mesh, random }) => {
    const { service, database } = random.pick(mesh.nodes)
    const was = database.done.stalled
    database.stall(true)
    await pause(random.integer(500, 3000))
    database.stall(false)
    return `${service.name}: ${database.done.stalled - was} connections to PostgreSQL stalled`
  },
  'database-crash': async ({ mesh }) => {
    const began = performance.now()
    await mesh.postgres.restart()
    return `PostgreSQL killed, back after ${Math.round(performance.now() - began)} ms`
  },
  'answers-lost': async ({ mesh, random }) => {
    const was = mesh.calls.done.lost
    mesh.calls.losing = random.integer(5, 20)
    await pause(2000)
    mesh.calls.losing = 0
    const lost = mesh.calls.done.lost - was
    return lost === 0 ? undefined : `${lost} answers lost after their effect`
  },
  'calls-reset': async ({ mesh }) => {
    const was = mesh.calls.done.reset
    mesh.calls.reset()
    await pause(300)
    mesh.calls.reset()
    return `${mesh.calls.done.reset - was} connections to the stage reset`
  },
  'calls-sliced': async ({ mesh }) => {
    const was = mesh.calls.done.sliced
    mesh.calls.slicing = true
    await pause(1500)
    mesh.calls.slicing = false
    return `${mesh.calls.done.sliced - was} pieces sent 7 bytes at a time`
  },
  'calls-stall': async ({ mesh, random }) => {
    const was = mesh.calls.done.stalled
    mesh.calls.stall(true)
    await pause(random.integer(300, 2000))
    mesh.calls.stall(false)
    return `${mesh.calls.done.stalled - was} connections to the stage stalled`
  },
  'rolling-restart': async ({ mesh }) => {
    const ends: string[] = []
    for (const { service } of mesh.nodes) {
      ends.push(await service.kill('SIGTERM'))
      await service.start({ plants: mesh.plants })
    }
    return `ended with ${ends.join(' and ')}`
  },
  'few-calls': async ({ driver, random }) => {
    const concurrency = random.integer(1, 3)
    await driver.limitCalls(concurrency, fewCallsMs)
    return `at most ${concurrency} calls of the stage at one time for ${fewCallsMs} ms`
  },
  'same-key': async ({ driver }) => `${await driver.sameKey(sameKeyCount)} starts under one key`,
} satisfies Record<string, Fault>

type Simple = keyof typeof simple
export type FaultName = Simple | `crash:${string}` | `stage-dies-${Death}`

export const faults: ReadonlyMap<FaultName, Fault> = new Map<FaultName, Fault>([
  ...(Object.entries(simple) as [Simple, Fault][]),
  ...deaths.map((when): [FaultName, Fault] => [`stage-dies-${when}`, stageDies(when)]),
  ...Object.keys(crashPoints).map((point): [FaultName, Fault] => [`crash:${point}`, crashAt(point)]),
])
