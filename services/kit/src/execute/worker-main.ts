// A worker process: imports one stage and runs one call at a time. It ends when its parent goes away, and leaves the
// signals of the terminal to its parent.

import { ProblemError, type Progress } from '@meshwork/contracts'
import { openStore } from '../data/open.ts'
import type { Stage } from '../stage/define.ts'
import { createLog } from '../telemetry/log.ts'
import { runStage, type RunStageOptions } from './run-stage.ts'
import { bindingsOf, type Work } from './work.ts'
import type { FromWorker, ToWorker, WorkerSetup } from './worker-messages.ts'

let options: RunStageOptions | undefined
let stop = new AbortController()

const tell = (message: FromWorker): void => {
  if (process.connected) process.send?.(message)
}

process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('disconnect', () => process.exit(0))
process.on('message', (message: ToWorker) => {
  if (message.type === 'setup') void setUp(message.setup)
  else if (message.type === 'work') void perform(message.work)
  else stop.abort(ProblemError.fromProblem(message.reason))
})

async function setUp(setup: WorkerSetup): Promise<void> {
  try {
    const { stage } = (await import(setup.module)) as { stage: Stage }
    const { logLevel: level, logFormat: format = 'json' } = setup
    const log = createLog({ module: stage.name, version: stage.version, level, format })
    options = { stage, store: await openStore(setup.storeUrl), resources: setup.resources, log }
    tell({ type: 'ready' })
  } catch (error) {
    tell(told(error)) // a store that cannot be opened now may be back for the next call
    process.exitCode = 1
    process.disconnect?.()
  }
}

async function perform(work: Work): Promise<void> {
  if (!options) throw new Error('work before setup')
  stop = new AbortController()
  const hooks = { signal: stop.signal, onProgress: (progress: Progress) => tell({ type: 'progress', progress }) }
  try {
    const output = await runStage({ ...options, log: options.log.child(bindingsOf(work)) }, work, hooks)
    tell({ type: 'output', output })
  } catch (error) {
    tell(told(error))
  }
}

function told(error: unknown): FromWorker {
  if (error instanceof ProblemError)
    return { type: 'problem', problem: error.toProblem(), retryAfterSeconds: error.retryAfterSeconds }
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return { type: 'failure', message, stack: stack ?? message }
}
