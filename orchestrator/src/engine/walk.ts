// Walks one run: decide, record, call, wait, again. The only loop with effects; what to do is decided in decide.ts, how
// a state changes in settle.ts, what is recorded in compose.ts.
//
// Invariants
//  W1 Nothing is sent before the transition that says so is recorded; one commit lies between an answer and the next call.
//  W2 When a write is refused because the run has another holder, nothing more is written or sent.
//  W3 What ends in `walk()` has no call in flight.

import type { JsonValue, Progress } from '@meshwork/contracts'
import type { Plan, PlanStep } from '../plan/plan.ts'
import type { Answer } from '../stage/answer.ts'
import { type StepRow, stepState } from '../store/rows.ts'
import type { ClaimedRun } from '../store/runs.ts'
import type { Parks, Wishes } from '../store/transition.ts'
import { Answers } from './answers.ts'
import { compose, endOf, type FinalStatus } from './compose.ts'
import { type Command, decide, type Decision } from './decide.ts'
import type { EngineParts } from './engine.ts'
import { Inbox } from './inbox.ts'
import { fallbackOf, hashOf, itemInputsOf } from '../step/input.ts'
import { itemName, itemPlace } from '../step/item-name.ts'
import { Items } from '../step/items.ts'
import { prepare, prepareCall, type Prepared } from '../step/prepare.ts'
import type { RunFacts } from '../step/scope.ts'
import { answered, cancelled, type Change, failed, fellBack, skipped } from '../step/settle.ts'
import { pendingStep, type StepState } from '../step/state.ts'
import { newer } from './wishes.ts'
import { WalkClock } from './walk-clock.ts'
import { WalkSpans } from '../telemetry/walk-spans.ts'
import { WalkTelemetry } from '../telemetry/walk-telemetry.ts'

type Happening =
  | {
      readonly kind: 'answered'
      readonly step: PlanStep
      readonly attempt: number
      readonly answer: Answer
      readonly seconds: number
    }
  /** Something more was asked of the run. */
  | { readonly kind: 'asked' }
  | { readonly kind: 'stop' }

export type WalkEnd = 'ended' | 'parked' | 'lost' | 'stopped'

interface Outlook {
  readonly begun: Begun[]
  readonly moved: boolean
  /** When to decide again even if nothing happens, in milliseconds since 1970. */
  readonly wakeAt: number | undefined
}

interface Begun {
  readonly step: PlanStep
  readonly change: Change
  /** State to go back to when the start is refused. */
  readonly before: StepState
  /** What its stage is called with; a step with forEach is begun without a call. */
  readonly body: JsonValue | undefined
}

export class Walk {
  readonly runId: string
  readonly jobId: string
  readonly #parts: EngineParts
  readonly #claimed: ClaimedRun
  readonly #facts: RunFacts
  readonly #states: Map<string, StepState>
  /** Of the steps with forEach that run. */
  readonly #items = new Map<string, Items>()
  /** Those of them that another walk had begun. */
  readonly #goingOn: ReadonlySet<string>
  readonly #clock: WalkClock
  readonly #inbox = new Inbox<Happening>()
  readonly #calls = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>()
  readonly #telemetry: WalkTelemetry
  readonly #spans: WalkSpans
  /** What the walk keeps to, and what it was last told. */
  #wishes: Wishes
  #asked: Wishes
  readonly #answers: Answers
  #stopping = false

  constructor(parts: EngineParts, claimed: ClaimedRun) {
    const { run } = claimed
    this.runId = run.id
    this.jobId = run.job_id
    this.#parts = parts
    this.#claimed = claimed
    this.#clock = new WalkClock(claimed)
    this.#wishes = { cancelling: run.cancel_requested, paused: run.pause_requested, signals: run.signals }
    this.#asked = this.#wishes
    this.#answers = new Answers(async () => await parts.signals(run.id))
    const startedAt = new Date(run.started_at ?? claimed.at).getTime()
    this.#facts = { id: run.id, workflow: run.workflow, version: run.version, params: run.params, startedAt }
    this.#states = new Map(run.plan.steps.map(({ name }) => [name, pendingStep(name)]))
    const each = new Set(run.plan.steps.flatMap(step => (step.each ? [step.name] : [])))
    const goesOn = (row: StepRow) => each.has(row.name) && row.status === 'running'
    this.#goingOn = new Set(claimed.steps.filter(goesOn).map(({ name }) => name))
    // Its items are in flight, not the step itself.
    for (const row of claimed.steps)
      this.#states.set(row.name, goesOn(row) ? { ...stepState(row), status: 'running' } : stepState(row))
    this.#telemetry = new WalkTelemetry(parts.metrics, parts.log, claimed)
    this.#spans = new WalkSpans(parts.traces, claimed, run.plan, this.#states)
  }

