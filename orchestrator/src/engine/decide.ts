// What to do now with a run. Pure.
//
// Invariants
//  D1 A step is started only when every step it needs has an output, or has ended and is one that the step can do without.
//  D2 No command is given for a step that has settled.
//  D3 The same plan, state and time give the same commands in the same order: the order of the plan.
//  D4 After a step has failed for good, or the run is being cancelled, nothing is started; what runs is aborted,
//     what has not begun is skipped or cancelled. Two exceptions: a step that continues on errors fails for itself alone,
//     and last steps are started after a failure, when all others have settled.
//  D5 `finish` is given once, alone, when every step has settled.
//  D6 While the run is paused nothing is started; when nothing runs any more, `park` is given, alone. A cancel goes
//     before, and so does a failure until only last steps are left. When all that is left is to wait for longer than it is
//     worth holding the run, `park` is given, alone, too.
//  D7 A step is skipped when a step that it cannot do without has ended without an output.
//  D8 When the time of a run is over it is as after a failure: what has not ended is cancelled, but for last steps.

import type { RunStatus, StepStatus } from '@meshwork/contracts'
import type { Plan, PlanStep } from '../plan/plan.ts'
import { hasOutput, isSettled, pendingStep, type RunState, type StepState } from '../step/state.ts'

export type Command =
  | { readonly kind: 'start'; readonly step: PlanStep }
  | { readonly kind: 'skip'; readonly step: PlanStep; readonly reason: string }
  | { readonly kind: 'cancel'; readonly step: PlanStep }
  | { readonly kind: 'park'; readonly why: 'paused' | 'waiting' }
  | { readonly kind: 'finish'; readonly status: Extract<RunStatus, 'succeeded' | 'failed' | 'cancelled'> }

export interface Decision {
  readonly commands: readonly Command[]
  /** When to decide again even if nothing happens, in milliseconds since 1970. */
  readonly wakeAt: number | undefined
}

/** A shorter wait is waited for by whoever walks the run. */
export const restAfterMs = 15_000

export function decide(plan: Plan, state: RunState, now: number): Decision {
  const stateOf = (name: string) => state.steps.get(name) ?? pendingStep(name)
  const fatal = plan.steps.find(step => !step.continues && stateOf(step.name).status === 'failed')
  if (plan.steps.every(({ name }) => isSettled(stateOf(name)))) {
    // A cancel that came when all was done has come too late, and so has the end of the time.
    const cut = plan.steps.some(({ name }) => stateOf(name).status === 'cancelled')
    const status = fatal || (cut && !state.cancelling) ? 'failed' : cut ? 'cancelled' : 'succeeded'
    return { commands: [{ kind: 'finish', status }], wakeAt: undefined }
  }
  const onlyLast = plan.steps.every(step => step.last || isSettled(stateOf(step.name)))
  if (state.paused && !state.cancelling && (!fatal || onlyLast)) {
    const runs = plan.steps.some(({ name }) => stateOf(name).status === 'running' && !state.atRest?.has(name))
    return { commands: runs ? [] : [{ kind: 'park', why: 'paused' }], wakeAt: undefined }
  }
  const late = state.leftMs !== undefined && state.leftMs <= 0
  const commands: Command[] = []
  let waits = false
  let inFlight = false
  let wakeAt = state.leftMs === undefined || late ? undefined : now + state.leftMs
  for (const step of plan.steps) {
    const { status, nextAt } = stateOf(step.name)
    if (isSettled({ status })) continue
    const broken = !step.last && fatal
    if (state.cancelling || (late && !step.last)) commands.push({ kind: 'cancel', step })
    else if (status === 'running') {
      inFlight = true
      if (broken) commands.push({ kind: 'cancel', step })
    } else if (status === 'retrying') {
      inFlight = true
      if (broken) commands.push({ kind: 'cancel', step })
      else if (nextAt === null || nextAt <= now) commands.push({ kind: 'start', step })
      else wakeAt = Math.min(wakeAt ?? nextAt, nextAt)
    } else if (status === 'waiting') {
      waits = true
      if (broken) commands.push({ kind: 'cancel', step })
      else if (state.answered?.has(step.name) || (nextAt !== null && nextAt <= now))
        commands.push({ kind: 'start', step })
      else if (nextAt !== null) wakeAt = Math.min(wakeAt ?? nextAt, nextAt)
    } else if (broken) commands.push({ kind: 'skip', step, reason: `step "${broken.name}" failed` })
    else if (!step.last || onlyLast) {
      const next = begin(step, stateOf)
      if (next) commands.push(next)
    }
  }
  if (commands.length === 0 && waits && !inFlight && (wakeAt ?? Infinity) - now > restAfterMs)
    commands.push({ kind: 'park', why: 'waiting' })
  return { commands, wakeAt }
}

function begin(step: PlanStep, stateOf: (name: string) => StepState): Command | undefined {
  const without = step.needs.filter(name => !hasOutput(stateOf(name)))
  const lost = without.find(name => isSettled(stateOf(name)) && !step.tests?.includes(name))
  if (lost !== undefined)
    return {
      kind: 'skip',
      step,
      reason: `it needs step "${lost}", which ${whyWithout[stateOf(lost).status] ?? 'has no output'}`,
    }
  return without.every(name => isSettled(stateOf(name))) ? { kind: 'start', step } : undefined
}

const whyWithout: Partial<Record<StepStatus, string>> = {
  failed: 'failed',
  skipped: 'was skipped',
  cancelled: 'was ended',
}
