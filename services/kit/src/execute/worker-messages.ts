import type { Problem, Progress } from '@meshwork/contracts'
import type { Resources } from '../data/resources.ts'
import type { LogFormat } from '../telemetry/log.ts'
import type { Work } from './work.ts'

/** What a worker is told first. */
export interface WorkerSetup {
  readonly module: string
  readonly storeUrl: string
  readonly resources: Resources
  readonly logLevel: string
  readonly logFormat?: LogFormat
}

export type ToWorker =
  | { readonly type: 'setup'; readonly setup: WorkerSetup }
  | { readonly type: 'work'; readonly work: Work }
  | { readonly type: 'abort'; readonly reason: Problem }

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'output'; readonly output: unknown }
  | { readonly type: 'problem'; readonly problem: Problem; readonly retryAfterSeconds: number | undefined }
  | { readonly type: 'failure'; readonly message: string; readonly stack: string }
