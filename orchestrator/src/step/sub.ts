// How a step that runs another workflow begins and ends. Pure.

import { createHash } from 'node:crypto'
import { type JsonValue, MeshError, type Problem } from '@meshwork/contracts'
import type { PlanStep } from '../plan/plan.ts'
import type { SubPlan } from '../plan/sub-plan.ts'
import type { SignalRow } from '../store/signals.ts'
import { hashOf } from './input.ts'
import { type Change, failed } from './settle.ts'
import type { StepState } from './state.ts'

/** How the run of a step ended. */
export interface SubEnd {
  readonly run: string
  readonly status: string
  readonly outputs: JsonValue | null
  readonly problem: Problem | null
}

/** The run of a step: the same over all attempts to start it, another after a rerun of the step. */
export function subRunId(runId: string, { name, generation }: Pick<StepState, 'name' | 'generation'>): string {
  const hex = createHash('sha256').update(`${runId}/${name}/${generation}`).digest('hex')
  // A version 8 UUID (RFC 9562): made by a rule of ours.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export function beginSub(before: StepState, sub: SubPlan, runId: string, inputHash: string, now: number): Change {
  const state: StepState = { ...before, status: 'waiting', nextAt: null, inputHash, startedAt: before.startedAt ?? now }
  const data = {
    kind: 'run',
    run: subRunId(runId, before),
    workflow: `${sub.workflow}@${sub.version}`,
    until: null,
    message: null,
  }
  return { state, events: [{ type: 'step.waiting', step: before.name, data }] }
}

export function endSub(before: StepState, step: PlanStep & { sub: SubPlan }, { data }: SignalRow, now: number): Change {
  const { end } = data
  if (!end) throw new Error(`step ${before.name} was answered without the end of its run`)
  const { run, status, outputs, problem } = end
  const { workflow, version } = step.sub
  if (status === 'succeeded') {
    const output = outputs ?? {}
    const outputHash = hashOf(output)
    const seconds = Math.max(0, Math.round(now - (before.startedAt ?? now)) / 1000)
    const state: StepState = {
      ...before,
      status: 'succeeded',
      seconds,
      output,
      outputHash,
      problem: null,
      endedAt: now,
    }
    return { state, events: [{ type: 'step.succeeded', step: before.name, data: { seconds, outputHash, run } }] }
  }
  if (problem)
    return failed(
      before,
      { ...problem, detail: `Run ${run} of workflow "${workflow}@${version}": ${problem.detail}` },
      now,
    )
  return failed(before, new MeshError('MESHWORK_SUBRUN_CANCELLED', { step: step.name, run, workflow }).toProblem(), now)
}
