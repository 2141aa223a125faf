import { Problem, RunExplanation } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import type { StageCalls } from '../calls/stage-calls.ts'
import type { Engine } from '../engine/engine.ts'
import { explain } from '../engine/explain.ts'
import type { Directory } from '../stage/directory.ts'
import type { Notes } from '../store/notes.ts'
import { stepState } from '../store/rows.ts'
import type { Runs } from '../store/runs.ts'
import { findRun, ofRun } from './runs.ts'

export interface ExplainRoutesOptions {
  readonly runs: Runs
  readonly notes: Notes
  readonly engine: Engine
  readonly directory: Directory
  readonly stageCalls: StageCalls
}

export function explainRoutes(app: App, { runs, notes, engine, directory, stageCalls }: ExplainRoutesOptions): void {
  app.get(
    '/v1/runs/:id/explain',
    {
      schema: {
        operationId: 'explainRun',
        tags: ['runs'],
        summary: 'Why a run, and each of its steps, is where it is',
        description:
          'For each step: what it waits for (other steps, a deployment, a place, its next attempt, an orchestrator, a resume), or how it ended.',
        params: ofRun,
        response: { 200: RunExplanation, default: Problem },
      },
    },
    async request => {
      const run = await findRun(runs, request.params.id)
      const rows = await runs.steps(run.id)
      // A step that is "running" in its row is in flight, unlike for a walker that takes the run up.
      const states = new Map(rows.map(row => [row.name, { ...stepState(row), status: row.status }]))
      return explain(
        {
          run,
          plan: run.plan,
          states,
          ahead: run.status === 'queued' ? await runs.queuedBefore(run) : 0,
          deployments: directory.views(),
          quiet: await notes.quiet(run.id),
          places: url => engine.places(url),
          stagePlaces: stage => stageCalls.places(stage),
          rate: stage => stageCalls.rate(stage),
        },
        Date.now(),
      )
    },
  )
}