  /** Tells the walk what was asked of the run. */
  ask(told: Wishes): void {
    const { cancelling, paused, signals } = this.#asked
    const wishes = newer(this.#asked, told)
    this.#asked = wishes
    if (wishes.cancelling !== cancelling || wishes.paused !== paused || wishes.signals !== signals)
      this.#inbox.put({ kind: 'asked' })
  }

  /** Ends the walk without an end of the run: calls are aborted and nothing of that is recorded. */
  stop(): void {
    this.#inbox.put({ kind: 'stop' })
  }

  async walk(): Promise<WalkEnd> {
    try {
      return await this.#loop()
    } finally {
      for (const { abort } of this.#calls.values()) abort.abort()
      await Promise.all([...this.#calls.values()].map(({ done }) => done))
    }
  }

  async #loop(): Promise<WalkEnd> {
    const { run } = this.#claimed
    const { plan } = run
    const { subRuns, doorkeeper } = this.#parts
    await this.#answers.readAll(this.#wishes.signals, this.#states)
    if (!this.#wishes.cancelling) await subRuns.startLeft(run, this.#facts, this.#states, this.#answers.steps)
    let first = true
    let changes: Change[] = []
    for (;;) {
      this.#openItems(plan, changes)
      this.#closeItems(changes)
      await this.#answers.readAll(this.#wishes.signals, this.#states)
      const atRest = new Set([...this.#items].flatMap(([name, { running }]) => (running === 0 ? [name] : [])))
      const leftMs = this.#clock.leftMs()
      const decision = decide(
        plan,
        { steps: this.#states, ...this.#wishes, leftMs, atRest, answered: this.#answers.steps },
        this.#clock.now(),
      )
      const { commands } = decision
      const { begun, moved, wakeAt } = await this.#prepare(decision, changes)
      const finish = commands.find(command => command.kind === 'finish')
      const rests = commands.find(command => command.kind === 'park')
      const parks = rests && { why: rests.why, wakeAt }
      if (first || finish || parks || changes.length > 0) {
        const recorded = await this.#record(changes, {
          first,
          parks,
          starts: begun.length > 0,
          status: finish?.status,
        })
        if (recorded === 'lost') return 'lost'
        if (recorded !== 'recorded') {
          this.#wishes = this.#asked = newer(this.#asked, recorded)
          for (const { before } of begun) this.#put(before)
          const refused = new Set(begun.map(({ change }) => change))
          changes = changes.filter(change => !refused.has(change))
          continue
        }
        first = false
        changes = []
        if (finish) await subRuns.tellOf(this.#claimed.run, this.#telemetry.log)
        if (finish && run.limits) await doorkeeper.ended(run.workflow)
        if (finish) return 'ended'
        if (parks) return 'parked'
        for (const { step, body } of begun)
          if (body !== undefined && step.sub)
            await subRuns.start(run, { ...step, sub: step.sub }, this.#stateOf(step), body)
          else if (body !== undefined) this.#call(step, body)
      }
      if (moved) continue
      this.#abort(commands)
      await this.#wait(wakeAt, changes)
      if (this.#stopping) return 'stopped'
    }
  }

  async #wait(wakeAt: number | undefined, changes: Change[]): Promise<void> {
    this.#telemetry.rest(this.#calls.size === 0)
    const happenings = await this.#inbox.take(wakeAt === undefined ? undefined : wakeAt - this.#clock.now())
    this.#telemetry.rest(false)
    for (const happening of happenings) {
      if (happening.kind === 'stop') this.#stopping = true
      else if (happening.kind === 'asked') this.#wishes = this.#asked
      else changes.push(this.#settle(happening))
    }
  }

  /** Turns commands into changes. `moved`: a step came further without a call, so there is more to decide at once. */
  async #prepare({ commands, wakeAt }: Decision, changes: Change[]): Promise<Outlook> {
    const begun: Begun[] = []
    const now = this.#clock.now()
    let moved = false
    const take = ({ change: made, body }: Prepared, step: PlanStep, before: StepState) => {
      const change = this.#orFallback(step, made)
      this.#apply(change, changes)
      if (body === undefined || step.sub) moved = true
      if (step.wait || step.sub || change.events.some(({ type }) => type === 'step.started'))
        begun.push({ step, before, change, body })
    }
    for (const command of commands) {
      if (command.kind === 'finish' || command.kind === 'park') continue
      const { step } = command
      const before = this.#stateOf(step)
      if (command.kind === 'start') {
        const { byStep } = this.#answers
        take(await prepare(this.#parts, this.#claimed.run, this.#facts, this.#states, step, now, byStep), step, before)
      } else if (command.kind === 'skip' || before.status !== 'running') {
        if (step.sub && before.status === 'waiting') await this.#parts.subRuns.cancel(this.runId, before)
        this.#apply(command.kind === 'skip' ? skipped(before, command.reason, now) : cancelled(before, now), changes)
        moved = true
      } else if (this.#items.has(step.name)) {
        const items = this.#items.get(step.name) as Items
        items.end()
        moved ||= items.settled
      }
    }
    let next = wakeAt
    for (const items of this.#wishes.paused ? [] : this.#items.values()) {
      const due = items.due(now)
      if (due.wakeAt !== undefined) next = Math.min(next ?? due.wakeAt, due.wakeAt)
      for (const index of due.indexes) {
        const before = items.stateOf(index)
        const body = items.inputs[index] as JsonValue
        const input = { kind: 'input', body, hash: hashOf(body) } as const
        const step = { ...items.step, name: before.name }
        take(await prepareCall(this.#parts, this.#claimed.run, before, step, input, now), step, before)
      }
    }
    return { begun, moved, wakeAt: next }
  }

  /** Steps with forEach that have begun, here or where the run was walked before. */
  #openItems(plan: Plan, changes: Change[]): void {
    for (const step of plan.steps) {
      const state = this.#states.get(step.name)
      if (!step.each || state?.status !== 'running' || this.#items.has(step.name)) continue
      const input = itemInputsOf(step, this.#facts, plan, this.#states)
      if (input.kind === 'problem') this.#apply(failed(state, input.problem, this.#clock.now()), changes)
      else this.#items.set(step.name, this.#itemsOf(step, state.generation, input))
    }
  }

  #itemsOf(step: PlanStep, generation: number, input: ConstructorParameters<typeof Items>[2]): Items {
    return new Items(step, generation, input, name => this.#states.get(name), this.#goingOn.has(step.name))
  }

  #closeItems(changes: Change[]): void {
    for (const [name, items] of this.#items) {
      if (!items.settled) continue
      for (const change of items.close(this.#states.get(name) as StepState, this.#clock.now()))
        this.#apply(change, changes)
      this.#items.delete(name)
      this.#parts.notes.forget(this.runId, name)
    }
  }

  /** Ends the calls of steps that are cancelled, and those beside an item that has failed for good. */
  #abort(commands: readonly Command[]): void {
    for (const command of commands) if (command.kind === 'cancel') this.#calls.get(command.step.name)?.abort.abort()
    for (const [name, items] of this.#items)
      if (items.over) for (const index of items.calling) this.#calls.get(itemName(name, index))?.abort.abort()
  }

  #call(step: PlanStep, body: JsonValue): void {
    const state = this.#stateOf(step)
    const place = itemPlace(step.name)
    const name = place?.step ?? step.name
    const abort = new AbortController()
    const begun = performance.now()
    this.#telemetry.called(step, state)
    const { runId } = this
    const { fence } = this.#claimed.run
    const { attempts: attempt } = this.#states.get(name) ?? state
    const watch = this.#parts.quiet.watch({ runId, fence, step: name, attempt })
    const done = this.#parts
      .call({
        stage: step.stage,
        major: step.major,
        step: name,
        runId,
        attempt: state.attempts,
        fence,
        item: place !== undefined,
        idempotencyKey: `${runId}/${name}/${place?.index ?? 0}/${state.generation}`,
        body,
        timeoutMs: this.#clock.timeoutMs(step),
        traceparent: this.#spans.traceparent(state),
        signal: abort.signal,
        onProgress: progress => (place ? undefined : this.#tellProgress(name, state.attempts, progress)),
        onWait: watch.waits,
        onSent: watch.moves,
      })
      .then(answer => {
        this.#calls.delete(step.name)
        watch.ended(answer)
        this.#telemetry.callEnded(name)
        const seconds = Math.round(performance.now() - begun) / 1000
        this.#inbox.put({ kind: 'answered', step, attempt: state.attempts, answer, seconds })
      })
    this.#calls.set(step.name, { abort, done })
  }

  #settle({ step, attempt, answer, seconds }: Happening & { kind: 'answered' }): Change {
    const before = this.#stateOf(step)
    if (before.status !== 'running') return { state: before, events: [] }
    const now = this.#clock.now()
    const change = this.#orFallback(step, answered(before, step, answer, now, seconds, Math.random()))
    this.#spans.answered(step, before, attempt, now, seconds, answer.kind === 'problem' ? answer.problem : undefined)
    this.#put(change.state)
    this.#telemetry.settled(step, before, change.state, attempt, seconds)
    return change
  }

  /** What comes of a failure for good where something stands for the output. */
  #orFallback(step: PlanStep, change: Change): Change {
    if (change.state.status !== 'failed' || step.fallback === undefined) return change
    const place = itemPlace(step.name)
    if (step.each && !place) return change // what is wrong with the list itself is not the fault of an item
    const items = place && this.#items.get(place.step)
    const item = items && { index: place.index, value: items.list[place.index] as JsonValue }
    const output = fallbackOf(step, this.#facts, this.#claimed.run.plan, this.#states, item)
    if (output.kind === 'problem') return failed(change.state, output.problem, this.#clock.now())
    return fellBack(change, output.body, output.hash)
  }

  #stateOf({ name }: PlanStep): StepState {
    return this.#states.get(name) as StepState
  }

  #apply(change: Change, changes: Change[]): void {
    this.#put(change.state)
    changes.push(change)
  }

  #put(state: StepState): void {
    this.#states.set(state.name, state)
    const place = itemPlace(state.name)
    const items = place && this.#items.get(place.step)
    if (!items) return
    items.set(place.index, state)
    const total = items.inputs.length
    const of = this.#states.get(place.step) as StepState
    this.#tellProgress(place.step, of.attempts, {
      fraction: items.done / total,
      message: `${items.done} of ${total} items`,
    })
  }

  #tellProgress(step: string, attempt: number, progress: Progress): void {
    const of = { runId: this.runId, fence: this.#claimed.run.fence, step, attempt }
    this.#parts.notes.put({ ...of, type: 'step.progress', data: { ...progress } })
  }

  async #record(
    changes: readonly Change[],
    {
      first,
      parks,
      starts,
      status,
    }: { first: boolean; parks: Parks | undefined; starts: boolean; status?: FinalStatus | undefined },
  ) {
    const { run, recovered } = this.#claimed
    const end = status && endOf(status, this.#facts, run.plan, this.#states)
    const opens = first ? (recovered ? 'recovered' : 'started') : undefined
    const { runId, jobId } = this
    const signals = run.plan.steps.some(({ wait, sub }) => wait ?? sub) ? this.#answers.count : undefined
    const { fence } = run
    const transition = compose({
      runId,
      jobId,
      fence,
      changes,
      states: this.#states,
      opens,
      starts,
      parks,
      signals,
      end,
    })
    const recorded = await this.#parts.record(transition, run.plan)
    if (recorded !== 'recorded') return recorded
    this.#parts.changed(this.runId, end !== undefined)
    this.#spans.recorded(changes, end, this.#clock.now())
    if (end) this.#telemetry.ended(end)
    return recorded
  }
}
