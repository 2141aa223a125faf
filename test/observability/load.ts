// Runs without a pause, some of them failing by their own fault, and a little of everything that has a metric of its own.

import { join } from 'node:path'
import type { ArtefactRef } from '@meshwork/contracts'
import { request } from 'undici'
import { Api } from '../../launcher/src/demo/api.ts'
import { repository } from '../../launcher/src/mesh.ts'

const pauseMs = 250

export class Load {
  readonly #url: string
  readonly #api: Api
  #source: ArtefactRef | undefined
  #going = true
  #done: Promise<unknown> = Promise.resolve()
  accepted = 0
  /** By how much inputs of models lie off those of the training. */
  offset = 0

  constructor(url: string) {
    this.#url = url
    this.#api = new Api(url)
  }

  async start(): Promise<void> {
    this.#source = await this.#api.upload(join(repository, 'models/seed/input.csv'))
    const params = { source: this.#source }
    await this.#send('PUT', '/v1/schedules/every-second', {
      workflow: 'seed',
      cron: '* * * * * *',
      timeZone: 'UTC',
      params,
    })
    await this.#send('PUT', '/v1/webhooks/nobody', { url: 'https://nobody.invalid/hook', events: ['run.*'] })
    this.#done = Promise.all([this.#runs(), this.#follow(), this.#infer()])
  }

  /** The same call twice: the second gets the result of the first. */
  async callTwice(): Promise<void> {
    const body = { source: this.#source }
    for (let i = 0; i < 2; i += 1)
      await this.#send('POST', '/stages/ingest/v1/ingest', body, { 'idempotency-key': 'the-same-key' })
  }

  /** Requests to a model that give it no time: some of them are not answered. */
  async hurry(): Promise<void> {
    const inputs = [
      { name: 'input', datatype: 'FP32', shape: [500, 4], data: Array.from({ length: 2000 }, Math.random) },
    ]
    const body = { inputs, parameters: { timeout: 1 } } // microseconds
    const send = async () => await this.#send('POST', '/v2/models/seed/infer', body).catch(() => {})
    await Promise.all(Array.from({ length: 20 }, send))
  }

  async end(): Promise<void> {
    this.#going = false
    await this.#done
  }

  async #runs(): Promise<void> {
    for (let i = 0; this.#going; i += 1) {
      await this.#start(i % 5 === 4)
      await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
  }

  async #start(wrong: boolean): Promise<void> {
    const source = wrong ? { ...this.#source, hash: '0'.repeat(64) } : this.#source
    const started = await this.#api.startRun('seed', { source }, false).catch(() => undefined)
    if (started !== undefined) this.accepted += 1
  }

  /** Somebody who looks at every event of a run, one run after the other. */
  async #follow(): Promise<void> {
    while (this.#going) {
      const run = await this.#api.startRun('seed', { source: this.#source }, false).catch(() => undefined)
      if (run === undefined) await new Promise(resolve => setTimeout(resolve, pauseMs))
      else
        for await (const _ of this.#api.events(run.id)) {
          if (!this.#going) return
        }
    }
  }

  /** Rows like those of the training, over the protocol, and labels. */
  async #infer(): Promise<void> {
    while (this.#going) {
      const data = Array.from({ length: 64 }, () => {
        const row = [Math.random(), Math.random(), Math.random()].map(value => value + this.offset)
        return [...row, row.reduce((sum, value) => sum + value, 0)]
      }).flat()
      const inputs = [{ name: 'input', datatype: 'FP32', shape: [64, 4], data }]
      const score = Math.random()
      const labels = [
        ['seed', { prediction: score, label: Math.random() }],
        ['flight-delay', { prediction: [1 - score, score], label: Math.random() < score }],
      ] as const
      await this.#send('POST', '/v2/models/seed/infer', { inputs }).catch(() => {}) // stages go away in here
      for (const [model, label] of labels)
        await this.#send('POST', `/v2/models/${model}/labels`, { labels: [label] }).catch(() => {})
      await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
  }

  async #send(
    method: 'PUT' | 'POST',
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<void> {
    const answer = await request(`${this.#url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${text}`)
  }
}
