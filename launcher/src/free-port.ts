import { createServer } from 'node:net'

/** Below the ports that systems give to connections and to servers that ask for any, so that none is taken in between. */
const first = 20_000
const last = 32_000
const triesMax = 1000

/** Those of this process, whose services may be starting still. */
const given = new Set<number>()

/** Ports of the loopback address that are free now, all different, and none twice in a process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries++) {
    if (tries >= triesMax) throw new Error(`there are no ${count} free ports from ${first} to ${last}`)
    const port = first + Math.floor(Math.random() * (last - first))
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    ports.push(port)
  }
  return ports
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return await new Promise(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
