// Gives a stage its context, runs it, and takes the context away again, whatever happened.

import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetRef } from '@meshwork/contracts'
import type { Logger } from 'pino'
import type { LocalStore } from '../data/open.ts'
import type { Resources } from '../data/resources.ts'
import { openTables, type Tables } from '../data/tables.ts'
import { planStage } from '../plan/plan-stage.ts'
import type { Stage, StageContext } from '../stage/define.ts'
import type { Work, WorkHooks } from './work.ts'
import { storeFailure } from '../data/store-failure.ts'

export interface RunStageOptions {
  readonly stage: Stage
  readonly store: LocalStore
  readonly resources: Resources
  readonly log: Logger
}

export async function runStage(options: RunStageOptions, work: Work, hooks: WorkHooks): Promise<unknown> {
  const { stage, store, resources, log } = options
  const scratch = join(store.scratchRoot, work.scratch ?? randomUUID())
  const opened: Tables[] = []
  try {
    if (work.task !== 'plan') await mkdir(scratch)
    const context: StageContext = {
      signal: hooks.signal,
      log,
      store,
      scratch,
      resources,
      run: work.run,
      idempotencyKey: work.idempotencyKey,
      progress: (fraction, detail = {}) =>
        hooks.onProgress({ fraction: Math.min(1, Math.max(0, fraction)), ...detail }),
      tables: async (...datasets: readonly DatasetRef[]) => {
        const tables = await openTables({ datasets, store, scratch, resources, signal: hooks.signal })
        opened.push(tables)
        return tables
      },
    }
    if (work.task === 'plan') return await planStage(stage, work.body, context, store.scratchRoot)
    return await stage.run(work.body, context)
  } catch (error) {
    hooks.signal.throwIfAborted()
    throw storeFailure(error, scratch)
  } finally {
    for (const tables of opened) tables.close()
    if (work.task !== 'plan') await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Runs a stage in this process. */
export function inlineExecutor(options: RunStageOptions & { bindings: (work: Work) => Record<string, unknown> }) {
  return {
    execute: (work: Work, hooks: WorkHooks) =>
      runStage({ ...options, log: options.log.child(options.bindings(work)) }, work, hooks),
    close: async () => {},
  }
}
