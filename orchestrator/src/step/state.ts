// States of a run and of its steps while they are walked. Pure.

import type { JsonValue, Problem, StepStatus } from '@meshwork/contracts'

export interface StepState {
  readonly name: string
  readonly status: StepStatus
  /** Attempts begun. */
  readonly attempts: number
  /** 1, and one more after each rerun: part of the key under which the stage does the work once. */
  readonly generation: number
  /** When the next attempt may begin, in milliseconds since 1970; for `waiting`, when the wait is over. */
  readonly nextAt: number | null
  readonly version: string | null
  readonly rows: number | null
  readonly seconds: number | null
  readonly inputHash: string | null
  readonly outputHash: string | null
  readonly output: JsonValue | null
  readonly problem: Problem | null
  /** How many items a step with forEach has, once it was begun. */
  readonly items: number | null
  readonly startedAt: number | null
  readonly endedAt: number | null
}

export interface RunState {
  readonly steps: ReadonlyMap<string, StepState>
  readonly cancelling: boolean
  readonly paused: boolean
  /** Steps that wait whose answer has come. */
  readonly answered?: ReadonlySet<string>
  /** Milliseconds that are left of the time of the run; nothing where it has no end. */
  readonly leftMs?: number | undefined
  /** Steps with forEach that run, none of whose items is called just now. */
  readonly atRest?: ReadonlySet<string>
}

export const pendingStep = (name: string, generation = 1): StepState => ({
  name,
  status: 'pending',
  attempts: 0,
  generation,
  nextAt: null,
  version: null,
  rows: null,
  seconds: null,
  inputHash: null,
  outputHash: null,
  output: null,
  problem: null,
  items: null,
  startedAt: null,
  endedAt: null,
})

export const isSettled = ({ status }: Pick<StepState, 'status'>): boolean =>
  status !== 'pending' && status !== 'running' && status !== 'retrying' && status !== 'waiting'

export const hasOutput = ({ status }: Pick<StepState, 'status'>): boolean =>
  status === 'succeeded' || status === 'reused' || status === 'fallback'
