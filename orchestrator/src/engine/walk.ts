// Walks one run: decide, record, call, wait, again. The only loop with effects; what to do is decided in decide.ts, how
// a state changes in settle.ts.
//
// Invariants
//  W1 Nothing is sent before the transition that says so is recorded; one commit lies between an answer and the next call.
//  W2 When a write is refused because the run has another holder, nothing more is written or sent.
//  W3 What ends in `walk()` has no call in flight.

import { createHash, randomBytes } from 'node:crypto'
import { canonicalJson, type JsonValue, MeshError, type Problem, ProblemError } from '@meshwork/contracts'
import type { Logger } from 'pino'
import { EvaluationError } from '../definition/expression.ts'
import { fill, readTemplate } from '../definition/template.ts'
import type { PlanStep } from '../plan/plan.ts'
import type { Answer } from '../stage/answer.ts'
import { restartMs } from '../stage/client.ts'
import type { ClaimedRun } from '../store/runs.ts'
import { stepState } from '../store/rows.ts'
import type { NewEvent, Transition } from '../store/transition.ts'
import { type Command, decide } from './decide.ts'
import type { EngineParts } from './engine.ts'
import { Inbox } from './inbox.ts'
import { type RunFacts, scopeOf } from './scope.ts'
import { answered, cancelled, type Change, failed, reused, skipped, started } from './settle.ts'
import { pendingStep, type StepState } from './state.ts'

type Happening =
  | {
      readonly kind: 'answered'
      readonly step: PlanStep
      readonly attempt: number
      readonly answer: Answer
      readonly seconds: number
    }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'stop' }

export type WalkEnd = 'ended' | 'lost' | 'stopped'

const inlineBytesMax = 65_536

export class Walk {
  readonly runId: string
  readonly jobId: string
  readonly #parts: EngineParts
  readonly #claimed: ClaimedRun
  readonly #facts: RunFacts
  readonly #states: Map<string, StepState>
  readonly #inbox = new Inbox<Happening>()
  readonly #calls = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>()
  readonly #log: Logger
  #cancelling: boolean
  #stopping = false

  constructor(parts: EngineParts, claimed: ClaimedRun) {
    const { run } = claimed
    this.runId = run.id
    this.jobId = run.job_id
    this.#parts = parts
    this.#claimed = claimed
    this.#cancelling = run.cancel_requested
    const startedAt = run.started_at === null ? Date.now() : new Date(run.started_at).getTime()
    this.#facts = { id: run.id, workflow: run.workflow, version: run.version, params: run.params, startedAt }
    this.#states = new Map(run.plan.steps.map(({ name }) => [name, pendingStep(name)]))
    for (const row of claimed.steps) this.#states.set(row.name, stepState(row))
    this.#log = parts.log.child({ runId: run.id, workflow: run.workflow })
  }

