// Makes calls for other orchestrators while there is room for them here.

import type { Logger } from 'pino'
import type { Answer } from '../stage/answer.ts'
import { Batcher } from '../store/batcher.ts'
import type { SharedAnswer, SharedCall, SharedCalls, SharedRequest } from '../store/shared-calls.ts'
import { Ticker } from '../upkeep/ticker.ts'

export interface CallTakerOptions {
  readonly shared: Pick<SharedCalls, 'take' | 'touch' | 'answer' | 'giveUp'>
  readonly call: (request: SharedRequest, signal: AbortSignal) => Promise<Answer>
  /** Calls that could be begun now. */
  readonly room: () => number
  /** `stage@major` that deployments serve. */
  readonly contracts: () => readonly string[]
  readonly log: Logger
}

const busyMs = 25
const idleMs = 500
const touchEveryMs = 1000

export class CallTaker {
  readonly #options: CallTakerOptions
  readonly #calls = new Map<string, AbortController>()
  readonly #done = new Set<Promise<void>>()
  readonly #answers: Batcher<SharedAnswer, undefined>
  readonly #ticker: Ticker
  #touchedAt = 0

  constructor(options: CallTakerOptions) {
    this.#options = options
    const { shared, log } = options
    this.#answers = new Batcher({
      max: 64,
      write: async answers => {
        await shared.answer(answers)
        return answers.map(() => undefined)
      },
    })
    this.#ticker = new Ticker(
      async () => await this.#look(),
      error => log.warn({ err: error }, 'calls of others could not be looked for'),
    )
  }

  /** Calls that are made for others just now. */
  get size(): number {
    return this.#calls.size
  }

  start(): void {
    this.#ticker.start()
  }

  /** Ends the calls; whoever gave them hears that they are lost. */
  async stop(): Promise<void> {
    await this.#ticker.stop()
    for (const abort of this.#calls.values()) abort.abort()
    await Promise.all(this.#done)
    await this.#answers.idle()
    await this.#options.shared
      .giveUp()
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'calls of others were not given up'))
  }

  async #look(): Promise<number> {
    await this.#touch()
    const room = this.#options.room()
    const taken = room > 0 ? await this.#options.shared.take(this.#options.contracts(), room) : []
    for (const call of taken) this.#begin(call)
    return this.#calls.size > 0 || taken.length > 0 ? busyMs : idleMs
  }

  #begin({ id, request }: SharedCall): void {
    const abort = new AbortController()
    this.#calls.set(id, abort)
    const done = this.#options
      .call(request, abort.signal)
      .then(async answer => {
        if (answer.kind !== 'aborted') await this.#answers.add({ id, answer })
      })
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'the answer to a call of another was lost'))
      .then(() => {
        this.#calls.delete(id)
        this.#done.delete(done)
      })
    this.#done.add(done)
  }

  async #touch(): Promise<void> {
    const now = performance.now()
    if (this.#calls.size === 0 || now - this.#touchedAt < touchEveryMs) return
    this.#touchedAt = now
    const ids = [...this.#calls.keys()]
    const standing = await this.#options.shared.touch(ids)
    for (const id of ids) if (!standing.has(id)) this.#calls.get(id)?.abort()
  }
}
