// Plans of one stage. They bind users' expressions, so they run where the work runs, with places of their own: a stage
// that is busy for minutes still answers in the editor.

import { MeshError, type ProblemError, type StagePlan } from '@meshwork/contracts'
import type { Stage } from '../stage/define.ts'
import type { Limiter } from './limiter.ts'
import type { Executor } from './work.ts'

export interface PlansOptions {
  readonly stage: Stage
  readonly executor: Executor
  readonly limiter: Limiter
}

/** A plan reads no data; one that takes longer is stuck. */
const planTimeoutMs = 60_000

export class Plans {
  readonly #options: PlansOptions
  readonly #stop = new AbortController()

  constructor(options: PlansOptions) {
    this.#options = options
  }

  /** `gone` tells that the caller has gone. */
  async plan(body: unknown, gone: AbortSignal, givenMs = planTimeoutMs): Promise<StagePlan> {
    const { stage, executor, limiter } = this.#options
    if (!stage.plan) throw new MeshError('MESHWORK_STAGE_PLAN_UNSUPPORTED', { stage: stage.name })
    const timeoutMs = Math.min(givenMs, planTimeoutMs)
    const stop = new AbortController()
    const leave = () => stop.abort(new MeshError('MESHWORK_STAGE_CANCELLED'))
    const end = () => stop.abort(this.#stop.signal.reason)
    const timer = setTimeout(
      () => stop.abort(new MeshError('MESHWORK_STAGE_DEADLINE', { stage: stage.name, timeoutMs })),
      timeoutMs,
    )
    gone.addEventListener('abort', leave, { once: true })
    this.#stop.signal.addEventListener('abort', end, { once: true })
    try {
      const release = await limiter.take(stop.signal)
      try {
        const work = { task: 'plan', body, inputHash: '', run: undefined, traceId: undefined } as const
        return (await executor.execute(work, { signal: stop.signal, onProgress: () => {} })) as StagePlan
      } finally {
        release()
      }
    } finally {
      clearTimeout(timer)
      gone.removeEventListener('abort', leave)
      this.#stop.signal.removeEventListener('abort', end)
    }
  }

  /** Stops all plans. */
  abort(reason: ProblemError): void {
    this.#stop.abort(reason)
  }
}
