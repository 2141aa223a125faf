// Accepts runs: from requests, in bulk, as forks and from schedules. A run is checked whole before it is acknowledged.
//
// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the same request again is answered with the run that it
// started; another request under the key is refused; one that comes before the first is acknowledged is told to come
// again. Keys of runs live as long as their runs.

import { randomUUID } from 'node:crypto'
import { type JsonValue, MeshError, type ProblemItem, type RunStart, sentence } from '@meshwork/contracts'
import type { KnownStage } from '../definition/check.ts'
import { checkParams } from '../definition/params.ts'
import type { PlanStep } from '../plan/plan.ts'
import type { SubPlan } from '../plan/sub-plan.ts'
import { StartChecks } from '../plan/start-checks.ts'
import type { Directory } from '../stage/directory.ts'
import type { RunRow, StepRow, WorkflowRow } from '../store/rows.ts'
import { stepState } from '../store/rows.ts'
import type { Accepted, NewRun, Runs } from '../store/runs.ts'
import type { EngineMetrics } from '../telemetry/metrics.ts'
import { type Again, forkOf, forkParams } from './again.ts'
import { hashOf } from '../step/input.ts'
import { traceparentOf, traceparentOfStep } from '../telemetry/run-spans.ts'
import { reused } from '../step/settle.ts'
import { pendingStep, type StepState } from '../step/state.ts'

export interface StarterOptions {
  readonly runs: Runs
  readonly directory: Directory
  readonly metrics: EngineMetrics
  /** A workflow; throws the problem when it is not there. */
  readonly find: (workflow: string, version: number | undefined) => Promise<WorkflowRow>
  /** Whether the next new trace is to be sent. */
  readonly sample: () => boolean
  /** Told that there is a run to take. */
  readonly wake: () => void
}

export interface Origin {
  readonly key?: string | undefined
  readonly traceparent?: string | undefined
}

export interface ForkRequest {
  readonly params?: Record<string, JsonValue>
  readonly from?: readonly string[]
  readonly cache?: boolean
}

export interface SubStart {
  readonly id: string
  readonly parent: NonNullable<NewRun['parent']>
  readonly sub: SubPlan
  readonly params: JsonValue
  /** The run that it belongs to. */
  readonly from: Pick<RunRow, 'id' | 'traceparent' | 'cache'>
}

const inlineBytesMax = 65_536

export class Starter {
  readonly #options: StarterOptions
  /** Keys of requests that have come and are not acknowledged yet. */
  readonly #inFlight = new Set<string>()
  readonly #checks = new StartChecks()

  constructor(options: StarterOptions) {
    this.#options = options
  }

