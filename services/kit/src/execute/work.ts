// What is asked of a stage, and who does it.

import type { Progress } from '@meshwork/contracts'

/** Which run the work is for, from the headers of the protocol. */
export interface RunInfo {
  readonly runId: string
  readonly step: string
  readonly attempt: number
}

export interface Work {
  /** What is asked of the stage: `run` unless it says `plan`. */
  readonly task?: 'run' | 'plan'
  readonly body: unknown
  readonly inputHash: string
  readonly run: RunInfo | undefined
  readonly idempotencyKey?: string | undefined
  readonly traceId: string | undefined
  /** Name of its scratch folder; a new one without it. */
  readonly scratch?: string
}

export interface WorkHooks {
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

/** Runs `run` of a stage once: in this process, or in a worker process. */
export interface Executor {
  execute(work: Work, hooks: WorkHooks): Promise<unknown>
  close(): Promise<void>
}

/** What every log line of a piece of work carries. */
export function bindingsOf(work: Work): Record<string, unknown> {
  const { run, traceId, inputHash } = work
  return {
    ...(run && { runId: run.runId, step: run.step, attempt: run.attempt }),
    ...(traceId === undefined ? {} : { traceId }),
    inputHash,
  }
}
