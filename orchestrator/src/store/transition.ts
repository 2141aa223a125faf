// What a walker records: one whole transition of a run, all or nothing.

import type { JsonValue, Problem, RunEvent, RunStatus } from '@meshwork/contracts'
import type { StepState } from '../engine/state.ts'

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
  /** Whether it starts a step: refused once a cancel has been acknowledged. */
  readonly starts: boolean
  readonly started?: boolean
  readonly end?: { readonly status: RunStatus; readonly outputs: JsonValue | null; readonly problem: Problem | null }
  readonly steps: readonly StepState[]
  readonly events: readonly NewEvent[]
}

/** `refused`: a cancel was requested. `lost`: another orchestrator holds the run, or it has ended. */
export type Recorded = 'recorded' | 'refused' | 'lost'
