import { AgainView, ForkRequest, Problem, RunComparison, RunView } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import { compareRuns } from '../engine/compare.ts'
import type { Starter } from '../start/starter.ts'
import { runView } from '../store/rows.ts'
import type { Runs } from '../store/runs.ts'
import { findRun, ofRun, originOf, requireSteps, StartHeaders, stepsOf } from './runs.ts'
import { againView, DryRun } from './verbs.ts'

const tags = ['runs']

export function forkRoutes(app: App, runs: Runs, starter: Starter): void {
  app.post(
    '/v1/runs/:id/fork',
    {
      schema: {
        operationId: 'forkRun',
        tags,
        summary: 'Start a new run from a run, with other parameters',
        description:
          'The new run has the definition of the old one and its parameters but for those given. A step that would be called with the very same input keeps its recorded output (it is `reused`); from the first that would not, everything that follows runs. `dryRun` tells which is which. The old run stays as it is.',
        params: ofRun,
        querystring: DryRun,
        headers: StartHeaders,
        body: ForkRequest,
        response: { 200: Type.Union([AgainView, RunView]), 202: RunView, default: Problem },
      },
    },
    async (request, reply) => {
      const source = await findRun(runs, request.params.id)
      requireSteps(source, request.body.from ?? [])
      const steps = await runs.steps(source.id)
      if (request.query.dryRun) {
        const { again } = await starter.previewFork(source, steps, request.body)
        return await reply.code(200).send(againView(again))
      }
      const { kind, run } = await starter.fork(source, steps, request.body, originOf(request))
      if (kind === 'standing') void reply.header('idempotency-replayed', 'true')
      void reply.header('location', `/v1/runs/${run.id}`)
      return await reply.code(kind === 'standing' ? 200 : 202).send(runView(run))
    },
  )

  app.get(
    '/v1/runs/:id/compare/:other',
    {
      schema: {
        operationId: 'compareRuns',
        tags,
        summary: 'What differs between two runs',
        description:
          'Parameters, versions, input and output hashes, times and outputs, step by step in the order of the plan. The first difference tells where they parted.',
        params: Type.Object({
          ...ofRun.properties,
          other: Type.String({ format: 'uuid', description: 'Id of the other run.' }),
        }),
        response: { 200: RunComparison, default: Problem },
      },
    },
    async request => {
      const side = async (id: string) => ({ run: runView(await findRun(runs, id)), steps: await stepsOf(runs, id) })
      const [left, right] = await Promise.all([side(request.params.id), side(request.params.other)])
      return compareRuns(left, right)
    },
  )
}
