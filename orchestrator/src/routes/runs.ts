import { createHash, randomBytes, randomUUID } from 'node:crypto'
import {
  canonicalJson,
  closest,
  headers as names,
  Json,
  MapOf,
  MeshError,
  Page,
  Problem,
  type ProblemItem,
  RunStart,
  RunStatus,
  RunView,
  sentence,
  StepView,
} from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import type { KnownStage } from '../definition/check.ts'
import { checkParams } from '../definition/params.ts'
import type { Engine } from '../engine/engine.ts'
import type { RunNews } from '../events.ts'
import { StartChecks } from '../plan/start-checks.ts'
import type { Directory } from '../stage/directory.ts'
import { type RunRow, runView, type StepRow, stepView } from '../store/rows.ts'
import type { Runs } from '../store/runs.ts'
import type { Workflows } from '../store/workflows.ts'
import type { EngineMetrics } from '../telemetry/metrics.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { find } from './workflows.ts'

export interface RunRoutesOptions {
  readonly workflows: Workflows
  readonly runs: Runs
  readonly engine: Engine
  readonly directory: Directory
  readonly news: RunNews
  readonly metrics: EngineMetrics
}

const RunPage = Page(RunView, 'RunPage')
const StepList = Type.Object(
  { items: Type.Array(StepView, { description: 'In the order of the plan.' }) },
  { additionalProperties: false, title: 'StepList' },
)
const Outputs = MapOf(Json, { maxProperties: 256, title: 'Outputs', description: 'Outputs of the workflow.' })
const ofRun = Type.Object({ id: Type.String({ format: 'uuid', description: 'Run id.' }) })
const tags = ['runs']
const waitSecondsMax = 60
const inlineBytesMax = 65_536

export function runRoutes(app: App, options: RunRoutesOptions): void {
  const { workflows, runs, engine, directory, news, metrics } = options
  const startChecks = new StartChecks()

  app.post(
    '/v1/runs',
    {
      schema: {
        operationId: 'startRun',
        tags,
        summary: 'Start a run',
        description:
          'Answers 202 once the run is durable. With `Prefer: wait=10` it waits up to so many seconds (at most 60) and answers 200 if the run has ended. With `Idempotency-Key` the same request starts one run, however often it is sent.',
        headers: Type.Object({
          [names.idempotencyKey]: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
          prefer: Type.Optional(Type.String({ maxLength: 256, examples: ['wait=10'] })),
          [names.traceparent]: Type.Optional(Type.String({ maxLength: 128 })),
        }),
        body: RunStart,
        response: { 200: RunView, 202: RunView, default: Problem },
      },
    },
    async (request, reply) => {
      const start = request.body
      const workflow = await find(workflows, start.workflow, start.version)
      for (const [name, value] of Object.entries(start.params ?? {})) {
        const bytes = Buffer.byteLength(JSON.stringify(value))
        if (bytes > inlineBytesMax)
          throw new MeshError('MESHWORK_VALUE_TOO_LARGE', {
            where: `Parameter "${name}"`,
            bytes,
            limitBytes: inlineBytesMax,
          })
      }
      const checked = checkParams(workflow.document.params, start.params ?? {})
      if (checked.kind === 'wrong') throw unfitParams(workflow.name, checked.items)
      const stages = await requireStages(directory, workflow.plan.steps)
      const unfit = startChecks.check(workflow, checked.params, stages)
      if (unfit.length > 0) throw unfitParams(workflow.name, unfit)
      const key = request.headers[names.idempotencyKey] ?? null
      const requestHash = createHash('sha256').update(canonicalJson(start)).digest('hex')
      const accepted = await runs.accept({
        id: randomUUID(),
        jobId: randomUUID(),
        workflow: workflow.name,
        version: workflow.version,
        params: checked.params,
        cache: start.cache ?? false,
        plan: workflow.plan,
        traceparent: traceparentOf(request.headers[names.traceparent]),
        idempotencyKey: key,
        requestHash,
      })
      const { run } = accepted
      if (accepted.kind === 'standing') {
        if (run.request_hash !== requestHash)
          throw new MeshError('MESHWORK_RUN_KEY_REUSED', { key: key ?? '', run: run.id })
        void reply.header('idempotency-replayed', 'true')
      } else {
        metrics.accepted.inc()
        engine.wake()
      }
      void reply.header('location', `/v1/runs/${run.id}`)
      const waited = await waitForEnd(run, waitSeconds(request.headers.prefer))
      return await reply
        .code(waited.ended_at !== null || accepted.kind === 'standing' ? 200 : 202)
        .send(runView(waited))
    },
  )

  async function waitForEnd(run: RunRow, seconds: number): Promise<RunRow> {
    const until = performance.now() + seconds * 1000
    let now = run
    while (now.ended_at === null && performance.now() < until) {
      await news.wait(run.id)
      now = (await runs.get(run.id)) ?? now
    }
    return now
  }

  app.get(
    '/v1/runs',
    {
      schema: {
        operationId: 'listRuns',
        tags,
        summary: 'List runs, newest first',
        querystring: Type.Object({
          workflow: Type.Optional(Type.String({ maxLength: 63 })),
          status: Type.Optional(RunStatus),
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50 }),
          cursor: Type.Optional(Type.String({ maxLength: 256, description: '`next` of the page before.' })),
        }),
        response: { 200: RunPage, default: Problem },
      },
    },
    async request => {
      const { workflow, status, limit, cursor } = request.query
      const before = cursor === undefined ? undefined : readCursor(cursor)
      const rows = await runs.list({
        limit,
        ...(workflow === undefined ? {} : { workflow }),
        ...(status === undefined ? {} : { status }),
        ...(before === undefined ? {} : { before }),
      })
      const last = rows.length < limit ? undefined : rows.at(-1)
      return {
        items: rows.map(runView),
        next: last ? writeCursor({ at: last.cursor_at, id: last.id }) : null,
      }
    },
  )

  app.get(
    '/v1/runs/:id',
    {
      schema: {
        operationId: 'getRun',
        tags,
        summary: 'A run',
        params: ofRun,
        response: { 200: RunView, default: Problem },
      },
    },
    async request => runView(await findRun(runs, request.params.id)),
  )

  app.get(
    '/v1/runs/:id/steps',
    {
      schema: {
        operationId: 'listSteps',
        tags,
        summary: 'Steps of a run',
        params: ofRun,
        response: { 200: StepList, default: Problem },
      },
    },
    async request => ({ items: await stepsOf(runs, request.params.id) }),
  )

  app.get(
    '/v1/runs/:id/steps/:step',
    {
      schema: {
        operationId: 'getStep',
        tags,
        summary: 'A step of a run',
        params: Type.Object({ ...ofRun.properties, step: Type.String({ maxLength: 63 }) }),
        response: { 200: StepView, default: Problem },
      },
    },
    async request => {
      const { id, step } = request.params
      const steps = await stepsOf(runs, id)
      const found = steps.find(({ name }) => name === step)
      if (found) return found
      const stepNames = steps.map(({ name }) => name)
      const near = closest(step, stepNames)
      throw new MeshError('MESHWORK_STEP_UNKNOWN', {
        run: id,
        step,
        suggestion: near === undefined ? '' : ` (did you mean "${near}"?)`,
        steps: stepNames.join(', '),
      })
    },
  )

  app.get(
    '/v1/runs/:id/outputs',
    {
      schema: {
        operationId: 'getOutputs',
        tags,
        summary: 'Outputs of a run that has succeeded',
        params: ofRun,
        response: { 200: Outputs, default: Problem },
      },
    },
    async request => {
      const run = await findRun(runs, request.params.id)
      const { status } = run
      if (run.ended_at === null) throw new MeshError('MESHWORK_RUN_NOT_ENDED', { run: run.id, status })
      if (run.outputs === null)
        throw new MeshError('MESHWORK_RUN_WITHOUT_OUTPUTS', {
          run: run.id,
          status: status === 'cancelled' ? 'was cancelled' : status,
        })
      return run.outputs
    },
  )

  app.post(
    '/v1/runs/:id/cancel',
    {
      schema: {
        operationId: 'cancelRun',
        tags,
        summary: 'Cancel a run',
        description:
          'Once this is answered no step of the run is started; calls in progress are aborted. A run that has ended stays as it is.',
        params: ofRun,
        response: { 200: RunView, 202: RunView, default: Problem },
      },
    },
    async (request, reply) => {
      await findRun(runs, request.params.id)
      const run = (await runs.cancel(request.params.id)) as RunRow
      engine.cancel(run.id)
      news.tell(run.id)
      return await reply.code(run.ended_at === null ? 202 : 200).send(runView(run))
    },
  )
}

