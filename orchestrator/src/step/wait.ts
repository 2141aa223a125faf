// How a step that waits begins and ends. Pure.

import { type JsonValue, MeshError } from '@meshwork/contracts'
import { EvaluationError } from '../definition/expression.ts'
import { fill, readTemplate } from '../definition/template.ts'
import type { Plan, PlanStep } from '../plan/plan.ts'
import type { WaitPlan } from '../plan/wait-plan.ts'
import type { SignalRow } from '../store/signals.ts'
import { hashOf, orProblem } from './input.ts'
import { type RunFacts, scopeOf } from './scope.ts'
import { type Change, failed } from './settle.ts'
import type { StepState } from './state.ts'

/** Milliseconds since 1970 that a Date of JavaScript and PostgreSQL's both hold. */
const lastMs = 8.64e15

export function beginWait(
  before: StepState,
  step: PlanStep & { wait: WaitPlan },
  facts: RunFacts,
  plan: Plan,
  states: ReadonlyMap<string, StepState>,
  now: number,
): Change {
  const { wait } = step
  const texts = orProblem(step.name, () => {
    const scope = scopeOf(facts, plan, states, step.name)
    const text = (value: string) => {
      const filled = fill(readTemplate(value, '', []), scope)
      return typeof filled === 'string' ? filled : JSON.stringify(filled)
    }
    const message = wait.kind === 'time' || wait.message === undefined ? null : text(wait.message)
    return { kind: 'texts' as const, message, untilMs: untilOf(wait, text, now) }
  })
  if (texts.kind === 'problem') return failed(before, texts.problem, now)
  const { message, untilMs } = texts
  const state: StepState = { ...before, status: 'waiting', nextAt: untilMs, startedAt: before.startedAt ?? now }
  const until = untilMs === null ? null : new Date(untilMs).toISOString()
  return { state, events: [{ type: 'step.waiting', step: step.name, data: { kind: wait.kind, until, message } }] }
}

function untilOf(wait: WaitPlan, text: (value: string) => string, now: number): number | null {
  if (wait.kind !== 'time') return wait.expiresMs === undefined ? null : now + wait.expiresMs
  if (wait.until === undefined) return now + (wait.forMs ?? 0)
  const written = text(wait.until)
  const at = Date.parse(written)
  if (!/^\d{4}-\d\d-\d\d[Tt ]/.test(written) || Number.isNaN(at) || Math.abs(at) > lastMs)
    throw new EvaluationError(`"until" is ${JSON.stringify(written)}, not a time (as 2027-01-01T06:00:00Z)`)
  return at
}

/** What comes of a wait whose answer has come, or whose time is over. */
export function endWait(
  before: StepState,
  step: PlanStep & { wait: WaitPlan },
  answer: SignalRow | undefined,
  now: number,
): Change {
  const { name, wait } = step
  if (wait.kind === 'time') return ended(before, { at: new Date(now).toISOString() }, now)
  if (!answer)
    return failed(before, new MeshError('MESHWORK_WAIT_EXPIRED', { step: name, what: wait.kind }).toProblem(), now)
  const { by, comment, inputs } = answer.data
  if (answer.kind === 'reject') {
    const reason = comment === '' ? 'without a comment' : `saying: ${comment}`
    return failed(
      before,
      new MeshError('MESHWORK_APPROVAL_REJECTED', { step: name, by: by || 'somebody', reason }).toProblem(),
      now,
    )
  }
  return ended(before, { at: new Date(answer.at).toISOString(), by, comment, inputs }, now)
}

function ended(before: StepState, output: JsonValue, now: number): Change {
  const outputHash = hashOf(output)
  const seconds = Math.max(0, Math.round(now - (before.startedAt ?? now)) / 1000)
  const state: StepState = { ...before, status: 'succeeded', nextAt: null, seconds, output, outputHash, endedAt: now }
  return { state, events: [{ type: 'step.succeeded', step: before.name, data: { seconds, outputHash } }] }
}
