// Calls of a stage that may have so many in flight at one time take a place among those of all orchestrators, first come
// first served. Stages without such a limit cost a look into a map.
//
// Invariants
//  P1 A call that waited begins after the commit that counts it. Those that were in flight when the limit came are counted, too.
//     A place that a call leaves stays counted and goes to the next here, as long as nobody elsewhere has waited for longer.
//  P2 Of a stage one exchange with the database is under way at a time. It says how many calls there are, never how many
//     more, so one whose end is not known is put right by the next.
//  P3 While calls are in flight or wait, that is said again and again: who falls silent loses its places.

import type { Logger } from 'pino'
import { Inbox } from '../engine/inbox.ts'
import type { PlaceLedger } from '../store/place-ledger.ts'
import type { Waits } from './call-wait.ts'
import type { KnownLimits } from './known-limits.ts'
import type { Standing } from './places-for.ts'

interface Waiter {
  readonly since: number
  readonly enter: () => void
}

interface Line {
  inFlight: number
  readonly waiting: Waiter[]
  /** A call has come or gone. Nobody reads it while nobody serves the line. */
  readonly changes: Inbox<'changed'>
  served: Promise<void> | undefined
  /** Who came before this may have a place that comes free here: since then the first of those elsewhere has waited. */
  passOnTo: number
  passOnUntil: number
}

/** So often those that wait look for places that others have given back. */
const lookMs = 5
const sayAgainMs = 250
/** Without a word of the database for so long, nothing is passed on: it may be given up for gone. */
const passOnMs = 2000
const failurePauseMs = 500

export class StagePlaces {
  readonly #known: Pick<KnownLimits, 'of' | 'onRead'>
  readonly #ledger: Pick<PlaceLedger, 'exchange' | 'mayBeFree' | 'leave'>
  readonly #log: Logger
  readonly #lines = new Map<string, Line>()
  #stopped = false

  constructor(
    known: Pick<KnownLimits, 'of' | 'onRead'>,
    ledger: Pick<PlaceLedger, 'exchange' | 'mayBeFree' | 'leave'>,
    log: Logger,
  ) {
    this.#known = known
    this.#ledger = ledger
    this.#log = log
    known.onRead(() => {
      for (const [stage, line] of this.#lines) this.#serve(stage, line)
    })
  }

  /** When nobody calls any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const line of this.#lines.values()) line.changes.put('changed')
    await Promise.all([...this.#lines.values()].map(async ({ served }) => await served))
    await this.#ledger
      .leave()
      .catch((error: unknown) => this.#log.warn({ err: error }, 'places for calls of stages were not given back'))
  }

  /** Calls that wait here. */
  waiting(stage: string): number {
    return this.#lines.get(stage)?.waiting.length ?? 0
  }

  /** Resolves with the release of a place. Throws the signal's reason. */
  async take(stage: string, { signal, onWait }: Waits): Promise<() => void> {
    signal.throwIfAborted()
    const line = this.#lineOf(stage)
    const max = this.#known.of(stage)?.concurrency ?? null
    if (max === null) line.inFlight++
    else {
      onWait({ reason: 'stage-concurrency', stage, max })
      await this.#waitIn(line, stage, signal)
    }
    return () => {
      line.inFlight--
      if (mayPassOn(line)) line.waiting.shift()?.enter()
      else changed(line)
    }
  }

  #isLimited(stage: string): boolean {
    return (this.#known.of(stage)?.concurrency ?? null) !== null
  }

  #lineOf(stage: string): Line {
    const line = this.#lines.get(stage) ?? {
      inFlight: 0,
      waiting: [],
      changes: new Inbox<'changed'>(),
      served: undefined,
      passOnTo: 0,
      passOnUntil: 0,
    }
    this.#lines.set(stage, line)
    return line
  }

  async #waitIn(line: Line, stage: string, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        since: performance.now(),
        enter: () => {
          signal.removeEventListener('abort', leave)
          line.inFlight++
          resolve()
        },
      }
      const leave = () => {
        line.waiting.splice(line.waiting.indexOf(waiter), 1)
        changed(line)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      line.waiting.push(waiter)
      changed(line)
      this.#serve(stage, line)
    })
  }

  #serve(stage: string, line: Line): void {
    if (line.served || this.#stopped || isEmpty(line) || !(this.#isLimited(stage) || line.waiting.length > 0)) return
    line.served = this.#exchangeWhileUsed(stage, line)
  }

  async #exchangeWhileUsed(stage: string, line: Line): Promise<void> {
    let used = true
    while (used && !this.#stopped) {
      const saidEmpty = isEmpty(line)
      try {
        const now = performance.now()
        const places = await this.#ledger.exchange(stage, standing(line, now))
        for (const waiter of line.waiting.splice(0, places?.granted ?? line.waiting.length)) waiter.enter()
        used = places !== undefined && !(saidEmpty && isEmpty(line))
        if (!places || !used) continue
        line.passOnUntil = now + passOnMs
        line.passOnTo = places.passOnAfterMs === 0 ? Infinity : now - places.passOnAfterMs
        await this.#untilWorthwhile(stage, line)
      } catch (error) {
        this.#log.warn({ err: error, stage }, 'no place could be taken for calls of a stage with a limit')
        await line.changes.take(failurePauseMs)
      }
    }
    // In the same turn as the decision: who comes later finds nobody at work and begins anew.
    line.served = undefined
    line.passOnUntil = 0
  }

  /** Something has changed here, a place may have come free elsewhere, or it is time to say again what stands. */
  async #untilWorthwhile(stage: string, line: Line): Promise<void> {
    const until = performance.now() + sayAgainMs
    for (let left = sayAgainMs; left > 0 && !this.#stopped; left = until - performance.now()) {
      const waits = line.waiting.length > 0
      if ((await line.changes.take(waits ? lookMs : left)).length > 0) return
      if (waits && (await this.#ledger.mayBeFree(stage))) return
    }
  }
}

const isEmpty = ({ inFlight, waiting }: Line) => inFlight === 0 && waiting.length === 0

function mayPassOn({ waiting: [first], passOnTo, passOnUntil }: Line): boolean {
  return first !== undefined && first.since < passOnTo && performance.now() < passOnUntil
}

function changed(line: Line): void {
  if (line.served) line.changes.put('changed')
}

function standing({ inFlight, waiting }: Line, now: number): Standing {
  const [first] = waiting
  return { taken: inFlight, waiting: waiting.length, waitedMs: first ? now - first.since : 0 }
}
