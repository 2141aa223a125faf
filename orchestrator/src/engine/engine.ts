// Takes runs and has them walked, at most so many at a time. Any number of engines share one database.

import { setImmediate } from 'node:timers/promises'
import type { Traces } from '@meshwork/kit'
import type { Logger } from 'pino'
import { Caller, type CallRequest } from '../calls/caller.ts'
import type { StageCalls } from '../calls/stage-calls.ts'
import type { Plan } from '../plan/plan.ts'
import type { Answer } from '../stage/answer.ts'
import type { StageClient } from '../stage/client.ts'
import type { Directory } from '../stage/directory.ts'
import type { SubRuns } from '../start/sub-runs.ts'
import type { Ledger } from '../store/ledger.ts'
import type { Notes } from '../store/notes.ts'
import type { SharedCalls } from '../store/shared-calls.ts'
import type { Runs } from '../store/runs.ts'
import type { SignalRow, Signals } from '../store/signals.ts'
import { placesOf } from '../store/step-sql.ts'
import type { Recorded, Transition, Wishes } from '../store/transition.ts'
import type { EngineMetrics } from '../telemetry/metrics.ts'
import type { Doorkeeper } from '../upkeep/doorkeeper.ts'
import { QuietCalls } from './quiet-calls.ts'
import { StepNotes } from './step-notes.ts'
import { Walk } from './walk.ts'

export interface EngineOptions {
  /** Names this process among the orchestrators. */
  readonly me: string
  readonly runs: Runs
  readonly notes: Notes
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
  readonly stageCalls: StageCalls
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
  readonly notes: StepNotes
  readonly quiet: QuietCalls
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

const lookForRunsMs = 500
const claimMax = 64
const heartbeatMs = 1000
const failurePauseMs = 1000

export class Engine {
  readonly #options: EngineOptions
  readonly #walks = new Map<string, Walk>()
  readonly #done = new Set<Promise<void>>()
  readonly #caller: Caller
  readonly #parts: EngineParts
  readonly #notes: StepNotes
  readonly #quiet: QuietCalls
  #stopped = false
  #woken = false
  /** Whether there may be runs that were not taken for want of room. */
  #full = false
  #wake: (() => void) | undefined
  #loop: Promise<void> = Promise.resolve()
  #heartbeat: NodeJS.Timeout | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    this.#caller = new Caller({ ...options, told: what => options.metrics.callShared(what) })
    this.#notes = new StepNotes(options.notes, ids => ids.forEach(id => options.changed(id)))
    this.#quiet = new QuietCalls(note => this.#notes.put(note))
    this.#parts = {
      runs: options.runs,
      directory: options.directory,
      log: options.log,
      notes: this.#notes,
      quiet: this.#quiet,
      call: async call => await this.#caller.call(call),
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
  places(url: string): ReturnType<Caller['places']> {
    return this.#caller.places(url)
  }

  start(): void {
    this.#loop = this.#claimLoop()
    this.#caller.start()
    this.#quiet.start()
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
    await this.#caller.takeNoMore()
    const jobs = [...this.#walks.values()].map(({ jobId }) => jobId)
    for (const walk of this.#walks.values()) walk.stop()
    await Promise.all(this.#done)
    await this.#caller.stop()
    this.#quiet.stop()
    await this.#notes.close()
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

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
