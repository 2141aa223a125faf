import {
  closest,
  headers as names,
  Json,
  MapOf,
  MeshError,
  Page,
  Problem,
  RunStart,
  RunStatus,
  RunView,
  StepItemView,
  stepItemsMax,
  type StepStatus,
  StepView,
} from '@meshwork/contracts'
import { type App, writeTraceparent } from '@meshwork/kit'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Origin, Starter } from '../start/starter.ts'
import type { RunNews } from '../events.ts'
import { itemView, type RunRow, runView, type ShownRun, type StepRow, stepView } from '../store/rows.ts'
import type { Runs } from '../store/runs.ts'
import { readCursor, writeCursor } from './cursor.ts'

export interface RunRoutesOptions {
  readonly runs: Runs
  readonly starter: Starter
  readonly news: RunNews
}

const RunPage = Page(RunView, 'RunPage')
const StepList = Type.Object(
  { items: Type.Array(StepView, { description: 'In the order of the plan.' }) },
  { additionalProperties: false, title: 'StepList' },
)
const ItemPage = Type.Object(
  {
    items: Type.Array(StepItemView, { maxItems: 1000 }),
    next: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: '`after` of the next page.' }),
  },
  { additionalProperties: false, title: 'StepItemPage' },
)
const Outputs = MapOf(Json, { maxProperties: 256, title: 'Outputs', description: 'Outputs of the workflow.' })
export const ofRun = Type.Object({ id: Type.String({ format: 'uuid', description: 'Run id.' }) })
export const StartHeaders = Type.Object({
  [names.idempotencyKey]: Type.Optional(Type.String({ minLength: 1, maxLength: 256, examples: ['first-score'] })),
  [names.traceparent]: Type.Optional(Type.String({ maxLength: 128 })),
})
const tags = ['runs']
const waitSecondsMax = 60

export function runRoutes(app: App, options: RunRoutesOptions): void {
  const { runs, news } = options

  app.post(
    '/v1/runs',
    {
      schema: {
        operationId: 'startRun',
        tags,
        summary: 'Start a run',
        description:
          'Answers 202 once the run is durable. With `Prefer: wait=10` it waits up to so many seconds (at most 60) and answers 200 if the run has ended. With `Idempotency-Key` the same request starts one run, however often it is sent: a repeat is answered with that run and `Idempotency-Replayed: true`, another body with 422, and a repeat before the first is acknowledged with 409.',
        headers: Type.Object({
          ...StartHeaders.properties,
          prefer: Type.Optional(Type.String({ maxLength: 256, examples: ['wait=10'] })),
        }),
        body: RunStart,
        response: { 200: RunView, 202: RunView, default: Problem },
      },
    },
    async (request, reply) => {
      const accepted = await options.starter.start(request.body, originOf(request))
      const { run } = accepted
      if (accepted.kind === 'standing') void reply.header('idempotency-replayed', 'true')
      void reply.header('location', `/v1/runs/${run.id}`)
      const waited = await waitForEnd(run, waitSeconds(request.headers.prefer))
      return await reply
        .code(waited.ended_at !== null || accepted.kind === 'standing' ? 200 : 202)
        .send(runView(waited))
    },
  )

  async function waitForEnd(run: ShownRun, seconds: number): Promise<ShownRun> {
    const until = performance.now() + seconds * 1000
    let now = run
    while (now.ended_at === null && performance.now() < until) {
      await news.waitForEnd(run.id, until - performance.now())
      now = (await runs.shown(run.id)) ?? now
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
    async request => runView((await runs.shown(request.params.id)) ?? (await findRun(runs, request.params.id))),
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
      throw stepUnknown(
        id,
        step,
        steps.map(({ name }) => name),
      )
    },
  )

  app.get(
    '/v1/runs/:id/steps/:step/items',
    {
      schema: {
        operationId: 'listItems',
        tags,
        summary: 'Items of a step with forEach',
        description: 'Those that have been begun, in the order of the list.',
        params: Type.Object({ ...ofRun.properties, step: Type.String({ maxLength: 63 }) }),
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
          after: Type.Integer({
            minimum: -1,
            maximum: stepItemsMax,
            default: -1,
            description: '`next` of the page before.',
          }),
        }),
        response: { 200: ItemPage, default: Problem },
      },
    },
    async request => {
      const { id, step } = request.params
      requireSteps(await findRun(runs, id), [step])
      const rows = await runs.items(id, step, request.query.after, request.query.limit)
      return {
        items: rows.map(itemView),
        next: rows.length < request.query.limit ? null : (rows.at(-1)?.item ?? null),
      }
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
}

export async function findRun(runs: Runs, id: string): Promise<RunRow> {
  const run = await runs.get(id)
  if (!run) throw new MeshError('MESHWORK_RUN_UNKNOWN', { run: id })
  return run
}

/** Throws for the first of these steps that the run does not have. */
export function requireSteps({ id, plan }: RunRow, steps: readonly string[]): void {
  const known = plan.steps.map(({ name }) => name)
  const unknown = steps.find(step => !known.includes(step))
  if (unknown !== undefined) throw stepUnknown(id, unknown, known)
}

function stepUnknown(run: string, step: string, known: readonly string[]): MeshError {
  const near = closest(step, known)
  const suggestion = near === undefined ? '' : ` (did you mean "${near}"?)`
  return new MeshError('MESHWORK_STEP_UNKNOWN', { run, step, suggestion, steps: known.join(', ') })
}

/** Every step of the plan, begun or not. */
export async function stepsOf(runs: Runs, id: string) {
  const run = await findRun(runs, id)
  const rows = new Map((await runs.steps(id)).map(row => [row.name, row]))
  const counts = [...rows.values()].some(({ items }) => items !== null) ? await runs.itemCounts(id) : []
  return run.plan.steps.map(({ name, stage }) => {
    const row = rows.get(name) ?? notBegun(id, name, stage)
    const own = counts.filter(({ step }) => step === name)
    const inStatus = (...statuses: StepStatus[]) =>
      own.reduce((sum, { status, count }) => sum + (statuses.includes(status) ? count : 0), 0)
    return stepView(
      row,
      row.items === null
        ? null
        : {
            total: row.items,
            done: inStatus('succeeded', 'reused', 'fallback'),
            running: inStatus('running'),
            retrying: inStatus('retrying'),
            failed: inStatus('failed'),
          },
    )
  })
}

const notBegun = (runId: string, name: string, stage: string): StepRow => ({
  run_id: runId,
  name,
  stage,
  version: null,
  status: 'pending',
  attempts: 0,
  generation: 1,
  next_at: null,
  rows: null,
  seconds: null,
  progress: null,
  input_hash: null,
  output_hash: null,
  output: null,
  problem: null,
  items: null,
  started_at: null,
  ended_at: null,
})

function waitSeconds(prefer: string | undefined): number {
  const seconds = Number(/(?:^|[,;\s])wait=(\d+)/.exec(prefer ?? '')?.[1] ?? 0)
  return Math.min(seconds, waitSecondsMax)
}

/** What a request that starts a run says of itself. */
export const originOf = ({ headers, trace }: Asked): Origin => ({
  key: headers[names.idempotencyKey],
  traceparent: trace ? writeTraceparent(trace) : headers[names.traceparent],
})

interface Asked extends Pick<FastifyRequest, 'trace'> {
  readonly headers: { [names.idempotencyKey]?: string; [names.traceparent]?: string }
}
