// What to do now with a run. Pure.
//
// Invariants
//  D1 A step is started only when every step it needs has an output.
//  D2 No command is given for a step that has settled.
//  D3 The same plan, state and time give the same commands in the same order: the order of the plan.
//  D4 After a step has failed for good, or the run is being cancelled, nothing is started; what runs is aborted,
//     what has not begun is skipped or cancelled.
//  D5 `finish` is given once, alone, when every step has settled.
//  D6 While the run is paused nothing is started; when nothing runs any more, `park` is given, alone. A cancel or a
//     failure goes before.

import type { RunStatus } from '@meshwork/contracts'
import type { Plan, PlanStep } from '../plan/plan.ts'
import { hasOutput, isSettled, pendingStep, type RunState } from './state.ts'

export type Command =
  | { readonly kind: 'start'; readonly step: PlanStep }
  | { readonly kind: 'skip'; readonly step: PlanStep }
  | { readonly kind: 'cancel'; readonly step: PlanStep }
  | { readonly kind: 'park' }
  | { readonly kind: 'finish'; readonly status: Extract<RunStatus, 'succeeded' | 'failed' | 'cancelled'> }

export interface Decision {
  readonly commands: readonly Command[]
  /** When to decide again even if nothing happens, in milliseconds since 1970. */
  readonly wakeAt: number | undefined
}

export function decide(plan: Plan, state: RunState, now: number): Decision {
  const stateOf = (name: string) => state.steps.get(name) ?? pendingStep(name)
  const failed = plan.steps.some(({ name }) => stateOf(name).status === 'failed')
  if (plan.steps.every(({ name }) => isSettled(stateOf(name)))) {
    const status = failed ? 'failed' : state.cancelling ? 'cancelled' : 'succeeded'
    // A cancel that came when all was done has come too late.
    const done = plan.steps.every(({ name }) => hasOutput(stateOf(name)))
    return { commands: [{ kind: 'finish', status: done ? 'succeeded' : status }], wakeAt: undefined }
  }
  if (state.paused && !state.cancelling && !failed) {
    const runs = plan.steps.some(({ name }) => stateOf(name).status === 'running')
    return { commands: runs ? [] : [{ kind: 'park' }], wakeAt: undefined }
  }
  const commands: Command[] = []
  let wakeAt: number | undefined
  for (const step of plan.steps) {
    const { status, nextAt } = stateOf(step.name)
    if (status === 'pending') {
      if (state.cancelling) commands.push({ kind: 'cancel', step })
      else if (failed) commands.push({ kind: 'skip', step })
      else if (step.needs.every(name => hasOutput(stateOf(name)))) commands.push({ kind: 'start', step })
    } else if (status === 'running') {
      if (state.cancelling || failed) commands.push({ kind: 'cancel', step })
    } else if (status === 'retrying') {
      if (state.cancelling || failed) commands.push({ kind: 'cancel', step })
      else if (nextAt === null || nextAt <= now) commands.push({ kind: 'start', step })
      else wakeAt = Math.min(wakeAt ?? nextAt, nextAt)
    }
  }
  return { commands, wakeAt }
}
