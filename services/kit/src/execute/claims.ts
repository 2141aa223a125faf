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

const heartbeatMs = 5000
const staleAfterMs = 15_000
const lookMs = 200

export class Claims {
  readonly #records: RecordStore
  readonly #results: string
  readonly #claims: string
  readonly #owner = randomUUID()

  /** `stage` and `major` keep the keys of different contracts apart. */
  constructor(records: RecordStore, stage: string, major: number) {
    this.#records = records
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
      const wanted: ClaimRecord = { owner: this.#owner, inputHash, at: Date.now() }
      const { created, value } = await this.#records.create(this.#claims, key, wanted)
      if (created) return this.#mine(key, wanted)
      const standing = value as ClaimRecord
      judge(standing.inputHash)
      if (seen?.at !== standing.at) seen = { at: standing.at, since: performance.now() }
      else if (performance.now() - seen.since > staleAfterMs) await this.#records.delete(this.#claims, key)
      await sleep(lookMs, undefined, { signal }).catch(() => {})
    }
  }

  #mine(key: string, claim: ClaimRecord): Claim {
    const beat = setInterval(() => {
      this.#records.replace(this.#claims, key, { ...claim, at: Date.now() }).catch(() => {}) // the next beat may succeed
    }, heartbeatMs)
    return {
      kind: 'mine',
      record: async result => {
        const record: ResultRecord = { schema: 'meshwork.result/1', ...result }
        await this.#records.create(this.#results, key, record)
      },
      release: async () => {
        clearInterval(beat)
        await this.#records.delete(this.#claims, key)
      },
    }
  }
}
