// Fires schedules. Any number of orchestrators do: the lock of the schedule's row says whose turn it is, and everything
// that a fire does is in the transaction under it.

import type { Logger } from 'pino'
import { type JsonValue, ProblemError } from '@meshwork/contracts'
import type { Runs } from '../store/runs.ts'
import type { NewFire, ScheduleRow, Schedules } from '../store/schedules.ts'
import type { Verbs } from '../store/verbs.ts'
import type { Sql } from '../store/database.ts'
import { firesBetween, nextFire } from './cron.ts'
import { judgeFire, queuedMax } from './judge-fire.ts'
import type { Starter } from '../start/starter.ts'
import { Ticker } from '../upkeep/ticker.ts'

export interface SchedulerOptions {
  readonly schedules: Schedules
  readonly runs: Runs
  readonly verbs: Verbs
  readonly starter: Starter
  readonly log: Logger
  /** Told that runs were started or cancelled. */
  readonly changed: () => void
  readonly fired: (outcome: NewFire['outcome'], lateSeconds: number) => void
}

const lookMs = 500
const schedulesAtOnce = 100
/** Fires of one schedule in one transaction. */
const firesAtOnce = 100

export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #ticker: Ticker

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#ticker = new Ticker(
      async () => await this.tick(),
      error => options.log.warn({ err: error }, 'could not look after schedules'),
    )
  }

  start(): void {
    this.#ticker.start()
  }

  async stop(): Promise<void> {
    await this.#ticker.stop()
  }

  /** Fires everything that is due. Answers the milliseconds until there may be more. */
  async tick(): Promise<number> {
    const { schedules, changed } = this.#options
    const { waitMs, names } = await schedules.work(schedulesAtOnce)
    let more = false
    for (const name of names) more = (await this.#serve(name)) || more
    if (more) changed()
    return more ? 0 : Math.min(lookMs, Math.max(1, waitMs ?? lookMs))
  }

  /** Answers whether anything came of it. */
  async #serve(name: string): Promise<boolean> {
    const { schedules, starter } = this.#options
    const known = await schedules.get(name)
    if (!known) return false
    // Looked up before the transaction, which holds the only connection of a folder.
    const { definition } = known
    const ready = await starter.prepare(definition.workflow, definition.version).catch((error: unknown) => {
      if (error instanceof ProblemError) return error
      throw error
    })
    const told: { outcome: NewFire['outcome']; lateSeconds: number }[] = []
    const tell = (fire: NewFire, now: Date) =>
      told.push({ outcome: fire.outcome, lateSeconds: (now.getTime() - fire.at.getTime()) / 1000 })
    const start: Start = async (sql, at) => {
      if (ready instanceof ProblemError)
        return { at, outcome: 'failed', reason: ready.toProblem().detail, run_id: null }
      return await this.#start(sql, known, ready, at)
    }
    const served = await schedules.locked(name, async (sql, schedule, now) => {
      if (schedule.revision !== known.revision) return true // it was changed just now: look again
      const settled = await this.#serveQueue(sql, schedule, now, start, tell)
      const fired = await this.#serveDue(sql, schedule, now, start, tell)
      return settled || fired
    })
    for (const { outcome, lateSeconds } of told) this.#options.fired(outcome, lateSeconds)
    return served ?? false
  }

  async #serveDue(sql: Sql, schedule: ScheduleRow, now: Date, start: Start, tell: Tell): Promise<boolean> {
    const { schedules, verbs } = this.#options
    const { name, definition, next_at, paused } = schedule
    if (paused || next_at === null || new Date(next_at) > now) return false
    const times = firesBetween(definition, new Date(next_at), now, firesAtOnce)
    const last = times.at(-1) ?? now
    const next = nextFire(definition, last)
    const open = await schedules.open(sql, name, null)
    let queued = (await schedules.queued(sql, name, queuedMax)).filter(({ backfill }) => backfill === null).length
    const fires: NewFire[] = []
    for (const at of times) {
      const latest = at === last && (next === undefined || next > now)
      const facts = { at: at.getTime(), now: now.getTime(), latest, open: open.length, queued }
      const verdict = judgeFire(facts, definition.catchUp ?? 'latest', definition.overlap ?? 'skip')
      if (verdict.kind !== 'start') {
        if (verdict.kind === 'queued') queued++
        fires.push({ at, outcome: verdict.kind, reason: verdict.reason, run_id: null })
        continue
      }
      if (verdict.replaces) for (const id of open.splice(0)) await verbs.cancelIn(sql, id)
      const fire = await start(sql, at)
      if (fire.run_id !== null) open.push(fire.run_id)
      fires.push(fire)
    }
    await schedules.record(sql, name, fires, next)
    for (const fire of fires) tell(fire, now)
    return true
  }

  /** Starts fires that wait for their turn, each lane (the schedule, or a backfill) up to its concurrency. */
  async #serveQueue(sql: Sql, schedule: ScheduleRow, now: Date, start: Start, tell: Tell): Promise<boolean> {
    const { schedules } = this.#options
    const taken = new Map<string | null, number>()
    let any = false
    for (const fire of await schedules.queued(sql, schedule.name, firesAtOnce)) {
      const lane = fire.backfill
      const open = taken.get(lane) ?? (await schedules.open(sql, schedule.name, lane)).length
      taken.set(lane, open)
      if (open >= fire.concurrency || (schedule.paused && lane === null)) continue
      const settled = await start(sql, new Date(fire.at))
      await schedules.settle(sql, schedule.name, settled)
      if (settled.run_id !== null) taken.set(lane, open + 1)
      tell(settled, now)
      any = true
    }
    return any
  }

  async #start(sql: Sql, schedule: ScheduleRow, ready: Prepared, at: Date): Promise<NewFire> {
    const { definition, name } = schedule
    const time = at.toISOString()
    const params: Record<string, JsonValue> = {
      ...definition.params,
      ...(definition.timeParam !== undefined && { [definition.timeParam]: time }),
    }
    try {
      const run = ready(params, { key: `schedule/${name}/${time}/${schedule.created_at.toISOString()}` })
      await this.#options.runs.acceptIn(sql, [run])
      return { at, outcome: 'started', reason: null, run_id: run.id }
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      return { at, outcome: 'failed', reason: error.toProblem().detail, run_id: null }
    }
  }
}

type Prepared = Awaited<ReturnType<Starter['prepare']>>
type Start = (sql: Sql, at: Date) => Promise<NewFire>
type Tell = (fire: NewFire, now: Date) => void
