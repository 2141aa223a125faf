// Requests in a closed loop: each client sends the next when it has its answer.

import { Agent, request } from 'undici'

export interface Shot {
  readonly url: string
  readonly body: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
}

const agent = new Agent({ connections: 128, headersTimeout: 0, bodyTimeout: 0 })

/** Answers per second. Throws for the first that is not a 200. */
export async function perSecond(shot: Shot, clients: number, ms: number): Promise<number> {
  let answers = 0
  const started = performance.now()
  const until = started + ms
  const client = async () => {
    while (performance.now() < until) {
      await fire(shot)
      answers++
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return answers / ((performance.now() - started) / 1000)
}

export async function fire({ url, body, headers = {} }: Shot): Promise<void> {
  const answer = await request(url, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  const text = await answer.body.bytes()
  if (answer.statusCode !== 200)
    throw new Error(`${answer.statusCode}: ${Buffer.from(text.subarray(0, 300)).toString()}`)
}

/** The 99th percentile of the times of GET, one after the other, while `load` runs. */
export async function p99Ms(url: string, load: Promise<unknown>): Promise<number> {
  const times: number[] = []
  let over = false
  void load.finally(() => (over = true))
  while (!over) {
    const started = performance.now()
    await (await request(url, { dispatcher: agent })).body.dump()
    times.push(performance.now() - started)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  await load
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN
}

/** CPU seconds that a service has used. */
export async function cpuSeconds(url: string): Promise<number> {
  const { body } = await request(`${url}/metrics`, { dispatcher: agent })
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(await body.text())?.[1])
}
