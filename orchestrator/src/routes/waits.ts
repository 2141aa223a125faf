import {
  type JsonValue,
  MeshError,
  Page,
  Problem,
  RunView,
  sentence,
  StepName,
  WaitAnswer,
  WaitView,
  WorkflowName,
} from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import { checkParams } from '../definition/params.ts'
import type { Engine } from '../engine/engine.ts'
import type { RunNews } from '../events.ts'
import type { WaitPlan } from '../plan/wait-plan.ts'
import { type RunRow, runView } from '../store/rows.ts'
import type { Runs } from '../store/runs.ts'
import type { Signalled, SignalKind, Signals, WaitRow } from '../store/signals.ts'
import { findRun, ofRun, requireSteps } from './runs.ts'
import { tell } from './verbs.ts'

export interface WaitRoutesOptions {
  readonly runs: Runs
  readonly signals: Signals
  readonly engine: Engine
  readonly news: RunNews
}

const tags = ['runs']
const ofStep = Type.Object({ ...ofRun.properties, step: StepName })
const answers = { 200: RunView, 202: RunView, default: Problem }
const limitMax = 500

const verbs = [
  {
    verb: 'signal',
    kind: 'signal',
    operationId: 'signalStep',
    summary: 'Give a step the signal that it waits for',
    description:
      'The first signal counts, also one that comes before the step is begun. The same again changes nothing and is answered with 200.',
  },
  {
    verb: 'approve',
    kind: 'approve',
    operationId: 'approveStep',
    summary: 'Approve what a step asks',
    description: 'Its inputs, with their defaults, are the output of the step. The first answer counts.',
  },
  {
    verb: 'reject',
    kind: 'reject',
    operationId: 'rejectStep',
    summary: 'Reject what a step asks',
    description: 'The step fails, and its onError says what comes of that. The first answer counts.',
  },
] as const

export function waitRoutes(app: App, options: WaitRoutesOptions): void {
  const { runs, signals } = options
  for (const { verb, kind, ...operation } of verbs)
    app.post(
      `/v1/runs/:id/steps/:step/${verb}`,
      { schema: { ...operation, tags, params: ofStep, body: WaitAnswer, response: answers } },
      async (request, reply) => {
        const { id, step } = request.params
        const run = await findRun(runs, id)
        const wait = waitOf(run, step, kind)
        const { by = '', comment = '', inputs = {} } = request.body
        const data = { by, comment, inputs: kind === 'reject' ? {} : fitting(step, wait, inputs) }
        const signalled = await signals.answer(id, step, kind, data)
        const told = requireTaken(signalled, id, step)
        if (signalled.kind === 'done') tell(options, told)
        return await reply.code(signalled.kind === 'done' ? 202 : 200).send(runView(told))
      },
    )

  app.get(
    '/v1/waits',
    {
      schema: {
        operationId: 'listWaits',
        tags,
        summary: 'Steps that wait, of all runs, the longest first',
        description: 'For a list of what people are asked: `kind=approval`.',
        querystring: Type.Object({
          kind: Type.Optional(Type.String({ maxLength: 20, description: 'time, signal or approval.' })),
          workflow: Type.Optional(WorkflowName),
          limit: Type.Integer({ minimum: 1, maximum: limitMax, default: 100 }),
        }),
        response: { 200: Page(WaitView, 'WaitPage'), default: Problem },
      },
    },
    async ({ query: { kind, workflow, limit } }) => ({
      items: (await signals.waiting(kind, workflow, limit)).map(view),
      next: null,
    }),
  )
}

/** The wait of a step that takes this kind of answer. */
function waitOf(run: RunRow, step: string, kind: SignalKind): WaitPlan & { kind: 'signal' | 'approval' } {
  requireSteps(run, [step])
  const what = kind === 'signal' ? 'signal' : 'approval'
  const wait = run.plan.steps.find(({ name }) => name === step)?.wait
  if (wait && wait.kind !== 'time' && wait.kind === what) return wait
  const others = run.plan.steps.filter(other => other.wait?.kind === what).map(({ name }) => name)
  const known = others.length === 0 ? 'none of its steps does' : `those that do: ${others.join(', ')}`
  throw new MeshError('MESHWORK_WAIT_UNKNOWN', {
    run: run.id,
    step,
    what: what === 'signal' ? 'a signal' : 'an approval',
    known,
  })
}

function fitting(
  step: string,
  { inputs }: WaitPlan & { kind: 'signal' | 'approval' },
  given: Record<string, JsonValue>,
): Record<string, JsonValue> {
  const checked = checkParams(inputs, given, 'input')
  if (checked.kind === 'right') return checked.params
  const problems = sentence(checked.items.map(({ detail }) => ({ pointer: '', detail })))
  throw new MeshError('MESHWORK_WAIT_INPUTS', { step, problems }, { errors: checked.items })
}

function requireTaken(signalled: Signalled, run: string, step: string): RunRow {
  switch (signalled.kind) {
    case 'done':
    case 'standing':
      return signalled.run
    case 'unknown':
      throw new MeshError('MESHWORK_RUN_UNKNOWN', { run })
    case 'answered': {
      const { kind, data, at } = signalled.by
      const how = `${kind} by ${data.by || 'somebody'} at ${new Date(at).toISOString()}`
      throw new MeshError('MESHWORK_WAIT_ANSWERED', { run, step, how })
    }
    case 'closed': {
      const { status, run: of } = signalled
      const open = of.ended_at === null && !of.cancel_requested
      const when = status === 'pending' && open ? 'yet' : 'any more'
      throw new MeshError('MESHWORK_WAIT_CLOSED', { run, step, when, status: open ? status : of.status })
    }
  }
}

const view = ({ plan, started_at, until, ...row }: WaitRow): WaitView => {
  const wait = plan.steps.find(({ name }) => name === row.step)?.wait
  return {
    ...row,
    inputs: wait && wait.kind !== 'time' ? { ...wait.inputs } : {},
    since: new Date(started_at).toISOString(),
    until: until && new Date(until).toISOString(),
  }
}
