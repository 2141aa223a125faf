import { AgainView, type JsonValue, MeshError, Problem, RerunRequest, RunView } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { type Again, rerunOf, retryOf } from '../start/again.ts'
import type { Engine } from '../engine/engine.ts'
import type { StepState } from '../step/state.ts'
import type { RunNews } from '../events.ts'
import { type RunRow, runView, stepState } from '../store/rows.ts'
import type { Runs } from '../store/runs.ts'
import type { AgainRequest, Asked, Verbs } from '../store/verbs.ts'
import { findRun, ofRun, requireSteps } from './runs.ts'

export interface VerbRoutesOptions {
  readonly runs: Runs
  readonly verbs: Verbs
  readonly engine: Engine
  readonly news: RunNews
}

type States = ReadonlyMap<string, StepState>
const tags = ['runs']
export const DryRun = Type.Object({
  dryRun: Type.Boolean({ default: false, description: 'Only tell what would happen; nothing changes.' }),
})
const answers = { 200: RunView, 202: RunView, default: Problem }

export function verbRoutes(app: App, options: VerbRoutesOptions): void {
  const { runs, verbs } = options

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
        response: answers,
      },
    },
    async (request, reply) => await answer(reply, await ask(options, request.params.id, 'cancel')),
  )

  app.post(
    '/v1/runs/:id/pause',
    {
      schema: {
        operationId: 'pauseRun',
        tags,
        summary: 'Pause a run',
        description:
          'Once this is answered no step of the run is started; calls in progress are left to end, and their outputs are kept. It holds no place of an orchestrator while it rests. Pausing what is paused changes nothing.',
        params: ofRun,
        response: answers,
      },
    },
    async (request, reply) => {
      const asked = await ask(options, request.params.id, 'pause')
      if (asked.ended_at !== null) throw stateProblem(asked, 'paused', 'start a new one, or retry it')
      if (asked.cancel_requested) throw stateProblem(asked, 'paused', 'it is being cancelled and will end soon')
      return await answer(reply, asked)
    },
  )

  app.post(
    '/v1/runs/:id/resume',
    {
      schema: {
        operationId: 'resumeRun',
        tags,
        summary: 'Go on with a run that is paused',
        description: 'A run that is not paused stays as it is.',
        params: ofRun,
        response: answers,
      },
    },
    async (request, reply) => {
      const asked = await ask(options, request.params.id, 'resume')
      if (asked.ended_at !== null) throw stateProblem(asked, 'resumed', 'retry it, or rerun it from a step')
      return await answer(reply, asked)
    },
  )

  const AgainAnswers = { 200: Type.Union([AgainView, RunView]), 202: RunView, default: Problem }

  app.post(
    '/v1/runs/:id/retry',
    {
      schema: {
        operationId: 'retryRun',
        tags,
        summary: 'Go on from where a run failed or was cancelled',
        description:
          'Every step without an output runs again, with its attempts counted anew; the others keep theirs. Calls keep their idempotency keys, so that work which was done but not answered is not done twice. `dryRun` tells which steps those are.',
        params: ofRun,
        querystring: DryRun,
        response: AgainAnswers,
      },
    },
    async (request, reply) =>
      await again(reply, request.params.id, request.query.dryRun, 'retried', {
        type: 'run.retried',
        decide: (run, states) => retryOf(run.plan, states),
        data: ({ runs: steps }) => ({ steps: steps.map(({ name }) => name) }),
      }),
  )

  app.post(
    '/v1/runs/:id/rerun',
    {
      schema: {
        operationId: 'rerunRun',
        tags,
        summary: 'Run steps of a run that has ended again, and all that follow them',
        description:
          'Steps that do not follow keep their outputs. Those that run again do so under new idempotency keys (a generation higher), so that stages do the work anew; the cache is not asked for them. `dryRun` tells what would run again, why, and what is kept.',
        params: ofRun,
        querystring: DryRun,
        body: RerunRequest,
        response: AgainAnswers,
      },
    },
    async (request, reply) => {
      const { from } = request.body
      requireSteps(await findRun(runs, request.params.id), from)
      return await again(reply, request.params.id, request.query.dryRun, 'rerun', {
        type: 'run.rerun',
        decide: (run, states) => rerunOf(run.plan, states, from),
        data: ({ runs: steps }) => ({ from, steps: steps.map(({ name }) => name) }),
      })
    },
  )

  async function again(
    reply: FastifyReply,
    id: string,
    dryRun: boolean,
    verb: string,
    request: AgainRequest & { data: (again: Again) => Record<string, JsonValue> },
  ) {
    const run = await findRun(runs, id)
    const open = () => stateProblem(run, verb, 'wait for its end, or cancel it first')
    if (run.ended_at === null) throw open()
    if (dryRun) return await reply.code(200).send(againView(request.decide(run, await statesOf(runs, id))))
    const asked = await verbs.again(id, request)
    if (asked.kind === 'unchanged' && asked.run.ended_at !== null)
      throw stateProblem(
        asked.run,
        verb,
        'every step has its output; rerun it from a step, or fork it',
        'has nothing left to do',
      )
    if (asked.kind !== 'done') throw open()
    tell(options, asked.run)
    return await answer(reply, asked.run)
  }
}

type Verb = 'cancel' | 'pause' | 'resume'

/** Asks, and tells who walks it or waits for it. */
export async function ask(options: Omit<VerbRoutesOptions, 'runs'>, id: string, verb: Verb): Promise<RunRow> {
  const asked: Asked = await options.verbs[verb](id)
  if (asked.kind === 'unknown') throw new MeshError('MESHWORK_RUN_UNKNOWN', { run: id })
  tell(options, asked.run)
  return asked.run
}

export function tell({ engine, news }: Omit<VerbRoutesOptions, 'runs' | 'verbs'>, run: RunRow): void {
  engine.ask(run.id, { cancelling: run.cancel_requested, paused: run.pause_requested, signals: run.signals })
  news.tell(run.id, run.ended_at !== null)
}

const answer = async (reply: FastifyReply, run: RunRow) =>
  await reply.code(run.ended_at === null ? 202 : 200).send(runView(run))

export const againView = ({ runs, keeps }: Again): AgainView => ({
  dryRun: true,
  runs: runs.map(({ name, reason }) => ({ name, reason })),
  keeps: [...keeps],
})

const statesOf = async (runs: Runs, id: string): Promise<States> =>
  new Map((await runs.steps(id)).map(row => [row.name, stepState(row)]))

const stateProblem = (run: RunRow, verb: string, way: string, fact = factOf(run)): MeshError =>
  new MeshError('MESHWORK_RUN_STATE', { run: run.id, fact, verb, way })

const factOf = ({ status, ended_at, cancel_requested }: RunRow): string => {
  if (ended_at === null) return cancel_requested ? 'is being cancelled' : `is ${status}`
  return status === 'cancelled' ? 'was cancelled' : `has ${status}`
}