  /** Tells the walk that a cancel was acknowledged. */
  cancel(): void {
    this.#inbox.put({ kind: 'cancel' })
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
    const { plan } = this.#claimed.run
    let first = true
    let changes: Change[] = []
    for (;;) {
      const { commands, wakeAt } = decide(plan, { steps: this.#states, cancelling: this.#cancelling }, Date.now())
      const { toCall, moved } = await this.#prepare(commands, changes)
      const end = commands.find(command => command.kind === 'finish')
      if (first || end || changes.length > 0) {
        const recorded = await this.#record(changes, { first, starts: toCall.length > 0, end: end?.status })
        if (recorded === 'lost') return 'lost'
        if (recorded === 'refused') {
          this.#cancelling = true
          for (const { step, before } of toCall) this.#states.set(step.name, before)
          changes = changes.filter(({ state }) => !toCall.some(({ step }) => step.name === state.name))
          continue
        }
        first = false
        changes = []
        if (end) {
          this.#log.info({ status: end.status, seconds: (Date.now() - this.#facts.startedAt) / 1000 }, 'run ended')
          return 'ended'
        }
        for (const { step, body } of toCall) this.#call(step, body)
        if (moved) continue
      }
      for (const command of commands) if (command.kind === 'cancel') this.#calls.get(command.step.name)?.abort.abort()
      for (const happening of await this.#inbox.take(wakeAt)) {
        if (happening.kind === 'stop') this.#stopping = true
        else if (happening.kind === 'cancel') this.#cancelling = true
        else changes.push(this.#settle(happening))
      }
      if (this.#stopping) return 'stopped'
    }
  }

  /** Turns commands into changes. `moved`: a step came further without a call, so there is more to decide at once. */
  async #prepare(commands: readonly Command[], changes: Change[]): Promise<{ toCall: ToCall[]; moved: boolean }> {
    const toCall: ToCall[] = []
    const now = Date.now()
    let moved = false
    for (const command of commands) {
      if (command.kind === 'finish') continue
      const { step } = command
      const before = this.#states.get(step.name) as StepState
      if (command.kind === 'cancel' && before.status === 'running') continue
      const prepared = command.kind === 'start' ? await this.#start(step, before, now, changes) : undefined
      if (command.kind === 'skip') this.#apply(skipped(before, now), changes)
      else if (command.kind === 'cancel') this.#apply(cancelled(before, now), changes)
      if (prepared) toCall.push(prepared)
      else moved = true
    }
    return { toCall, moved }
  }

  async #start(step: PlanStep, before: StepState, now: number, changes: Change[]): Promise<ToCall | undefined> {
    try {
      const body = this.#bodyOf(step)
      const inputHash = createHash('sha256').update(canonicalJson(body)).digest('hex')
      const deployment = await this.#parts.directory.pick(step.stage, step.major)
      if (this.#claimed.run.cache && before.attempts === 0) {
        const found = await this.#parts.runs.reusable(step.stage, deployment.version, inputHash)
        if (found?.output_hash) {
          const reusable = {
            output: found.output,
            outputHash: found.output_hash,
            version: deployment.version,
            fromRun: found.run_id,
          }
          this.#apply(reused(before, reusable, inputHash, now), changes)
          return undefined
        }
      }
      this.#apply(started(before, now, inputHash, deployment.version), changes)
      return { step, before, body }
    } catch (error) {
      this.#apply(this.#notStarted(step, before, error, now), changes)
      return undefined
    }
  }

  /** A step that could not be called: its input cannot be made, or nobody serves it. The latter counts as an attempt. */
  #notStarted(step: PlanStep, before: StepState, error: unknown, now: number): Change {
    if (error instanceof ProblemError && error.retryable) {
      const attempt = { ...before, attempts: before.attempts + 1, startedAt: before.startedAt ?? now }
      return answered(
        attempt,
        step,
        { kind: 'problem', problem: error.toProblem(), retryAfterMs: restartMs(attempt.attempts) },
        now,
        0,
        Math.random(),
      )
    }
    return failed(before, this.#problemOf(step, error), now)
  }

  #problemOf(step: PlanStep, error: unknown): Problem {
    if (error instanceof ProblemError) return error.toProblem()
    if (error instanceof EvaluationError)
      return new MeshError('MESHWORK_STEP_INPUT', { step: step.name, reason: error.message }).toProblem()
    throw error
  }

  #bodyOf(step: PlanStep): JsonValue {
    const body = fill(
      readTemplate(step.with, '', []),
      scopeOf(this.#facts, this.#claimed.run.plan, this.#states, step.name),
    )
    const bytes = Buffer.byteLength(JSON.stringify(body))
    if (bytes > inlineBytesMax * 16)
      throw new MeshError('MESHWORK_VALUE_TOO_LARGE', {
        where: `The input of step "${step.name}"`,
        bytes,
        limitBytes: inlineBytesMax * 16,
      })
    return body
  }

  #call(step: PlanStep, body: JsonValue): void {
    const state = this.#states.get(step.name) as StepState
    const abort = new AbortController()
    const begun = performance.now()
    const done = this.#parts
      .call({
        stage: step.stage,
        major: step.major,
        step: step.name,
        runId: this.runId,
        attempt: state.attempts,
        idempotencyKey: `${this.runId}/${step.name}/0/1`,
        body,
        timeoutMs: step.timeoutMs,
        traceparent: childOf(this.#claimed.run.traceparent),
        signal: abort.signal,
        onProgress: progress =>
          this.#parts.progress.put({
            runId: this.runId,
            fence: this.#claimed.run.fence,
            step: step.name,
            attempt: state.attempts,
            progress,
          }),
      })
      .then(answer => {
        this.#calls.delete(step.name)
        const seconds = Math.round(performance.now() - begun) / 1000
        this.#inbox.put({ kind: 'answered', step, attempt: state.attempts, answer, seconds })
      })
    this.#calls.set(step.name, { abort, done })
  }

  #settle({ step, attempt, answer, seconds }: Happening & { kind: 'answered' }): Change {
    const before = this.#states.get(step.name) as StepState
    if (before.status !== 'running') return { state: before, events: [] }
    const change = answered(before, step, answer, Date.now(), seconds, Math.random())
    this.#states.set(step.name, change.state)
    this.#parts.observeStep(step, change.state)
    const { status, problem } = change.state
    this.#log.info(
      {
        step: step.name,
        attempt,
        seconds,
        status,
        code: problem?.code,
        inputHash: before.inputHash,
        outputHash: change.state.outputHash,
      },
      'step answered',
    )
    return change
  }

  #apply(change: Change, changes: Change[]): void {
    this.#states.set(change.state.name, change.state)
    changes.push(change)
  }

  async #record(changes: readonly Change[], what: { first: boolean; starts: boolean; end: FinalStatus | undefined }) {
    const { run } = this.#claimed
    const states = new Map(
      changes
        .filter(({ events }) => events.length > 0)
        .map(({ state }) => [state.name, this.#states.get(state.name) as StepState]),
    )
    const resumed = run.started_at !== null
    const opening: NewEvent[] = what.first
      ? [{ type: resumed ? 'run.recovered' : 'run.started', data: { fence: run.fence } }]
      : []
    const end = what.end === undefined ? undefined : this.#endOf(what.end)
    const transition: Transition = {
      runId: this.runId,
      jobId: this.jobId,
      fence: run.fence,
      starts: what.starts,
      started: what.first,
      steps: [...states.values()],
      events: [
        ...opening,
        ...changes.flatMap(({ events }) => events),
        ...(end ? [{ type: endEvents[end.status] }] : []),
      ],
      ...(end ? { end } : {}),
    }
    const recorded = await this.#parts.record(transition, run.plan)
    if (recorded === 'recorded') this.#parts.recorded(this.runId, end?.status, this.#facts.startedAt)
    return recorded
  }

  #endOf(status: FinalStatus): NonNullable<Transition['end']> & { readonly status: FinalStatus } {
    const broken = this.#claimed.run.plan.steps
      .map(({ name }) => this.#states.get(name))
      .find(state => state?.status === 'failed')
    if (status !== 'succeeded') return { status, outputs: null, problem: broken?.problem ?? null }
    try {
      const outputs = fill(
        readTemplate(this.#claimed.run.plan.outputs, '', []),
        scopeOf(this.#facts, this.#claimed.run.plan, this.#states),
      )
      return { status, outputs, problem: null }
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      const problem = new MeshError('MESHWORK_STEP_INPUT', { step: 'outputs', reason: error.message }).toProblem()
      return { status: 'failed', outputs: null, problem }
    }
  }
}

type FinalStatus = 'succeeded' | 'failed' | 'cancelled'
const endEvents = { succeeded: 'run.succeeded', failed: 'run.failed', cancelled: 'run.cancelled' } as const

interface ToCall {
  readonly step: PlanStep
  /** State to go back to when the start is refused. */
  readonly before: StepState
  readonly body: JsonValue
}

/** The same trace, a new span. */
const childOf = (traceparent: string): string => {
  const [version, trace] = traceparent.split('-')
  return `${version}-${trace}-${randomBytes(8).toString('hex')}-01`
}
