import {
  type JsonValue,
  MeshError,
  PlanDocument,
  PlanStart,
  Problem,
  sentence,
  type WorkflowDocument,
  WorkflowPlan,
} from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import { knownTo } from '../definition/known.ts'
import { checkWorkflow } from '../definition/check.ts'
import { checkParams } from '../definition/params.ts'
import { sourceBytesMax } from '../definition/read.ts'
import { forecast } from '../plan/forecast.ts'
import { planOf } from '../plan/plan.ts'
import { errorsOf, survey } from '../plan/survey.ts'
import { planView } from '../plan/view.ts'
import type { Directory } from '../stage/directory.ts'
import type { Planner } from '../stage/planner.ts'
import type { Runs } from '../store/runs.ts'
import type { Workflows } from '../store/workflows.ts'
import { find, invalid, readable } from './workflows.ts'

export interface PlanRoutesOptions {
  readonly workflows: Workflows
  readonly runs: Runs
  readonly directory: Directory
  readonly planner: Planner
}

const tags = ['workflows']
const description =
  'The order and what can run side by side, the version of each stage, the columns on each edge as far as they are known, and what a run with `cache` would reuse, and why not. Nothing runs.'

export function planRoutes(app: App, options: PlanRoutesOptions): void {
  app.post(
    '/v1/workflows/:name/plan',
    {
      schema: {
        operationId: 'planWorkflow',
        tags,
        summary: 'What a run of a workflow would do',
        description,
        params: Type.Object({ name: Type.String({ maxLength: 63, examples: ['flight-delays'] }) }),
        body: PlanStart,
        response: { 200: WorkflowPlan, default: Problem },
      },
    },
    async request => {
      const { version, params = {} } = request.body
      const row = await find(options.workflows, request.params.name, version)
      return await plan(options, row.source, params, row.version)
    },
  )

  app.post(
    '/v1/workflows::plan',
    {
      bodyLimit: 2 * sourceBytesMax,
      schema: {
        operationId: 'planDocument',
        tags,
        summary: 'What a run of a document would do, without registering it',
        description,
        body: PlanDocument,
        response: { 200: WorkflowPlan, default: Problem },
      },
    },
    async request => await plan(options, request.body.source, request.body.params ?? {}, null),
  )
}

async function plan(
  options: PlanRoutesOptions,
  source: string,
  given: Record<string, JsonValue>,
  version: number | null,
): Promise<WorkflowPlan> {
  const { directory, planner } = options
  const read = readable(source)
  const stages = await knownTo(read.value, directory, options.workflows)
  const shape = checkWorkflow(read, stages)
  if (!shape.document) throw invalid(shape.diagnostics)
  const params = knownParams(shape.document, given)
  const found = await survey(read, stages, planner, params)
  const { document, diagnostics } = found
  if (!document || errorsOf(diagnostics).length > 0) throw invalid(diagnostics)
  const planned = planOf(document, found.types)
  const deployments = new Map<string, { version: string; url: string }>()
  for (const { name, stage, major, wait, sub } of planned.steps)
    if (!wait && !sub) deployments.set(name, await directory.pick(stage, major))
  const forecasts = await forecast(planned, params, planned.types, async (name, inputHash) => {
    const step = planned.steps.find(candidate => candidate.name === name)
    const deployment = deployments.get(name)
    if (!step || !deployment) return undefined
    const maxAgeMs = step.cache ? step.cache.maxAgeMs : undefined
    const row = await options.runs.reusable(step.stage, deployment.version, inputHash, maxAgeMs)
    return row?.output == null ? undefined : { run: row.run_id, output: row.output }
  })
  return planView({
    workflow: document.name,
    version,
    plan: planned,
    types: found.types,
    datasets: found.datasets,
    deployments,
    forecasts,
    diagnostics,
  })
}

/** The parameters given and the defaults; those that are missing stay unknown, wrong ones are refused. */
function knownParams(document: WorkflowDocument, given: Record<string, JsonValue>): Record<string, JsonValue> {
  const optional = Object.entries(document.params ?? {}).filter(
    ([name, { default: standard }]) => standard !== undefined || Object.hasOwn(given, name),
  )
  const checked = checkParams(Object.fromEntries(optional), given)
  if (checked.kind === 'right') return checked.params
  const problems = sentence(checked.items.map(({ detail }) => ({ pointer: '', detail })))
  throw new MeshError('MESHWORK_RUN_PARAMS', { workflow: document.name, problems }, { errors: checked.items })
}
