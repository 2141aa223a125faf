// A caller as it should be: it tries again what may pass, with the key that makes one run of it.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunView } from '@meshwork/contracts'
import { request } from 'undici'

const betweenMs = 250
const patienceMs = 120_000
const passing = new Set([408, 425, 429, 502, 503, 504])

export class Client {
  readonly #url: string
  /** Times that something was tried again. */
  retries = 0

  constructor(url: string) {
    this.#url = url
  }

  /** Starts a run and answers it once it is acknowledged. */
  async start(workflow: string, params: Record<string, unknown>): Promise<RunView> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
    return await this.#ask<RunView>('POST', '/v1/runs', headers, JSON.stringify({ workflow, params }))
  }

  async run(id: string): Promise<RunView> {
    return await this.#ask<RunView>('GET', `/v1/runs/${id}`)
  }

  /** The run when it has ended. */
  async ended(id: string): Promise<RunView> {
    for (const until = performance.now() + patienceMs; ; ) {
      const run = await this.run(id)
      if (run.endedAt !== null) return run
      if (performance.now() > until) throw new Error(`run ${id} has not ended after ${patienceMs / 1000} s`)
      await sleep(betweenMs)
    }
  }

  /** Status and body of any request, as it is answered. */
  async send(method: 'GET' | 'POST', path: string, body?: string, type = 'application/json') {
    const headers = body === undefined ? {} : { 'content-type': type }
    const answer = await request(`${this.#url}${path}`, { method, headers, body: body ?? null })
    return { status: answer.statusCode, bytes: Buffer.from(await answer.body.arrayBuffer()) }
  }

  /** Ids of all runs of a workflow. */
  async ids(workflow: string): Promise<string[]> {
    const ids: string[] = []
    for (let after = ''; ; ) {
      const page = await this.#ask<{ items: RunView[]; next?: string | null }>(
        'GET',
        `/v1/runs?workflow=${workflow}&limit=100${after && `&cursor=${encodeURIComponent(after)}`}`,
      )
      ids.push(...page.items.map(({ id }) => id))
      if (!page.next) return ids
      after = page.next
    }
  }

  async #ask<T>(method: 'GET' | 'POST', path: string, headers: Record<string, string> = {}, body?: string): Promise<T> {
    for (const until = performance.now() + patienceMs; ; this.retries++) {
      let wrong: string
      try {
        const answer = await request(`${this.#url}${path}`, { method, headers, body: body ?? null })
        const text = await answer.body.text()
        if (answer.statusCode < 400) return JSON.parse(text) as T
        wrong = `${answer.statusCode} ${text}`
        if (!passing.has(answer.statusCode)) throw new TypeError(`${method} ${path}: ${wrong}`)
      } catch (error) {
        if (error instanceof TypeError) throw error
        wrong = String(error)
      }
      if (performance.now() > until) throw new Error(`${method} ${path} for ${patienceMs / 1000} s: ${wrong}`)
      await sleep(betweenMs)
    }
  }
}