  async start(start: RunStart, origin: Origin = {}): Promise<Accepted> {
    return await this.#once(origin.key, async () => {
      const workflow = await this.#options.find(start.workflow, start.version)
      const params = await this.#checked(workflow, start.params ?? {})
      return await this.#accept(origin, start, {
        workflow: workflow.name,
        version: workflow.version,
        params,
        cache: start.cache ?? false,
        plan: workflow.plan,
      })
    })
  }

  /** For a step of another run. */
  async startSub({ id, parent, sub, params, from }: SubStart): Promise<Accepted> {
    const workflow = await this.#options.find(sub.workflow, sub.version)
    const given = await this.#checked(workflow, params as Record<string, JsonValue>)
    const key = `run/${parent.run}/${parent.step}/${parent.generation}`
    return await this.#accept(
      { key, traceparent: traceparentOfStep(from, { name: parent.step, generation: parent.generation }) },
      { sub: `${sub.workflow}@${sub.version}`, params: given },
      {
        id,
        workflow: workflow.name,
        version: workflow.version,
        params: given,
        cache: from.cache,
        plan: workflow.plan,
        parent,
      },
    )
  }

  /** For a schedule: makes runs of a workflow out of parameters, without keeping them. Throws when it cannot be run. */
  async prepare(
    name: string,
    version: number | undefined,
  ): Promise<(params: Record<string, JsonValue>, origin: Origin) => NewRun> {
    const workflow = await this.#options.find(name, version)
    const stages = await requireStages(this.#options.directory, workflow.plan.steps)
    return (params, { key, traceparent }, id = randomUUID()) => ({
      id,
      jobId: randomUUID(),
      workflow: workflow.name,
      version: workflow.version,
      params: this.#fitting(workflow, params, stages),
      cache: false,
      plan: workflow.plan,
      traceparent: traceparentOf(traceparent, id, this.#options.sample),
      idempotencyKey: key ?? null,
      requestHash: hashOf({ workflow: workflow.name, params }),
    })
  }

  /** A new run of the same plan that keeps what the change does not concern. */
  async fork(run: RunRow, steps: readonly StepRow[], request: ForkRequest, origin: Origin): Promise<Accepted> {
    return await this.#once(origin.key, async () => {
      const id = randomUUID()
      const { params, again } = await this.previewFork(run, steps, request, id)
      const states = statesOf(steps)
      const now = Date.now()
      const changes = again.keeps.map(name => {
        const { output, outputHash, version, inputHash } = states.get(name) as StepState
        const found = { output, outputHash: outputHash ?? '', version, fromRun: run.id }
        return reused(pendingStep(name), found, inputHash ?? '', now)
      })
      const fork = {
        of: run.id,
        steps: changes.map(({ state }) => state),
        events: changes.flatMap(({ events }) => events),
      }
      const { workflow, version, plan } = run
      const cache = request.cache ?? run.cache
      return await this.#accept(
        origin,
        { fork: run.id, ...request },
        {
          id,
          workflow,
          version,
          params,
          cache,
          plan,
          fork,
        },
      )
    })
  }

  async previewFork(
    run: RunRow,
    steps: readonly StepRow[],
    request: ForkRequest,
    id: string = randomUUID(),
  ): Promise<{ params: Record<string, JsonValue>; again: Again }> {
    const workflow = await this.#options.find(run.workflow, run.version)
    const params = await this.#checked(workflow, forkParams(run.params, request.params ?? {}))
    const facts = { id, workflow: run.workflow, version: run.version, params, startedAt: Date.now() }
    return { params, again: forkOf(run.plan, statesOf(steps), facts, request.from ?? []) }
  }

  async #checked(workflow: WorkflowRow, given: Record<string, JsonValue>): Promise<Record<string, JsonValue>> {
    return this.#fitting(workflow, given, await requireStages(this.#options.directory, workflow.plan.steps))
  }

  /** The parameters of a run with defaults, checked against the workflow and against the steps that they go into. */
  #fitting(
    workflow: WorkflowRow,
    given: Record<string, JsonValue>,
    stages: readonly KnownStage[],
  ): Record<string, JsonValue> {
    requireSmall(given)
    const found = checkParams(workflow.document.params, given)
    if (found.kind === 'wrong') throw unfit(workflow.name, found.items)
    const items = this.#checks.check(workflow, found.params, stages)
    if (items.length > 0) throw unfit(workflow.name, items)
    return found.params
  }

  async #accept(
    { key, traceparent }: Origin,
    request: unknown,
    run: Omit<NewRun, 'id' | 'jobId' | 'traceparent' | 'idempotencyKey' | 'requestHash'> & { id?: string },
  ): Promise<Accepted> {
    const requestHash = hashOf(request as JsonValue)
    const id = run.id ?? randomUUID()
    const accepted = await this.#options.runs.accept({
      ...run,
      id,
      jobId: randomUUID(),
      traceparent: traceparentOf(traceparent, id, this.#options.sample),
      idempotencyKey: key ?? null,
      requestHash,
    })
    if (accepted.kind === 'accepted') {
      this.#options.metrics.accepted.inc()
      this.#options.wake()
    } else if (accepted.run.request_hash !== requestHash)
      throw new MeshError('MESHWORK_RUN_KEY_REUSED', { key: key ?? '', run: accepted.run.id })
    return accepted
  }

  async #once<T>(key: string | undefined, work: () => Promise<T>): Promise<T> {
    if (key === undefined) return await work()
    if (this.#inFlight.has(key)) throw new MeshError('MESHWORK_RUN_KEY_IN_FLIGHT', { key }, { retryAfterSeconds: 1 })
    this.#inFlight.add(key)
    try {
      return await work()
    } finally {
      this.#inFlight.delete(key)
    }
  }
}

const statesOf = (steps: readonly StepRow[]): Map<string, StepState> =>
  new Map(steps.map(row => [row.name, stepState(row)]))

function requireSmall(params: Record<string, JsonValue>): void {
  for (const [name, value] of Object.entries(params)) {
    const bytes = Buffer.byteLength(JSON.stringify(value))
    if (bytes > inlineBytesMax)
      throw new MeshError('MESHWORK_VALUE_TOO_LARGE', {
        where: `Parameter "${name}"`,
        bytes,
        limitBytes: inlineBytesMax,
      })
  }
}

function unfit(workflow: string, items: readonly ProblemItem[]): MeshError {
  const problems = sentence(items.map(({ detail }) => ({ pointer: '', detail })))
  return new MeshError('MESHWORK_RUN_PARAMS', { workflow, problems }, { errors: items })
}

/** A stage that has gone since the workflow was registered is told before the run is acknowledged. */
async function requireStages(directory: Directory, steps: readonly PlanStep[]): Promise<readonly KnownStage[]> {
  const known = await directory.known()
  const named = new Set(directory.views().map(({ stage }) => stage))
  for (const { stage, major, wait, sub } of steps)
    if (
      !wait &&
      !sub &&
      !named.has(stage) &&
      !known.some(({ name, majors }) => name === stage && majors.includes(major))
    )
      await directory.pick(stage, major)
  return known
}
