// Joining among replicas: who does the work of an idempotency key, and the record of its result, both in the store.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { MeshError, type StageResult } from '@meshwork/contracts'
import type { RecordStore } from '../data/store.ts'

export type Claim =
  | { readonly kind: 'recorded'; readonly result: StageResult }
  | { readonly kind: 'mine'; record(result: StageResult): Promise<void>; release(): Promise<void> }

interface ClaimRecord {
  readonly owner: string
  readonly inputHash: string
  /** Milliseconds since 1970 by the owner's clock; only its change matters to others. */
  readonly at: number
}

interface ResultRecord extends StageResult {
  readonly schema: 'meshwork.result/1'
}

/** How often a claim is refreshed, when one that is not is taken over, and how often others look. */
const timings = { heartbeatMs: 5000, staleAfterMs: 15_000, lookMs: 200 }

export class Claims {
  readonly #records: RecordStore
  readonly #timing: typeof timings
  readonly #results: string
  readonly #claims: string

  /** `stage` and `major` keep the keys of different contracts apart. */
  constructor(records: RecordStore, stage: string, major: number, timing = timings) {
    this.#records = records
    this.#timing = timing
    this.#results = `results/${stage}/${major}`
    this.#claims = `claims/${stage}/${major}`
  }

  /** Resolves with the recorded result, or when the work is this caller's to do. */
  async claim(key: string, inputHash: string, signal: AbortSignal): Promise<Claim> {
    const judge = (other: string) => {
      if (other !== inputHash) throw new MeshError('MESHWORK_STAGE_KEY_REUSED', { key })
    }
    let seen: { at: number; since: number } | undefined
    for (;;) {
      signal.throwIfAborted()
      const recorded = (await this.#records.read(this.#results, key)) as ResultRecord | undefined
      if (recorded) {
        judge(recorded.inputHash)
        const { schema: _, ...result } = recorded
        return { kind: 'recorded', result }
      }
      const wanted: ClaimRecord = { owner: randomUUID(), inputHash, at: Date.now() }
      const { created, value } = await this.#records.create(this.#claims, key, wanted)
      if (created) return this.#mine(key, wanted)
      const standing = value as ClaimRecord
      judge(standing.inputHash)
      if (seen?.at !== standing.at) seen = { at: standing.at, since: performance.now() }
      else if (performance.now() - seen.since > this.#timing.staleAfterMs) await this.#records.delete(this.#claims, key)
      await sleep(this.#timing.lookMs, undefined, { signal }).catch(() => {})
    }
  }

  #mine(key: string, claim: ClaimRecord): Claim {
    const standsHere = async () =>
      ((await this.#records.read(this.#claims, key)) as ClaimRecord | undefined)?.owner === claim.owner
    let refreshing = Promise.resolve()
    const beat = setInterval(() => {
      const refresh = async () => {
        if (await standsHere()) await this.#records.replace(this.#claims, key, { ...claim, at: Date.now() })
      }
      refreshing = refreshing.then(refresh).catch(() => {}) // the next beat may succeed
    }, this.#timing.heartbeatMs)
    return {
      kind: 'mine',
      record: async result => {
        const record: ResultRecord = { schema: 'meshwork.result/1', ...result }
        await this.#records.create(this.#results, key, record)
      },
      release: async () => {
        clearInterval(beat)
        await refreshing // or it would put back what is deleted here
        try {
          if (await standsHere()) await this.#records.delete(this.#claims, key) // it may have been taken over
        } catch {
          // the work is done all the same; the claim goes stale by itself
        }
      },
    }
  }
}
