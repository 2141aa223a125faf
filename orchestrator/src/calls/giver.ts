// Calls of items that wait here for a place are offered to other orchestrators, which make those they have room for. A
// place that comes free here meanwhile is taken, and the offer taken back.

import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Answer } from '../stage/answer.ts'
import { Batcher } from '../store/batcher.ts'
import type { SharedCalls, SharedRequest } from '../store/shared-calls.ts'
import { Ticker } from '../upkeep/ticker.ts'

export type Release = () => void
/** Where a call is made: here, with a place that has to be released, or elsewhere. */
export type Made =
  | { readonly kind: 'here'; readonly release: Release }
  | { readonly kind: 'elsewhere'; readonly answer: Answer }
export type Shared = 'answered' | 'taken_back' | 'lost'

export interface CallGiverOptions {
  readonly shared: Pick<SharedCalls, 'others' | 'give' | 'takeBack' | 'drop' | 'news'>
  /** Calls that another orchestrator can be expected to have room for. */
  readonly callsMax: number
  readonly log: Logger
  readonly told: (what: Shared) => void
}

interface Waiting {
  readonly id: string
  readonly request: SharedRequest
  readonly since: number
  readonly settle: (answer: Answer) => void
  state: 'waits' | 'being given' | 'given' | 'being taken back' | 'over'
  /** Of the write that gives it. */
  giving: Promise<void>
}

/** A wait that is over sooner is not worth a row. */
const giveAfterMs = 100
const givenAtOnceMax = 64
const lookMs = 25
const idleMs = 100
const othersEveryMs = 500

export class CallGiver {
  readonly #options: CallGiverOptions
  readonly #waiting = new Map<string, Waiting>()
  readonly #ticker: Ticker
  readonly #takingBack: Batcher<string, boolean>
  #others = 0
  #countedAt = Number.NEGATIVE_INFINITY

  constructor(options: CallGiverOptions) {
    this.#options = options
    const { shared, log } = options
    this.#ticker = new Ticker(
      async () => await this.#look(),
      error => log.warn({ err: error }, 'calls could not be shared'),
    )
    this.#takingBack = new Batcher({
      max: 256,
      write: async ids => {
        const back = await shared.takeBack(ids)
        return ids.map(id => back.has(id))
      },
    })
  }

  start(): void {
    this.#ticker.start()
  }

  async stop(): Promise<void> {
    await this.#ticker.stop()
  }

  /** Resolves when the call can be made here or has been made elsewhere. `take` waits for a place; throws the signal's reason. */
  async make(
    request: SharedRequest,
    signal: AbortSignal,
    take: (signal: AbortSignal) => Promise<Release>,
  ): Promise<Made> {
    const { promise: answered, resolve: settle } = Promise.withResolvers<Answer>()
    const waiting: Waiting = {
      id: randomUUID(),
      request,
      since: performance.now(),
      settle,
      state: 'waits',
      giving: Promise.resolve(),
    }
    this.#waiting.set(waiting.id, waiting)
    const leaving = new AbortController()
    const leave = () => {
      leaving.abort(signal.reason)
      settle({ kind: 'aborted' })
    }
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    const place = take(leaving.signal).then(
      release => release,
      () => undefined, // it was left
    )
    try {
      const release = await Promise.race([place, answered.then(() => undefined)])
      if (release) {
        if (await this.#isMine(waiting)) return { kind: 'here', release }
        release()
      } else {
        leaving.abort()
        void place.then(late => late?.())
      }
      return { kind: 'elsewhere', answer: await answered }
    } finally {
      signal.removeEventListener('abort', leave)
      this.#waiting.delete(waiting.id)
      const stands = waiting.state === 'being given' || waiting.state === 'given'
      waiting.state = 'over'
      if (stands) void this.#drop(waiting)
    }
  }

  async #isMine(waiting: Waiting): Promise<boolean> {
    await waiting.giving
    const { state } = waiting
    if (state === 'waits') waiting.state = 'over'
    if (state !== 'given') return state === 'waits'
    waiting.state = 'being taken back'
    const back = await this.#takingBack.add(waiting.id).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'a call that was shared could not be taken back')
      return false
    })
    if (back) this.#options.told('taken_back')
    // The answer may have come meanwhile.
    if (waiting.state === 'being taken back') waiting.state = back ? 'over' : 'given'
    return back
  }

  /** Answers the milliseconds until the next look. */
  async #look(): Promise<number> {
    if (this.#waiting.size === 0) return idleMs
    await this.#hear()
    const now = performance.now()
    if (now - this.#countedAt > othersEveryMs) {
      this.#others = await this.#options.shared.others()
      this.#countedAt = now
    }
    const all = [...this.#waiting.values()]
    const given = all.filter(({ state }) => state === 'given').length
    const room = Math.min(givenAtOnceMax, 2 * this.#others * this.#options.callsMax - given)
    const ripe = room <= 0 ? [] : all.filter(({ state, since }) => state === 'waits' && now - since >= giveAfterMs)
    // Those that would be called last here.
    await this.#give(ripe.slice(-room))
    return lookMs
  }

  async #give(calls: readonly Waiting[]): Promise<void> {
    if (calls.length === 0) return
    const write = this.#options.shared.give(calls.map(({ id, request }) => ({ id, request })))
    const giving = write.then(
      () => {
        for (const call of calls) if (call.state === 'being given') call.state = 'given'
      },
      () => {
        // Whether they stand is not known: what does not is given up at the next look.
        for (const call of calls) if (call.state === 'being given') call.state = 'given'
      },
    )
    for (const call of calls) Object.assign(call, { state: 'being given', giving })
    await giving
    await write
  }

  async #hear(): Promise<void> {
    const given = [...this.#waiting.values()].filter(({ state }) => state === 'given')
    if (given.length === 0) return
    const { answered, givenUp, known } = await this.#options.shared.news()
    for (const { id, answer } of answered) this.#settle(this.#waiting.get(id), answer, 'answered')
    for (const id of givenUp) this.#settle(this.#waiting.get(id), { kind: 'lost' }, 'lost')
    for (const call of given) if (!known.has(call.id)) this.#settle(call, { kind: 'lost' }, 'lost')
  }

  #settle(call: Waiting | undefined, answer: Answer, what: Shared): void {
    if (call?.state !== 'given' && !(call?.state === 'being taken back' && what === 'answered')) return
    call.state = 'over'
    this.#options.told(what)
    call.settle(answer)
  }

  async #drop({ id, giving }: Waiting): Promise<void> {
    await giving
    await this.#options.shared
      .drop([id])
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'a call that was shared was not dropped'))
  }
}
