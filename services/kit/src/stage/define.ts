// What a stage is: one object. Everything a stage author writes goes in here; the kit makes the server, the
// command line, the metrics and the protocol from it.

import type { DatasetRef, Progress } from '@meshwork/contracts'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Static, TSchema } from 'typebox'
import type { ArtefactStore } from '../data/store.ts'
import type { Tables } from '../data/tables.ts'
import type { Resources } from '../data/resources.ts'

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
  /** Tells the caller how far the work is. `fraction` from 0 to 1; may be called as often as is handy. */
  progress(fraction: number, detail?: Omit<Progress, 'fraction'>): void
  /** Opens a DuckDB session over these datasets, and no other files. Locked before the first statement runs. */
  tables(...datasets: readonly DatasetRef[]): Promise<Tables>
}

/** What a stage may use as long as its service lives. */
export interface ServiceContext {
  readonly log: Logger
  readonly store: ArtefactStore
  readonly resources: Resources
  readonly registry: Registry
  /** Environment of the service, for settings that only this stage has. Read it in `start`, nowhere else. */
  readonly environment: Readonly<Record<string, string | undefined>>
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
  /** Schemas in, schemas out, without reading data. */
  readonly plan?: (input: unknown, context: StageContext) => Promise<unknown>
  /** Runs before the service is ready, in the server process. What it returns is called at the end. */
  readonly start?: (service: ServiceContext) => Promise<void | (() => Promise<void>)>
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
  const major = /^([1-9]\d*)\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.exec(options.version)?.[1]
  if (major === undefined)
    throw new TypeError(`version "${options.version}" of stage "${options.name}" must be semantic, from 1.0.0 on`)
  return { ...options, major: Number(major), path: `/v${major}/${options.name}` }
}
