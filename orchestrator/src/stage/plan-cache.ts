// Answers of stages' plans, kept for a short while: the same step is asked about again with every key pressed in an
// editor. Bounded in entries, in size and in time, since a plan may look at things that change (the newest model).

import { createHash } from 'node:crypto'
import type { StagePlan } from '@meshwork/contracts'

interface Entry {
  readonly plan: StagePlan
  readonly until: number
}

const entriesMax = 5000
const keptMs = 30_000

export class PlanCache {
  readonly #entries = new Map<string, Entry>()

  static key(deployment: { url: string; version: string }, major: number, body: string): string {
    return createHash('sha256').update(`${deployment.url} ${deployment.version} ${major} ${body}`).digest('base64')
  }

  get(key: string, now: number): StagePlan | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (entry.until > now) return entry.plan
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, plan: StagePlan, now: number): void {
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= entriesMax && oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(key, { plan, until: now + keptMs })
  }
}
