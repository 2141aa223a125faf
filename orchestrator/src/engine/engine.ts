// Takes runs and has them walked, at most so many at a time. Any number of engines share one database.

import { setImmediate } from 'node:timers/promises'
import { type JsonValue, ProblemError, type Progress } from '@meshwork/contracts'
import type { Traces } from '@meshwork/kit'
import type { Logger } from 'pino'
import type { Plan } from '../plan/plan.ts'
import type { Answer } from '../stage/answer.ts'
import { restartMs, type StageClient } from '../stage/client.ts'
import type { Outcome } from '../stage/circuit.ts'
import type { Directory, Entered } from '../stage/directory.ts'
import type { SubRuns } from './sub-runs.ts'
import type { Ledger } from '../store/ledger.ts'
import type { SharedCalls, SharedRequest } from '../store/shared-calls.ts'
import type { Runs } from '../store/runs.ts'
import type { SignalRow, Signals } from '../store/signals.ts'
import { placesOf } from '../store/step-sql.ts'
import type { Recorded, Transition, Wishes } from '../store/transition.ts'
import type { EngineMetrics } from '../telemetry/metrics.ts'
import { CallGiver, type Made, type Shared } from './call-giver.ts'
import { CallLimits } from './call-limits.ts'
import type { CallRates } from './call-rates.ts'
import { CallTaker } from './call-taker.ts'
import type { Doorkeeper } from './doorkeeper.ts'
import { ProgressWriter } from './progress.ts'
import { Walk } from './walk.ts'

export interface EngineOptions {
  /** Names this process among the orchestrators. */
  readonly me: string
  readonly runs: Runs
  readonly ledger: Ledger
  readonly signals: Signals
  readonly subRuns: SubRuns
  readonly doorkeeper: Doorkeeper
  readonly directory: Directory
  readonly client: StageClient
  readonly log: Logger
  readonly metrics: EngineMetrics
  readonly traces: Traces
  readonly runsMax: number
  readonly callsMax: number
  readonly rates: CallRates
  /** Where there can be other orchestrators. */
  readonly shared?: SharedCalls | undefined
  /** Told after each commit that concerns a run. */
  readonly changed: (runId: string, ended?: boolean) => void
}

/** What a walk uses of the engine. */
export interface EngineParts {
  readonly runs: Runs
  readonly directory: Directory
  readonly log: Logger
  readonly progress: ProgressWriter
  call(call: CallRequest): Promise<Answer>
  record(transition: Transition, plan: Plan): Promise<Recorded>
  readonly subRuns: SubRuns
  readonly doorkeeper: Doorkeeper
  /** Answers to steps of a run that wait. */
  signals(runId: string): Promise<SignalRow[]>
  /** Told after each commit of the walk. */
  readonly changed: (runId: string, ended?: boolean) => void
  readonly metrics: EngineMetrics
  readonly traces: Traces
}

export interface CallRequest {
  readonly stage: string
  readonly major: number
  readonly step: string
  readonly runId: string
  readonly attempt: number
  readonly fence: number
  /** Whether it is of an item of a list: another orchestrator may make it. */
  readonly item: boolean
  readonly idempotencyKey: string
  readonly body: JsonValue
  readonly timeoutMs: number
  readonly traceparent: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

const lookForRunsMs = 500
const claimMax = 64
const heartbeatMs = 1000
const failurePauseMs = 1000

export class Engine {
  readonly #options: EngineOptions
  readonly #walks = new Map<string, Walk>()
  readonly #done = new Set<Promise<void>>()
  readonly #limits: CallLimits
  readonly #parts: EngineParts
  readonly #progress: ProgressWriter
  readonly #giver: CallGiver | undefined
  readonly #taker: CallTaker | undefined
  #stopped = false
  #woken = false
  /** Whether there may be runs that were not taken for want of room. */
  #full = false
  #wake: (() => void) | undefined
  #loop: Promise<void> = Promise.resolve()
  #heartbeat: NodeJS.Timeout | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    this.#limits = new CallLimits(options.callsMax)
    const { shared, callsMax, log, directory } = options
    const told = (what: Shared) => options.metrics.callShared(what)
    this.#giver = shared && new CallGiver({ shared, callsMax, log, told })
    this.#taker =
      shared &&
      new CallTaker({
        shared,
        call: async (request, signal) => await this.#call(foreign(request, signal)),
        room: () => (this.#limits.waits ? 0 : callsMax - (this.#taker?.size ?? 0)),
        contracts: () => directory.contracts(),
        log,
      })
    this.#progress = new ProgressWriter(options.runs, ids => ids.forEach(id => options.changed(id)))
    this.#parts = {
      runs: options.runs,
      directory: options.directory,
      log: options.log,
      progress: this.#progress,
      call: call => this.#call(call),
      record: (transition, plan) => options.ledger.record({ transition, places: placesOf(plan) }),
      subRuns: options.subRuns,
      doorkeeper: options.doorkeeper,
      signals: async runId => await options.signals.of(runId),
      changed: options.changed,
      metrics: options.metrics,
      traces: options.traces,
    }
  }

  walks(runId: string): boolean {
    return this.#walks.has(runId)
  }

  get walking(): number {
    return this.#walks.size
  }

  /** Places for calls of an address, as this engine uses them. */
  places(url: string): ReturnType<CallLimits['of']> {
    return this.#limits.of(url)
  }

  start(): void {
    this.#loop = this.#claimLoop()
    this.#giver?.start()
    this.#taker?.start()
    this.#heartbeat = setInterval(() => void this.#beat(), heartbeatMs)
  }

