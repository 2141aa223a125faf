// How long the one place of a stage stands empty: from the end of a call to the beginning of the next, by the clock of the stage.

import type { RunView } from '@meshwork/contracts'
import { request } from 'undici'
import { ask } from './ask.ts'

interface Call {
  readonly run: string
  readonly began: number
  readonly ended: number
}

const list = (name: string, concurrency: number) => ({
  name,
  params: { run: { type: 'string' }, n: { type: 'array' } },
  steps: {
    each: {
      forEach: '${params.n}',
      concurrency,
      stage: 'brief@1',
      with: { run: '${params.run}', item: '${index}' },
    },
  },
  outputs: { calls: '${steps.each.items}' },
})

export class StagePlaces {
  readonly #urls: readonly [string, string]

  /** Of two orchestrators on one database. */
  constructor(urls: readonly [string, string]) {
    this.#urls = urls
  }

  async prepare(): Promise<void> {
    const [url] = this.#urls
    for (const each of [list('wide', 32), list('one', 1)]) await ask(`${url}/v1/workflows`, each)
    const { statusCode, body } = await request(`${url}/v1/stages/brief/limit`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{ "concurrency": 1 }',
    })
    if (statusCode !== 200) throw new Error(await body.text())
    await body.dump()
  }

  /** Milliseconds of each gap where all calls wait at one orchestrator. */
  async atHome(calls: number): Promise<number[]> {
    return gaps(await this.#calls(this.#urls[0], 'wide', calls), () => true)
  }

  /** Where the call that ends and the one that begins are of runs that two orchestrators walk, in turns. */
  async elsewhere(calls: number): Promise<number[]> {
    const both = await Promise.all(this.#urls.map(async url => await this.#calls(url, 'one', calls)))
    return gaps(both.flat(), (one, next) => one.run !== next.run)
  }

  async #calls(url: string, workflow: string, count: number): Promise<Call[]> {
    const params = { run: crypto.randomUUID(), n: Array.from({ length: count }, (_, i) => i) }
    const run = await ask<RunView>(`${url}/v1/runs`, { workflow, params }, { prefer: 'wait=60' })
    if (run.status !== 'succeeded') throw new Error(`the run ${run.status}: ${run.problem?.detail}`)
    return run.outputs?.['calls'] as unknown as Call[]
  }
}

function gaps(calls: readonly Call[], counts: (one: Call, next: Call) => boolean): number[] {
  const inOrder = calls.toSorted((a, b) => a.began - b.began)
  return inOrder.flatMap((one, i) => {
    const next = inOrder[i + 1]
    if (!next) return []
    if (next.began < one.ended) throw new Error('two calls were in flight where one may be')
    return counts(one, next) ? [next.began - one.ended] : []
  })
}
