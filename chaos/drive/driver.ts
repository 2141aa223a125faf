// The clients: start runs under keys, again when they heard nothing, at any orchestrator, and cancel some. What they
// were told is the history that is checked.

import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import type { LimitedTime } from '../check/calls-at-once.ts'
import type { Node } from '../mesh/mesh.ts'
import { documentOf, nMax, type Program, randomProgram } from '../program/program.ts'
import type { Random } from '../random.ts'

export interface Start {
  readonly key: string
  readonly program: Program
  readonly n: number
  /** Ids that it was answered; more than one is a violation. */
  readonly acknowledged: Set<string>
  /** Whether a cancel was acknowledged. */
  cancelled: boolean
}

export interface History {
  readonly starts: Map<string, Start>
  /** Times in which the stage was to have few calls in flight. */
  readonly limited: LimitedTime[]
  /** Requests that were answered with an error, or not at all. */
  unanswered: number
}

export interface DriverOptions {
  readonly nodes: readonly Node[]
  readonly random: Random
  /** Runs that have not ended, as the database tells. */
  readonly open: () => Promise<number>
  readonly openMax: number
  readonly programs: number
  readonly workMs: number
}

const requestTimeoutMs = 3000
const innerPrograms = 4
const againMs = 50
/** Of the stage at one time: one less than two orchestrators have places for. */
const callsMax = 7
/** Limits are read every second. */
const limitKnownMs = 2000

export class Driver {
  readonly history: History = { starts: new Map(), limited: [], unanswered: 0 }
  readonly #options: DriverOptions
  readonly #programs: readonly Program[]
  readonly #pending = new Set<Promise<void>>()
  #serial = 0
  #stopped = false
  #loop: Promise<void> = Promise.resolve()

  constructor(options: DriverOptions) {
    this.#options = options
    const inner = Array.from({ length: innerPrograms }, (_, i) => randomProgram(`inner-${i}`, options.random, []))
    this.#programs = [
      ...inner,
      ...Array.from({ length: options.programs }, (_, i) => randomProgram(`program-${i}`, options.random, inner)),
    ]
  }

  async register(): Promise<void> {
    for (const program of this.#programs) {
      const body = JSON.stringify(documentOf(program, this.#options.workMs))
      const answer = await this.#post('/v1/workflows', body)
      if (!answer || answer.status >= 300) throw new Error(`${program.name}: ${JSON.stringify(answer?.body)}\n${body}`)
    }
    await this.#limit(callsMax)
  }

  start(): void {
    this.#loop = this.#drive()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#loop
    await Promise.all(this.#pending)
  }

  /** Many requests at one time under one key. */
  async sameKey(count: number): Promise<number> {
    const start = this.#next()
    await Promise.all(Array.from({ length: count }, async () => await this.#ask(start)))
    await this.#untilAcknowledged(start)
    const [id] = start.acknowledged
    if (id !== undefined) await this.#signalAll(id, start.program)
    return count
  }

  /** Fewer calls of the stage at one time than else, for so long after everybody knows. */
  async limitCalls(concurrency: number, ms: number): Promise<void> {
    await this.#limit(concurrency)
    await pause(limitKnownMs)
    const from = Date.now()
    await pause(ms)
    this.history.limited.push({ concurrency, from, to: Date.now() })
    await this.#limit(callsMax)
  }

  async #limit(concurrency: number): Promise<void> {
    for (;;) {
      const answer = await this.#send('PUT', '/v1/stages/effect/limit', JSON.stringify({ concurrency }))
      if (answer && answer.status < 300) return
      await pause(againMs)
    }
  }

  async #drive(): Promise<void> {
    const { open, openMax, random } = this.#options
    while (!this.#stopped) {
      const room = openMax - (await open().catch(() => openMax)) - this.#pending.size
      for (let i = 0; i < room; i++) this.#keep(this.#client(this.#next(), random.chance(0.1), random.chance(0.1)))
      await pause(againMs)
    }
  }

  #keep(work: Promise<void>): void {
    const kept = work.finally(() => this.#pending.delete(kept))
    this.#pending.add(kept)
  }

  #next(): Start {
    const { random } = this.#options
    const key = `start-${this.#serial++}`
    const start: Start = {
      key,
      program: random.pick(this.#programs),
      n: random.integer(0, nMax),
      acknowledged: new Set(),
      cancelled: false,
    }
    this.history.starts.set(key, start)
    return start
  }

  async #client(start: Start, twice: boolean, cancels: boolean): Promise<void> {
    await this.#untilAcknowledged(start)
    if (twice) await this.#ask(start)
    const [id] = start.acknowledged
    if (id === undefined) return
    await this.#signalAll(id, start.program)
    if (!cancels) return
    await pause(this.#options.random.integer(0, 100))
    while (!start.cancelled) {
      const answer = await this.#post(`/v1/runs/${id}/cancel`, '{}')
      start.cancelled = answer !== undefined && answer.status < 300
      if (this.#stopped && !start.cancelled) return
      if (!start.cancelled) await pause(againMs)
    }
  }

  async #signalAll(run: string, { steps }: Program): Promise<void> {
    for (const { kind, name } of steps) if (kind === 'signal') await this.#signal(run, name)
  }

  /** Signals of runs whose start nobody heard of. */
  async signalRest(): Promise<void> {
    const [node] = this.#options.nodes
    const answer = await request(`${node?.service.url}/v1/waits?kind=signal&limit=500`)
    const { items } = (await answer.body.json()) as { items: { run: string; step: string }[] }
    for (const { run, step } of items) await this.#signal(run, step)
  }

  /** Until it is known: kept, or too late. One that is sent before the step is begun is kept as well. */
  async #signal(run: string, step: string): Promise<void> {
    for (;;) {
      const answer = await this.#post(`/v1/runs/${run}/steps/${step}/signal`, '{}')
      if (answer && (answer.status < 300 || answer.status === 409)) return
      if (answer?.status === 404) return // a run that was lost: the checks say so
      await pause(againMs)
    }
  }

  /** One that was never answered when the load ends may have become a run, or not. */
  async #untilAcknowledged(start: Start): Promise<void> {
    while (start.acknowledged.size === 0) {
      if (await this.#ask(start)) return
      if (this.#stopped) return
      await pause(againMs)
    }
  }

  async #ask({ key, program, n, acknowledged }: Start): Promise<boolean> {
    const answer = await this.#post('/v1/runs', JSON.stringify({ workflow: program.name, params: { n } }), key)
    const id = answer !== undefined && answer.status < 300 ? answer.body.id : undefined
    if (id !== undefined) acknowledged.add(id)
    return id !== undefined
  }

  async #post(path: string, body: string, key?: string) {
    return await this.#send('POST', path, body, key)
  }

  async #send(method: 'POST' | 'PUT', path: string, body: string, key?: string) {
    const urls = this.#options.nodes.flatMap(({ service }) => service.url ?? [])
    if (urls.length === 0) return undefined
    try {
      const answer = await request(this.#options.random.pick(urls) + path, {
        method,
        headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
        body,
        signal: AbortSignal.timeout(requestTimeoutMs),
      })
      if (answer.statusCode >= 300) this.history.unanswered++
      return { status: answer.statusCode, body: (await answer.body.json()) as { id?: string } }
    } catch {
      this.history.unanswered++
      return undefined
    }
  }
}