export async function findRun(runs: Runs, id: string): Promise<RunRow> {
  const run = await runs.get(id)
  if (!run) throw new MeshError('MESHWORK_RUN_UNKNOWN', { run: id })
  return run
}

/** Every step of the plan, begun or not. */
async function stepsOf(runs: Runs, id: string) {
  const run = await findRun(runs, id)
  const rows = new Map((await runs.steps(id)).map(row => [row.name, row]))
  return run.plan.steps.map(({ name, stage }) => stepView(rows.get(name) ?? notBegun(id, name, stage)))
}

const notBegun = (runId: string, name: string, stage: string): StepRow => ({
  run_id: runId,
  name,
  stage,
  version: null,
  status: 'pending',
  attempts: 0,
  next_at: null,
  rows: null,
  seconds: null,
  progress: null,
  input_hash: null,
  output_hash: null,
  output: null,
  problem: null,
  started_at: null,
  ended_at: null,
})

/** A stage that has gone since the workflow was registered is told before the run is acknowledged. */
async function requireStages(
  directory: Directory,
  steps: readonly { stage: string; major: number }[],
): Promise<readonly KnownStage[]> {
  const known = await directory.known()
  const named = new Set(directory.views().map(({ stage }) => stage))
  for (const { stage, major } of steps)
    if (!named.has(stage) && !known.some(({ name, majors }) => name === stage && majors.includes(major)))
      await directory.pick(stage, major)
  return known
}

function unfitParams(workflow: string, items: readonly ProblemItem[]): MeshError {
  const problems = sentence(items.map(({ detail }) => ({ pointer: '', detail })))
  return new MeshError('MESHWORK_RUN_PARAMS', { workflow, problems }, { errors: items })
}

function waitSeconds(prefer: string | undefined): number {
  const seconds = Number(/(?:^|[,;\s])wait=(\d+)/.exec(prefer ?? '')?.[1] ?? 0)
  return Math.min(seconds, waitSecondsMax)
}

const traceparentOf = (given: string | undefined): string =>
  given !== undefined && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(given)
    ? given
    : `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
