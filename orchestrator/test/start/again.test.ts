import type { JsonValue, StepStatus } from '@meshwork/contracts'
import t from 'tap'
import { type Again, forkOf, rerunOf, retryOf } from '../../src/start/again.ts'
import { hashOf, inputOf } from '../../src/step/input.ts'
import { pendingStep, type StepState } from '../../src/step/state.ts'
import { type Plan, planOf } from '../../src/plan/plan.ts'

// a → b → d, a → c → d, and e by itself
const plan: Plan = planOf({
  name: 'w',
  steps: {
    a: { stage: 's@1', with: { x: '${params.x}' } },
    b: { stage: 's@1', with: { from: '${steps.a.value}', y: '${params.y}' } },
    c: { stage: 's@1', with: { from: '${steps.a.value}' } },
    d: { stage: 's@1', with: { b: '${steps.b.value}', c: '${steps.c.value}' } },
    e: { stage: 's@1', with: { run: '${run.id}' } },
  },
})
const facts = (params: Record<string, JsonValue>, id = 'r1') => ({
  id,
  workflow: 'w',
  version: 1,
  params,
  startedAt: 0,
})
const given = { x: 1, y: 2 }

/** A run as it would stand: what has an output has the hash of the input it was called with. */
function states(statuses: Partial<Record<string, StepStatus>>, params: Record<string, JsonValue> = given) {
  const found = new Map<string, StepState>()
  for (const step of plan.steps) {
    const status = statuses[step.name]
    if (status === undefined) continue
    const done = status === 'succeeded' || status === 'reused'
    const input = done ? inputOf(step, facts(params), plan, found) : undefined
    const inputHash = input?.kind === 'input' ? input.hash : null
    found.set(step.name, {
      ...pendingStep(step.name),
      status,
      attempts: 1,
      inputHash,
      output: done ? { value: step.name } : null,
    })
  }
  return found
}
const told = ({ runs, keeps }: Again) => [
  runs.map(({ name, reason, generation }) => `${name} ${reason} ${generation}`).join(', '),
  keeps.join(' '),
]
const all = { a: 'succeeded', b: 'succeeded', c: 'reused', d: 'succeeded', e: 'succeeded' } as const

for (const [title, found, runs, keeps] of [
  ['a retry of a run that is done does nothing', retryOf(plan, states(all)), '', 'a b c d e'],
  [
    'a retry runs what has no output, under the same keys',
    retryOf(plan, states({ ...all, c: 'failed', d: 'skipped' })),
    'c not-done 1, d not-done 1',
    'a b e',
  ],
  [
    'a retry of a run that was cancelled before it began runs all',
    retryOf(plan, states({})),
    'a not-done 1, b not-done 1, c not-done 1, d not-done 1, e not-done 1',
    '',
  ],
  [
    'a rerun runs what is named and what follows, under new keys',
    rerunOf(plan, states(all), ['b']),
    'b asked 2, d follows 2',
    'a c e',
  ],
  [
    'a rerun also runs what has no output elsewhere, under its old key',
    rerunOf(plan, states({ ...all, e: 'cancelled' }), ['d']),
    'd asked 2, e not-done 1',
    'a b c',
  ],
  [
    'what follows a rerun and has no output gets a new key all the same: its input may be another',
    rerunOf(plan, states({ ...all, d: 'failed' }), ['c']),
    'c asked 2, d follows 2',
    'a b e',
  ],
  [
    'a rerun of the first step runs all that follow it',
    rerunOf(plan, states(all), ['a', 'd']),
    'a asked 2, b follows 2, c follows 2, d asked 2',
    'e',
  ],
  [
    'a fork with a parameter that one branch reads keeps the other; what reads the id of the run runs',
    forkOf(plan, states(all), facts({ ...given, y: 3 }, 'r2'), []),
    'b input-changed 2, d follows 2, e input-changed 2',
    'a c',
  ],
  [
    'a fork with a parameter that all read keeps nothing',
    forkOf(plan, states(all), facts({ ...given, x: 3 }, 'r2'), []),
    'a input-changed 2, b follows 2, c follows 2, d follows 2, e input-changed 2',
    '',
  ],
  [
    'a fork with the same parameters keeps what does not read the run',
    forkOf(plan, states(all), facts(given, 'r2'), ['d']),
    'd asked 2, e input-changed 2',
    'a b c',
  ],
  [
    'a fork of a run that failed runs what failed',
    forkOf(plan, states({ a: 'succeeded', b: 'failed', c: 'succeeded' }), facts(given, 'r2'), []),
    'b not-done 1, d not-done 1, e not-done 1',
    'a c',
  ],
] as const)
  t.test(title, async t => void t.same(told(found), [runs, keeps]))

t.test('a generation grows with each rerun', async t => {
  const before = states(all)
  before.set('b', { ...(before.get('b') as StepState), generation: 4 })
  t.equal(told(rerunOf(plan, before, ['b']))[0], 'b asked 5, d follows 2')
})

t.test('equal values have equal hashes, whatever the order of their keys', async t => {
  t.equal(hashOf({ a: 1, b: [2] }), hashOf({ b: [2], a: 1 }))
  t.not(hashOf({ a: 1 }), hashOf({ a: '1' }))
})
