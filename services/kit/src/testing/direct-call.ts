// Calls the `run` of a stage without a server, on a store of its own: for tests of what a stage computes.

import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compile, type DatasetRef, StagePlan } from '@meshwork/contracts'
import { pino } from 'pino'
import type { Static, TSchema } from 'typebox'
import { type LocalStore, openStore } from '../data/open.ts'
import { openTables, type Tables } from '../data/tables.ts'
import type { Row } from '../data/session.ts'
import { planStage } from '../plan/plan-stage.ts'
import { closePlanTables } from '../plan/plan-tables.ts'
import type { Stage, StageContext } from '../stage/define.ts'

interface Test {
  testdir(): string
  teardown(work: () => void): void
}

export interface DirectCalls {
  readonly store: LocalStore
  readonly progress: number[]
  /** A dataset from a select; `partRows` cuts it into parts. */
  table(select: string, partRows?: number): Promise<DatasetRef>
  rows(dataset: DatasetRef): Promise<Row[]>
  /** Input and output are checked against the contract, as the server does. */
  call<I extends TSchema, O extends TSchema>(
    stage: Stage<I, O>,
    input: Static<I>,
    signal?: AbortSignal,
  ): Promise<Static<O>>
  /** What the stage answers to POST …/plan. */
  plan(stage: Stage, body: unknown): Promise<StagePlan>
}

export async function directCalls(t: Test): Promise<DirectCalls> {
  const store = await openStore(pathToFileURL(t.testdir()).href)
  const resources = { cpus: 2, memoryBytes: 1.5e9 }
  const progress: number[] = []
  const within = async <T>(
    work: (open: StageContext['tables'], scratch: string) => Promise<T>,
    signal = new AbortController().signal,
  ): Promise<T> => {
    const scratch = join(store.scratchRoot, randomUUID())
    await mkdir(scratch)
    const opened: Tables[] = []
    try {
      return await work(async (...datasets) => {
        const tables = await openTables({ datasets, store, scratch, resources, signal })
        opened.push(tables)
        return tables
      }, scratch)
    } finally {
      for (const tables of opened) tables.close()
    }
  }
  return {
    store,
    progress,
    table: async (select, partRows) =>
      await within(async open => (await open()).create(select, partRows === undefined ? {} : { partRows })),
    rows: async dataset =>
      await within(async open => {
        const tables = await open(dataset)
        return await tables.query(`SELECT * FROM ${tables.dataset(dataset).from()}`)
      }),
    call: async (stage, input, signal) =>
      await within(async (tables, scratch) => {
        fits('input', stage.input, input)
        const output = await stage.run(input, {
          signal: signal ?? new AbortController().signal,
          log: pino({ level: 'silent' }),
          store,
          scratch,
          resources,
          run: undefined,
          idempotencyKey: undefined,
          progress: fraction => void progress.push(fraction),
          tables,
        })
        fits('output', stage.output, output)
        return output
      }, signal),
    plan: async (stage, body) => {
      const context = {
        signal: new AbortController().signal,
        log: pino({ level: 'silent' }),
        store,
        scratch: '',
        resources,
        run: undefined,
        idempotencyKey: undefined,
        progress: () => {},
        tables: () => Promise.reject(new Error('a plan opens no dataset')),
      }
      t.teardown(closePlanTables)
      const plan = await planStage(stage, body, context, store.scratchRoot)
      fits('plan', StagePlan, plan)
      return plan
    },
  }
}

function fits(what: string, schema: TSchema, value: unknown): void {
  const [problem] = compile(schema).check(value)
  if (problem) throw new TypeError(`the ${what} does not fit the contract: ${problem.pointer} ${problem.detail}`)
}
