// How a step's state changes with what happened to it. Pure.

import type { JsonValue, Problem } from '@meshwork/contracts'
import type { PlanStep } from '../plan/plan.ts'
import type { Answer } from '../stage/answer.ts'
import type { NewEvent } from '../store/transition.ts'
import { retryDelayMs } from './retry.ts'
import type { StepState } from './state.ts'

export interface Change {
  readonly state: StepState
  readonly events: readonly NewEvent[]
}

export function started(before: StepState, now: number, inputHash: string, version: string): Change {
  const attempt = before.attempts + 1
  const state: StepState = {
    ...before,
    status: 'running',
    attempts: attempt,
    nextAt: null,
    startedAt: before.startedAt ?? now,
    inputHash,
    version,
  }
  return { state, events: [{ type: 'step.started', step: before.name, attempt, data: { inputHash, version } }] }
}

/** The end of an attempt that ran for `seconds`. `random` is from 0 to 1. */
export function answered(
  before: StepState,
  step: PlanStep,
  answer: Answer,
  now: number,
  seconds: number,
  random: number,
): Change {
  const { name, attempts: attempt } = before
  if (answer.kind === 'result') {
    const { output, outputHash, version } = answer
    const rows = rowsOf(output)
    const state: StepState = {
      ...before,
      status: 'succeeded',
      version,
      rows,
      seconds,
      output,
      outputHash,
      problem: null,
      endedAt: now,
    }
    return {
      state,
      events: [
        {
          type: 'step.succeeded',
          step: name,
          attempt,
          data: { seconds, rows, outputHash, inputHash: before.inputHash, version },
        },
      ],
    }
  }
  if (answer.kind === 'aborted') return cancelled(before, now)
  // As after the death of the walker: the next attempt is begun at once, and nothing is told of this one.
  if (answer.kind === 'lost') return { state: { ...before, status: 'retrying', nextAt: null }, events: [] }
  const { problem } = answer
  if (!problem.retryable || attempt >= step.retry.attempts) return failed({ ...before, seconds }, problem, now)
  const delayMs = retryDelayMs(step.retry, attempt, answer.retryAfterMs, random)
  const state: StepState = { ...before, status: 'retrying', nextAt: now + delayMs, seconds, problem }
  const data = { code: problem.code, detail: problem.detail, delayMs }
  return { state, events: [{ type: 'step.retrying', step: name, attempt, data }] }
}

export function failed(before: StepState, problem: Problem, now: number): Change {
  const state: StepState = { ...before, status: 'failed', problem, endedAt: now }
  const data = { code: problem.code, detail: problem.detail }
  return { state, events: [{ type: 'step.failed', step: before.name, ...attemptOf(before), data }] }
}

/** It failed, and `output` stands for its output. */
export function fellBack({ state, events }: Change, output: JsonValue, outputHash: string): Change {
  const rows = rowsOf(output)
  return {
    state: { ...state, status: 'fallback', output, outputHash, rows },
    events: events.map(event => ({ ...event, type: 'step.fallback', data: { ...event.data, rows, outputHash } })),
  }
}

export function cancelled(before: StepState, now: number): Change {
  return {
    state: { ...before, status: 'cancelled', nextAt: null, endedAt: now },
    events: [{ type: 'step.cancelled', step: before.name, ...attemptOf(before) }],
  }
}

export function skipped(before: StepState, reason: string, now: number): Change {
  return {
    state: { ...before, status: 'skipped', endedAt: now },
    events: [{ type: 'step.skipped', step: before.name, data: { reason } }],
  }
}

export interface Reusable {
  readonly output: JsonValue
  readonly outputHash: string
  readonly version: string | null
  readonly fromRun: string
}

export function reused(before: StepState, found: Reusable, inputHash: string, now: number): Change {
  const { output, outputHash, version, fromRun } = found
  const rows = rowsOf(output)
  const state: StepState = {
    ...before,
    status: 'reused',
    version,
    rows,
    seconds: 0,
    inputHash,
    outputHash,
    output,
    startedAt: now,
    endedAt: now,
  }
  return { state, events: [{ type: 'step.reused', step: before.name, data: { fromRun, rows, inputHash, outputHash } }] }
}

function rowsOf(output: JsonValue): number | null {
  const rows = output !== null && typeof output === 'object' && !Array.isArray(output) ? output['rows'] : undefined
  return typeof rows === 'number' && Number.isSafeInteger(rows) && rows >= 0 ? rows : null
}

const attemptOf = ({ attempts }: StepState) => (attempts === 0 ? {} : { attempt: attempts })
