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
  /** Whether it starts a step: refused once a cancel or a pause has been acknowledged. */
  readonly starts: boolean
  /** Whether it gives the run out of hand because it is paused: refused once it is not. */
  readonly parks?: boolean
  readonly end?: { readonly status: RunStatus; readonly outputs: JsonValue | null; readonly problem: Problem | null }
  readonly steps: readonly StepState[]
  readonly events: readonly NewEvent[]
}

/** What was asked of a run meanwhile is why it is refused. `lost`: another orchestrator holds the run, or it has ended. */
export type Recorded = 'recorded' | 'lost' | { readonly cancelling: boolean; readonly paused: boolean }
