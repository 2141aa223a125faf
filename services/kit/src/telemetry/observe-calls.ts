import { ProblemError } from '@meshwork/contracts'
import type { Logger } from 'pino'
import type { CallEvent } from '../execute/calls.ts'
import { bindingsOf } from '../execute/work.ts'
import type { Stage } from '../stage/define.ts'
import type { StageMetrics } from './stage-metrics.ts'

export interface ObserveOptions {
  readonly stage: Stage
  readonly log: Logger
  readonly metrics: StageMetrics
}

/** Logs and counts the calls of a stage: one info line when work starts and one when it ends. */
export function observeCalls({ stage, log, metrics }: ObserveOptions): (event: CallEvent) => void {
  const { name, version } = stage
  return event => {
    if (event.kind === 'joined') return metrics.joined.inc({ stage: name, how: event.how })
    const child = log.child(bindingsOf(event.work))
    if (event.kind === 'started') return child.info('started')
    const { seconds } = event
    if (event.kind === 'ended') {
      const rows = rowsOf(event.result.output)
      metrics.runs.inc({ stage: name, version, result: 'succeeded', code: 'ok' })
      metrics.seconds.observe({ stage: name, version, result: 'succeeded' }, seconds)
      if (rows !== undefined) metrics.rows.inc({ stage: name, version }, rows)
      return child.info({ seconds, rows, outputHash: event.result.outputHash }, 'succeeded')
    }
    const known = event.error instanceof ProblemError ? event.error : undefined
    const code = known?.code ?? 'MESHWORK_INTERNAL'
    metrics.runs.inc({ stage: name, version, result: 'failed', code })
    metrics.seconds.observe({ stage: name, version, result: 'failed' }, seconds)
    if (known) child.info({ seconds, code, detail: known.message }, 'failed')
    else child.error({ seconds, code, err: event.error }, 'failed')
  }
}

function rowsOf(output: unknown): number | undefined {
  const rows = (output as { rows?: unknown } | null)?.rows
  return typeof rows === 'number' && Number.isInteger(rows) ? rows : undefined
}
