import type { DeploymentView, StepStatus } from '@meshwork/contracts'
import t from 'tap'
import { explain, type KnownOfRun } from '../../src/engine/explain.ts'
import { pendingStep, type StepState } from '../../src/step/state.ts'
import { type Plan, planOf } from '../../src/plan/plan.ts'

const plan: Plan = planOf({
  name: 'w',
  steps: { a: { stage: 's@1' }, b: { stage: 's@1', needs: ['a'] } },
})
const ready: DeploymentView = {
  stage: 's',
  url: 'http://s',
  version: '1.0.0',
  majors: [1],
  status: 'ready',
  checkedAt: null,
}
const known = (
  statuses: Partial<Record<'a' | 'b', StepStatus | Partial<StepState>>>,
  run: Partial<KnownOfRun['run']> = {},
  more: Partial<KnownOfRun> = {},
): KnownOfRun => ({
  run: {
    workflow: 'w',
    held: false,
    limits: null,
    id: 'r',
    status: 'running',
    ended_at: null,
    cancel_requested: false,
    pause_requested: false,
    parked: false,
    problem: null,
    ...run,
  },
  plan,
  states: new Map(
    Object.entries(statuses).map(([name, of]) => [
      name,
      { ...pendingStep(name), attempts: 1, ...(typeof of === 'string' ? { status: of } : of) },
    ]),
  ),
  ahead: 3,
  deployments: [ready],
  places: () => ({ taken: 1, waiting: 0, max: 32 }),
  quiet: new Map(),
  stagePlaces: () => undefined,
  rate: () => undefined,
  ...more,
})
const problem = { type: 'x', title: 'x', status: 500, code: 'X', retryable: true, detail: 'It broke.' }

for (const [title, of, run, a, b] of [
  ['what waits for another step says for which', known({ a: 'running' }), 'running', 'running', 'needs'],
  ['what is done is done, what is next is starting', known({ a: 'reused' }), 'running', 'done', 'starting'],
  [
    'a retry says when it is due',
    known({ a: { status: 'retrying', nextAt: 5000, problem } }),
    'running',
    'retrying',
    'needs',
  ],
  [
    'a retry that is due is starting',
    known({ a: { status: 'retrying', nextAt: 1000 } }),
    'running',
    'starting',
    'needs',
  ],
  [
    'a deployment that is away is named',
    known({}, {}, { deployments: [{ ...ready, status: 'unreachable' }] }),
    'running',
    'no-deployment',
    'needs',
  ],
  [
    'one of another major does not serve',
    known({}, {}, { deployments: [{ ...ready, majors: [2] }] }),
    'running',
    'no-deployment',
    'needs',
  ],
  [
    'calls that wait for a place are told with the limit',
    known({ a: 'running' }, {}, { places: () => ({ taken: 32, waiting: 9, max: 32 }) }),
    'running',
    'limited',
    'needs',
  ],
  [
    'calls that wait for a place of their stage are told with its limit',
    known({ a: 'running' }, {}, { stagePlaces: () => ({ max: 3, waiting: 2 }) }),
    'running',
    'limited',
    'needs',
  ],
  [
    'calls that wait for their turn are told with the limit of their stage',
    known({ a: 'running' }, {}, { rate: () => ({ count: 5, perMs: 1000, waiting: 2 }) }),
    'running',
    'limited',
    'needs',
  ],
  ['a queue has its length', known({}, { status: 'queued' }), 'queued', 'queued', 'needs'],
  ['a pause', known({ a: 'succeeded' }, { status: 'paused', pause_requested: true }), 'paused', 'done', 'paused'],
  [
    'a pause that rests',
    known({ a: 'succeeded' }, { status: 'paused', pause_requested: true, parked: true }),
    'paused',
    'done',
    'paused',
  ],
  ['a cancel', known({ a: 'succeeded' }, { cancel_requested: true }), 'cancelling', 'done', 'cancelling'],
  [
    'a failure, and what it kept from beginning',
    known({ a: { status: 'failed', problem }, b: 'skipped' }, { status: 'failed', ended_at: new Date(), problem }),
    'ended',
    'failed',
    'skipped',
  ],
  [
    'a run that was cancelled before it began',
    known({}, { status: 'cancelled', ended_at: new Date() }),
    'ended',
    'not-begun',
    'not-begun',
  ],
] as const)
  t.test(title, async t => {
    const { reason, detail, steps } = explain(of, 2000)
    t.same([reason, ...steps.map(step => step.reason)], [run, a, b])
    for (const text of [detail, ...steps.map(step => step.detail)]) t.match(text, /\S{2,}.*[.:]/)
  })

t.test('facts stand in the words', async t => {
  const [first, second] = explain(known({ a: { status: 'retrying', nextAt: 5000, problem } }), 2000).steps
  t.match(first, { until: '1970-01-01T00:00:05.000Z', detail: /Attempt 1 of 5 failed: It broke\./ })
  t.match(second, { waitsFor: ['a'], detail: 'It waits for "a".' })
  t.match(explain(known({}, { status: 'queued' }), 0).detail, /3 runs are before it/)
})
