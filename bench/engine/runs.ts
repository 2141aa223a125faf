// What is run: six steps, each called with what the one before answered; and a step for each item of a list.

import type { RunView } from '@meshwork/contracts'
import { Agent, request } from 'undici'
import { asking } from '../ask.ts'

export const names = Array.from({ length: 6 }, (_, i) => `s${i}`)
const six = {
  name: 'six',
  steps: Object.fromEntries(
    names.map((name, i) => [
      name,
      { stage: 'nothing@1', with: { value: i === 0 ? 0 : `\${steps.${names[i - 1]}.value}` } },
    ]),
  ),
  outputs: { value: `\${steps.${names.at(-1)}.value}` },
}
const fan = {
  name: 'fan',
  params: { n: { type: 'integer' } },
  steps: {
    make: { stage: 'nothing@1', with: { value: 0, list: '${params.n}' } },
    each: { stage: 'nothing@1', forEach: '${steps.make.list}', concurrency: 64, with: { value: '${item}' } },
  },
  outputs: { count: '${steps.each.items.size()}' },
}
const agent = new Agent({ connections: 256, headersTimeout: 0, bodyTimeout: 0 })
export const ask = asking(agent)
const sampleMs = 50

/** Orchestrators that share a database; asked in turn. */
export class Mesh {
  readonly #urls: readonly string[]
  #registered: Promise<unknown> | undefined
  #turn = 0

  constructor(urls: readonly string[]) {
    this.#urls = urls
  }

  async run(): Promise<void> {
    const { value } = await this.#start('six', {})
    if (value !== names.length) throw new Error(`six steps gave ${value as number}`)
  }

  async fan(n: number): Promise<void> {
    const { count } = await this.#start('fan', { n })
    if (count !== n) throw new Error(`${n} items gave ${count as number}`)
  }

  /** How much more memory the first of them has at the most while something is done, in MB. */
  async megabytesOf(work: () => Promise<void>): Promise<number> {
    const before = await this.#residentBytes()
    let most = before
    let over = false
    const watching = (async () => {
      while (!over) {
        most = Math.max(most, await this.#residentBytes())
        await new Promise(resolve => setTimeout(resolve, sampleMs))
      }
    })()
    await work()
    over = true
    await watching
    return (most - before) / 1e6
  }

  async #residentBytes(): Promise<number> {
    const { body } = await request(`${this.#urls[0]}/metrics`, { dispatcher: agent })
    return Number(/^process_resident_memory_bytes (\S+)/m.exec(await body.text())?.[1])
  }

  async #start(workflow: string, params: object): Promise<Record<string, unknown>> {
    this.#registered ??= Promise.all([six, fan].map(async of => await ask(`${this.#urls[0]}/v1/workflows`, of)))
    await this.#registered
    const url = this.#urls[this.#turn++ % this.#urls.length] as string
    let run = await ask<RunView>(`${url}/v1/runs`, { workflow, params }, { prefer: 'wait=60' })
    while (run.endedAt === null) {
      await new Promise(resolve => setTimeout(resolve, sampleMs))
      run = (await (await request(`${url}/v1/runs/${run.id}`, { dispatcher: agent })).body.json()) as RunView
    }
    if (run.status !== 'succeeded') throw new Error(`the run ${run.status}: ${run.problem?.detail}`)
    return run.outputs ?? {}
  }
}

/** Without any durability, and with no request in front of it. */
export async function plainRun(stages: string): Promise<void> {
  const run = crypto.randomUUID()
  let value = 0
  for (const name of names)
    value = (await ask<{ value: number }>(`${stages}/v1/nothing`, { value }, { 'idempotency-key': `${run}/${name}` }))
      .value
  if (value !== names.length) throw new Error(`six steps gave ${value}`)
}