  /** Says that there may be a run to take. One that comes while runs are being taken is not missed. */
  wake(): void {
    this.#woken = true
    this.#wake?.()
  }

  /** Passes on what was asked of a run to its walk, if it is here; or there may be a run to take. */
  ask(runId: string, wishes: Wishes): void {
    const walk = this.#walks.get(runId)
    if (walk) walk.ask(wishes)
    else this.wake()
  }

  /** Takes no more runs, stops walking and gives the runs back. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#heartbeat)
    this.wake()
    await this.#loop
    await this.#taker?.stop()
    const jobs = [...this.#walks.values()].map(({ jobId }) => jobId)
    for (const walk of this.#walks.values()) walk.stop()
    await Promise.all(this.#done)
    await this.#giver?.stop()
    await this.#progress.close()
    await this.#options.ledger.idle()
    await this.#options.runs
      .giveBack(jobs)
      .catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'could not hand runs over; their leases will run out'),
      )
  }

  async #claimLoop(): Promise<void> {
    const { runs, me, runsMax, log } = this.#options
    while (!this.#stopped) {
      this.#woken = false
      const room = Math.min(runsMax - this.#walks.size, claimMax)
      let taken = 0
      try {
        await setImmediate() // runs that are accepted in this turn of the loop are taken together
        const claimed = room > 0 ? await runs.claim(me, room) : []
        taken = claimed.length
        for (const run of claimed) this.#begin(new Walk(this.#parts, run))
      } catch (error) {
        log.error({ err: error }, 'could not take runs')
        await pause(failurePauseMs)
      }
      this.#full = taken >= room
      if (taken === 0 || !this.#full) await this.#untilWoken()
    }
  }

  #begin(walk: Walk): void {
    this.#walks.set(walk.runId, walk)
    this.#options.metrics.active.set(this.#walks.size)
    const done = walk
      .walk()
      .then(
        end => {
          if (end === 'lost') this.#options.log.warn({ runId: walk.runId }, 'another orchestrator holds the run')
        },
        async (error: unknown) => {
          this.#options.log.error({ err: error, runId: walk.runId }, 'the walk failed; the run will be taken up again')
          await pause(failurePauseMs)
          await this.#options.runs.giveBack([walk.jobId]).catch(() => {})
          this.wake()
        },
      )
      .then(() => {
        if (this.#walks.get(walk.runId) === walk) this.#walks.delete(walk.runId)
        this.#options.metrics.active.set(this.#walks.size)
        this.#done.delete(done)
        if (this.#full) this.wake()
      })
    this.#done.add(done)
  }

  async #beat(): Promise<void> {
    const walks = [...this.#walks.values()]
    if (walks.length === 0) return
    try {
      await this.#options.runs.touch(walks.map(({ jobId }) => jobId))
      for (const { id, ...wishes } of await this.#options.runs.asked(walks.map(({ runId }) => runId)))
        this.#walks.get(id)?.ask(wishes)
    } catch (error) {
      this.#options.log.warn({ err: error }, 'no heartbeat')
    }
  }

  async #call(call: CallRequest): Promise<Answer> {
    const { directory, client, rates } = this.#options
    let release: (() => void) | undefined
    let entered: Entered | undefined
    let outcome: Outcome = 'unknown'
    try {
      // Who waits for a place counts as in flight, so that the next goes elsewhere.
      entered = await directory.enter(call.stage, call.major, call.attempt > 1, call.signal)
      const { deployment } = entered
      const made = await this.#placeFor(call, deployment.url)
      if (made.kind === 'elsewhere') return made.answer
      release = made.release
      await rates.take(call.stage, call.signal) // last, since its turn is not to be missed
      const answer = await client.call({ ...call, deployment })
      outcome = outcomeOf(answer)
      return answer
    } catch (error) {
      if (call.signal.aborted) return { kind: 'aborted' }
      if (error instanceof ProblemError)
        return { kind: 'problem', problem: error.toProblem(), retryAfterMs: restartMs(call.attempt) }
      throw error
    } finally {
      entered?.leave(outcome)
      release?.()
    }
  }

  /** A place at an address; one that an item waits for may come free at another orchestrator first. */
  async #placeFor(call: CallRequest, url: string): Promise<Made> {
    const take = async (signal: AbortSignal) => await this.#limits.take(url, signal)
    const { taken, max } = this.#limits.of(url)
    if (!this.#giver || !call.item || taken < max) return { kind: 'here', release: await take(call.signal) }
    const { signal, onProgress: _, item: __, ...request } = call
    return await this.#giver.make(request, signal, take)
  }

  async #untilWoken(): Promise<void> {
    if (this.#woken) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      this.#wake = resolve
      timer = setTimeout(resolve, lookForRunsMs)
    })
    clearTimeout(timer)
    this.#wake = undefined
  }
}

/** A call that is made for another orchestrator; items tell no progress. */
const foreign = (request: SharedRequest, signal: AbortSignal): CallRequest => ({
  ...request,
  body: request.body as JsonValue,
  item: false,
  signal,
  onProgress: () => {},
})

/** What an answer says of the deployment. One that is full (503) is no failure of it. */
function outcomeOf(answer: Answer): Outcome {
  if (answer.kind === 'aborted' || answer.kind === 'lost') return 'unknown'
  if (answer.kind === 'result') return 'good'
  const { status } = answer.problem
  if (answer.problem.code === 'MESHWORK_STAGE_UNREACHABLE') return 'away'
  return status < 500 ? 'good' : status === 503 ? 'unknown' : 'bad'
}

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
