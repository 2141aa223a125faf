// What is left to do of a list when its step is begun again, and when another walk goes on with it.

import t from 'tap'
import { itemName } from '../../src/step/item-name.ts'
import { Items } from '../../src/step/items.ts'
import { pendingStep, type StepState } from '../../src/step/state.ts'
import type { PlanStep } from '../../src/plan/plan.ts'

const step: PlanStep = {
  name: 'each',
  stage: 'echo',
  major: 1,
  with: {},
  needs: [],
  each: { list: [], concurrency: 2 },
  retry: { attempts: 3, backoffMs: 1, maxBackoffMs: 1, factor: 1 },
  timeoutMs: 1000,
}
const problem = { type: 'about:blank', code: 'X', status: 422, title: 'x', detail: 'x', retryable: false }
const recorded = (index: number, more: Partial<StepState>): StepState => ({
  ...pendingStep(itemName('each', index)),
  attempts: 1,
  ...more,
})
const open = (states: readonly Partial<StepState>[], goesOn: boolean) => {
  const known = new Map(states.map((state, i) => [itemName('each', i), recorded(i, state)]))
  const inputs = [...states.map((_, i) => i), states.length]
  return new Items(step, 1, { list: inputs, inputs }, name => known.get(name), goesOn)
}
const failed = { status: 'failed', attempts: 3, problem } as const
const done = { status: 'succeeded', output: 1 } as const
const retrying = { status: 'retrying', nextAt: 5 } as const

t.test('a step that is begun again calls what has no output', async t => {
  const items = open([failed, done, retrying, { status: 'cancelled' }], false)
  t.same(items.due(0), { indexes: [0, 3], wakeAt: 5 })
  t.equal(items.stateOf(0).attempts, 0)
  t.notOk(items.over)
})

t.test('where another walk goes on, an item that failed has failed', async t => {
  const items = open([failed, done, retrying, { status: 'cancelled' }], true)
  t.same(items.due(10), { indexes: [], wakeAt: undefined })
  t.ok(items.settled)
  const changes = items.close({ ...pendingStep('each'), status: 'running', attempts: 1 }, 20)
  t.match(
    changes.map(({ state }) => [state.name, state.status]),
    [
      ['each[2]', 'cancelled'],
      ['each', 'failed'],
    ],
  )
})

t.test('what waits for its next attempt is called first, then what was not begun, as far as there is room', async t => {
  const items = open([done, retrying], true)
  t.same(items.due(0), { indexes: [2], wakeAt: 5 })
  const later = open([done, retrying], true)
  t.same(later.due(5), { indexes: [1, 2], wakeAt: undefined })
})
