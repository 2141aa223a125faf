// What a walker records: one whole transition of a run, all or nothing.

import type { JsonValue, Problem, RunEvent, RunStatus } from '@meshwork/contracts'
import type { StepState } from '../step/state.ts'

export interface NewEvent {
  readonly type: RunEvent['type']
  readonly step?: string
  readonly attempt?: number
  readonly data?: Record<string, JsonValue>
}

export interface Transition {
  readonly runId: string
  readonly jobId: string
  readonly fence: number
  /** Whether it starts a step: refused once a cancel or a pause has been acknowledged. */
  readonly starts: boolean
  /** Why it gives the run out of hand, if it does: refused once that holds no more. */
  readonly parks?: Parks | undefined
  /** How many answers to steps that wait were known; refused when there are others. Only where steps wait. */
  readonly signals?: number | undefined
  readonly end?: { readonly status: RunStatus; readonly outputs: JsonValue | null; readonly problem: Problem | null }
  readonly steps: readonly StepState[]
  readonly events: readonly NewEvent[]
}

/** What was asked of a run meanwhile is why it is refused. `lost`: another orchestrator holds the run, or it has ended. */
export type Recorded = 'recorded' | 'lost' | Wishes

/** What has been asked of a run and acknowledged. */
export interface Wishes extends Record<string, unknown> {
  readonly cancelling: boolean
  readonly paused: boolean
  /** Answers to steps that wait. */
  readonly signals: number
}

export interface Parks {
  readonly why: 'paused' | 'waiting'
  /** When it is to be walked again by itself, in milliseconds since 1970. */
  readonly wakeAt: number | undefined
}
