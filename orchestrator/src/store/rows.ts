// Rows of the database and what they mean. The only bridge between the two.

import type {
  JsonValue,
  Problem,
  RunEvent,
  RunStatus,
  RunView,
  StepItemView,
  StepStatus,
  StepView,
  WorkflowDocument,
} from '@meshwork/contracts'
import type { StepState } from '../step/state.ts'
import type { LimitsPlan, Plan } from '../plan/plan.ts'

export interface WorkflowRow extends Record<string, unknown> {
  name: string
  version: number
  hash: string
  document: WorkflowDocument
  source: string
  plan: Plan
  created_at: Date
}

export interface RunRow extends Record<string, unknown> {
  id: string
  workflow: string
  version: number
  status: RunStatus
  params: Record<string, JsonValue>
  cache: boolean
  plan: Plan
  traceparent: string
  outputs: Record<string, JsonValue> | null
  problem: Problem | null
  job_id: string
  fence: number
  cancel_requested: boolean
  pause_requested: boolean
  /** Nobody is to walk it now. */
  parked: boolean
  /** It waits for a place among the runs of its workflow. */
  held: boolean
  limits: LimitsPlan | null
  signals: number
  /** Of a run that a step of another run started. */
  parent_run: string | null
  parent_step: string | null
  parent_generation: number | null
  forked_from: string | null
  owner: string | null
  request_hash: string
  created_at: Date
  started_at: Date | null
  ended_at: Date | null
}

/** Columns of a run by name, for statements that are prepared. */
export const shownColumns =
  'id, workflow, version, status, params, outputs, problem, parent_run, parent_step, forked_from, created_at, started_at, ended_at'
export const runColumnsButPlan = `${shownColumns}, cache, traceparent, job_id, fence, cancel_requested, pause_requested, parked, held, limits, signals, parent_generation, owner, request_hash`

/** What is shown of a run. Its plan, by far the largest of its columns, is not. */
export type ShownRun = Pick<
  RunRow,
  | 'id'
  | 'workflow'
  | 'version'
  | 'status'
  | 'params'
  | 'outputs'
  | 'problem'
  | 'parent_run'
  | 'parent_step'
  | 'forked_from'
  | 'created_at'
  | 'started_at'
  | 'ended_at'
>

export interface StepRow extends Record<string, unknown> {
  run_id: string
  name: string
  stage: string
  version: string | null
  status: StepStatus
  attempts: number
  generation: number
  next_at: Date | null
  rows: number | string | null
  seconds: number | null
  progress: { fraction: number; rows?: number; message?: string } | null
  input_hash: string | null
  output_hash: string | null
  output: JsonValue | null
  problem: Problem | null
  items: number | null
  started_at: Date | null
  ended_at: Date | null
}

/** An item of a step with forEach. */
export interface ItemRow extends StepRow {
  item: number
}

export type ItemCounts = NonNullable<StepView['items']>

export interface EventRow extends Record<string, unknown> {
  run_id: string
  id: number
  type: RunEvent['type']
  step: string | null
  attempt: number | null
  at: Date
  data: Record<string, JsonValue>
  /** By the clock of the database, when it was read. */
  age_seconds: number
}

const iso = (date: Date | null): string | null => (date === null ? null : new Date(date).toISOString())

export const runView = (row: ShownRun): RunView => ({
  id: row.id,
  workflow: row.workflow,
  version: row.version,
  status: row.status,
  params: row.params,
  outputs: row.outputs,
  problem: row.problem,
  parent: row.parent_run === null || row.parent_step === null ? null : { run: row.parent_run, step: row.parent_step },
  forkedFrom: row.forked_from,
  createdAt: iso(row.created_at) as string,
  startedAt: iso(row.started_at),
  endedAt: iso(row.ended_at),
})

export const stepView = (row: StepRow, items: ItemCounts | null = null): StepView => ({
  name: row.name,
  stage: row.stage,
  version: row.version,
  status: row.status,
  attempts: row.attempts,
  generation: row.generation,
  rows: row.rows === null ? null : Number(row.rows),
  seconds: row.seconds,
  progress: row.progress && {
    fraction: row.progress.fraction,
    rows: row.progress.rows ?? null,
    message: row.progress.message ?? null,
  },
  inputHash: row.input_hash,
  outputHash: row.output_hash,
  output: row.output,
  problem: row.problem,
  items,
  startedAt: iso(row.started_at),
  endedAt: iso(row.ended_at),
})

export const itemView = (row: ItemRow): StepItemView => ({
  index: row.item,
  version: row.version,
  status: row.status,
  attempts: row.attempts,
  rows: row.rows === null ? null : Number(row.rows),
  seconds: row.seconds,
  inputHash: row.input_hash,
  outputHash: row.output_hash,
  output: row.output,
  problem: row.problem,
  startedAt: iso(row.started_at),
  endedAt: iso(row.ended_at),
})

export const eventView = (row: EventRow): RunEvent => ({
  id: row.id,
  runId: row.run_id,
  type: row.type,
  step: row.step,
  attempt: row.attempt,
  at: iso(row.at) as string,
  data: row.data,
})

/** A step as the walker knows it. One that was running when its walker died has no attempt to wait for: it is begun anew. */
export const stepState = (row: StepRow): StepState => ({
  name: row.name,
  status: row.status === 'running' ? 'retrying' : row.status,
  attempts: row.attempts,
  generation: row.generation,
  nextAt: row.status === 'running' ? null : row.next_at && new Date(row.next_at).getTime(),
  version: row.version,
  rows: row.rows === null ? null : Number(row.rows),
  seconds: row.seconds,
  inputHash: row.input_hash,
  outputHash: row.output_hash,
  output: row.output,
  problem: row.problem,
  items: row.items,
  startedAt: row.started_at && new Date(row.started_at).getTime(),
  endedAt: row.ended_at && new Date(row.ended_at).getTime(),
})
