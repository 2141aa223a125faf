// Load on a server: in a closed loop, where each client sends the next request when it has its answer, and in an open
// one, where requests come by themselves. The first answer that is not a 200 ends it with an error.

import { Connection } from './connection.ts'
import type { Shot } from './shots.ts'

const openConnectionsMax = 256

/** Answers per second of `clients` at a time. */
export async function perSecond(shot: Shot, clients: number, ms: number): Promise<number> {
  let answers = 0
  const connections = Array.from({ length: clients }, () => new Connection(shot.url))
  const started = performance.now()
  const until = started + ms
  try {
    await Promise.all(
      connections.map(async connection => {
        while (performance.now() < until) {
          await connection.fire(shot.bytes)
          answers++
        }
      }),
    )
    return answers / ((performance.now() - started) / 1000)
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** Sends so many requests, `clients` at a time. */
export async function requests(shot: Shot, clients: number, count: number): Promise<void> {
  const connections = Array.from({ length: clients }, () => new Connection(shot.url))
  let left = count
  try {
    await Promise.all(
      connections.map(async connection => {
        while (left-- > 0) await connection.fire(shot.bytes)
      }),
    )
  } finally {
    for (const connection of connections) connection.close()
  }
}

/**
 * Times of requests that come at random, `rate` of them a second on average, however long others take. They count from
 * when a request came, not from when a connection was free to send it: a server that falls behind does not hide it.
 */
export async function openLoop(shot: Shot, rate: number, ms: number): Promise<number[]> {
  const connections: Connection[] = []
  const free: Connection[] = []
  const waiting: number[] = []
  const times: number[] = []
  const underWay = new Set<Promise<void>>()
  const send = async (came: number, connection: Connection) => {
    await connection.fire(shot.bytes)
    times.push(performance.now() - came)
    const next = waiting.shift()
    if (next === undefined) free.push(connection)
    else await send(next, connection)
  }
  const take = () => {
    const connection = free.pop()
    if (connection !== undefined || connections.length === openConnectionsMax) return connection
    const opened = new Connection(shot.url)
    connections.push(opened)
    return opened
  }
  try {
    const started = performance.now()
    const until = started + ms
    for (let next = started; next < until; ) {
      for (const now = performance.now(); next <= now; next += (-Math.log(1 - Math.random()) * 1000) / rate) {
        const connection = take()
        if (connection === undefined) {
          waiting.push(next)
          continue
        }
        const sent = send(next, connection)
        underWay.add(sent)
        void sent.then(() => underWay.delete(sent))
      }
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    while (underWay.size > 0) await Promise.all(underWay)
    return times
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** Times of one client that waits a little after each answer, while `load` runs. */
export async function timesDuring(shot: Shot, load: Promise<unknown>): Promise<number[]> {
  const connection = new Connection(shot.url)
  const times: number[] = []
  let over = false
  const ended = load.finally(() => (over = true))
  try {
    while (!over) {
      const started = performance.now()
      await connection.fire(shot.bytes)
      times.push(performance.now() - started)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    await ended
    return times
  } finally {
    connection.close()
  }
}

export function percentile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Milliseconds of CPU that a service uses for a request, one after the other. */
export async function cpuMs(service: string, shot: Shot, count: number): Promise<number> {
  const connection = new Connection(shot.url)
  try {
    const before = await metricOf(service, 'process_cpu_seconds_total')
    for (let i = 0; i < count; i++) await connection.fire(shot.bytes)
    return (((await metricOf(service, 'process_cpu_seconds_total')) - before) * 1000) / count
  } finally {
    connection.close()
  }
}

/** A metric of a service that has no labels. */
export async function metricOf(service: string, name: string): Promise<number> {
  const text = await (await fetch(`${service}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
}
