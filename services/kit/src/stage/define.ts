// What a stage is: one object. Everything a stage author writes goes in here; the kit makes the server, the
// command line, the metrics and the protocol from it.

import type { ArtefactRef, Column, DatasetPlan, DatasetRef, ProblemError, Progress } from '@meshwork/contracts'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Static, TSchema } from 'typebox'
import type { LocalStore } from '../data/open.ts'
import type { ArtefactStore } from '../data/store.ts'
import type { Tables } from '../data/tables.ts'
import type { Resources } from '../data/resources.ts'
import type { PlanTables } from '../plan/plan-tables.ts'
import type { AnswerMalformedUrl } from '../server/service.ts'
import type { Traces } from '../telemetry/traces.ts'
import { checkEarlier, type EarlierMajor } from './earlier-major.ts'

/** What one call of `run` may use. All of it ends with the call: scratch is removed, tables are closed. */
export interface StageContext {
  /** Aborted when the caller went away, the deadline passed or the service must stop. Stop soon after. */
  readonly signal: AbortSignal
  /** Child logger: its lines carry module, version, run, step, attempt and input hash. */
  readonly log: Logger
  readonly store: ArtefactStore
  /** A private empty folder. */
  readonly scratch: string
  readonly resources: Resources
  /** Which run the work is for; undefined when called without the orchestrator. */
  readonly run: { readonly runId: string; readonly step: string; readonly attempt: number } | undefined
  /**
   * The same over all attempts of this work. A stage that changes something outside passes it on, or keeps it with the
   * change, so that an attempt after its death does not change it twice. Undefined when the caller sent none.
   */
  readonly idempotencyKey: string | undefined
  /** Tells the caller how far the work is. `fraction` from 0 to 1; may be called as often as is handy. */
  progress(fraction: number, detail?: Omit<Progress, 'fraction'>): void
  /** Opens a DuckDB session over these datasets, and no other files. Locked before the first statement runs. */
  tables(...datasets: readonly DatasetRef[]): Promise<Tables>
}

/** What one call of `plan` may use. It reads no dataset. */
export interface PlanContext {
  readonly signal: AbortSignal
  readonly log: Logger
  /** For what exists already: a fitted artefact, an upload. */
  readonly store: ArtefactStore
  /** Binds expressions and describes selects, on tables without rows. */
  readonly tables: PlanTables
  /**
   * Notes a fault at a place of the input; planning goes on. `over` is the dataset it is about: a column that is missing
   * in one that may have more columns is a warning.
   */
  fault(pointer: string, error: ProblemError, over?: Pick<DatasetRef, 'columns'>): void
  /** Notes what cannot be told before the call. */
  warn(pointer: string, error: ProblemError): void
  /** Does some of the planning; a ProblemError becomes a fault at this place, and the result is undefined. */
  at<T>(
    pointer: string,
    over: Pick<DatasetRef, 'columns'> | undefined,
    work: () => T | Promise<T>,
  ): Promise<T | undefined>
  /** False where the value, or something in it, is known only when the workflow runs. */
  knows(value: unknown): boolean
  /** Whether a dataset may have columns that are not listed. */
  isOpen(dataset: Pick<DatasetRef, 'columns'>): boolean
  /** Whether a reference leads to something in the store, or stands for what an earlier step will make. */
  exists(ref: DatasetRef | ArtefactRef): boolean
  /** A dataset of the answer, made from others: it may have more columns where one of them may. */
  dataset(columns: readonly Column[], ...from: readonly Pick<DatasetRef, 'columns'>[]): DatasetPlan
  /** A dataset of the answer that may have more columns than these. */
  openDataset(columns: readonly Column[]): DatasetPlan
}

/** JSON pointer into the answer, and the dataset that would stand there; undefined where nothing is known of it. */
export type PlannedDatasets = Readonly<Record<string, DatasetPlan | undefined>>

/** What a stage may use as long as its service lives. */
export interface ServiceContext {
  readonly log: Logger
  readonly store: LocalStore
  readonly resources: Resources
  readonly registry: Registry
  readonly traces: Traces
  /** Environment of the service, for settings that only this stage has. Read it in `start`, nowhere else. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether the service was told to end: it finishes what it has. */
  draining(): boolean
}

export interface StageOptions<I extends TSchema, O extends TSchema> {
  /** Kind of module, `^[a-z][a-z0-9-]*$`: the path is /v<major>/<name>. */
  readonly name: string
  /** Semantic version of the code; its major is the major of the contract. */
  readonly version: string
  /** One sentence for people. */
  readonly summary: string
  /** JSON Schema of the request body, written with TypeBox. */
  readonly input: I
  readonly output: O
  /** Columns that do not depend on parameters. */
  readonly columns?: { readonly requires?: readonly string[]; readonly produces?: readonly string[] }
  /**
   * `process`: each call runs in a worker process that can be killed, inside a memory limit; for stages that run
   * users' expressions or heavy SQL. `inline` (default): in the process of the server; for light or I/O work.
   */
  readonly isolation?: 'inline' | 'process'
  /** The work. Throw a ProblemError for what the caller can act on; anything else becomes an internal error. */
  readonly run: (input: Static<I>, context: StageContext) => Promise<Static<O>>
  /**
   * What `run` would answer for this input, and everything that is wrong with it, without reading data. A dataset has its
   * columns and nothing else that counts; ask the context what is known.
   */
  readonly plan?: (input: Static<I>, context: PlanContext) => Promise<PlannedDatasets>
  /** Earlier majors of the contract that are still served. */
  readonly earlier?: readonly EarlierMajor[]
  /** Runs before the service is ready, in the server process. What it returns is called at the end. */
  readonly start?: (service: ServiceContext) => Promise<void | (() => Promise<void>)>
  /** Tags of the further routes, for the OpenAPI document. */
  readonly tags?: readonly { readonly name: string; readonly description: string }[]
  /**
   * Answers for URLs that no route can be found for, where those of the further routes are answered in another shape than
   * problem+json.
   */
  readonly malformedUrl?: AnswerMalformedUrl
  /** Further routes of the same service. */
  readonly routes?: (app: FastifyInstance, service: ServiceContext) => Promise<void>
}

export interface Stage<I extends TSchema = TSchema, O extends TSchema = TSchema> extends StageOptions<I, O> {
  readonly major: number
  readonly path: string
}

/** Checks the fixed parts of a stage and derives its path. Throws a TypeError that names what is wrong. */
export function defineStage<I extends TSchema, O extends TSchema>(options: StageOptions<I, O>): Stage<I, O> {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(options.name))
    throw new TypeError(`stage name "${options.name}" must be lower-case letters, digits and hyphens`)
  checkEarlier(options.name, Number(/^\d*/.exec(options.version)?.[0]), options.earlier ?? [])
  const major = /^([1-9]\d*)\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.exec(options.version)?.[1]
  if (major === undefined)
    throw new TypeError(`version "${options.version}" of stage "${options.name}" must be semantic, from 1.0.0 on`)
  return { ...options, major: Number(major), path: `/v${major}/${options.name}` }
}
