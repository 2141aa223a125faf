// Orders of events that a database and a network bring about too seldom to be waited for.

import { noTraces } from '@meshwork/kit'
import { logCapture } from '@meshwork/kit/testing'
import { Registry } from 'prom-client'
import t from 'tap'
import type { EngineParts } from '../../src/engine/engine.ts'
import { Walk } from '../../src/engine/walk.ts'
import { type Plan, retryDefaults } from '../../src/plan/plan.ts'
import type { Answer } from '../../src/stage/answer.ts'
import type { ClaimedRun } from '../../src/store/runs.ts'
import type { Transition, Wishes } from '../../src/store/transition.ts'
import { EngineMetrics } from '../../src/telemetry/metrics.ts'

const step = { stage: 's', major: 1, with: {}, needs: [], retry: retryDefaults, timeoutMs: 60_000 }
const plan: Plan = {
  steps: [
    { ...step, name: 'a' },
    { ...step, name: 'b', needs: ['a'] },
    { ...step, name: 'c' },
  ],
  outputs: {},
}
const claimed = {
  run: {
    id: '00000000-0000-4000-8000-000000000001',
    job_id: '00000000-0000-4000-8000-000000000002',
    workflow: 'w',
    version: 1,
    plan,
    params: {},
    traceparent: '00-11111111111111111111111111111111-2222222222222222-01',
    fence: 1,
    limits: null,
    parent_run: null,
    started_at: null,
    cancel_requested: false,
    pause_requested: false,
    signals: 0,
  },
  steps: [],
  recovered: false,
  waitedMs: 0,
  openMs: 0,
  at: Date.now(),
} as unknown as ClaimedRun

t.test('a cancel that a refused write tells of is not undone by older news that waits to be heard', async t => {
  const calls = new Map<string, (answer: Answer) => void>()
  const ends: Transition['end'][] = []
  const cancelling: Wishes = { cancelling: true, paused: false, signals: 1 }
  const parts = {
    directory: { pick: async () => ({ url: 'http://s', version: '1.0.0' }) },
    log: logCapture('test', 'silent').log,
    notes: { put: () => {}, forget: () => {} },
    quiet: { watch: () => ({ waits: () => {}, moves: () => {}, ended: () => {} }) },
    metrics: new EngineMetrics(new Registry()),
    traces: noTraces,
    changed: () => {},
    signals: async () => [],
    subRuns: { startLeft: async () => {}, tellOf: async () => {} },
    doorkeeper: {},
    call: async ({ step: name, signal }: { step: string; signal: AbortSignal }) =>
      await new Promise<Answer>(resolve => {
        calls.set(name, resolve)
        signal.addEventListener('abort', () => resolve({ kind: 'aborted' }))
      }),
    record: async (transition: Transition) => {
      if (transition.end) ends.push(transition.end)
      const begins = transition.events.some(({ type, step: of }) => type === 'step.started' && of === 'b')
      if (!begins) return 'recorded'
      // While it is written: a heartbeat brings what it had read before the cancel.
      walk.ask({ cancelling: false, paused: false, signals: 1 })
      return cancelling
    },
  } as unknown as EngineParts
  const walk = new Walk(parts, claimed)
  const walked = walk.walk()
  while (!calls.has('a')) await new Promise(resolve => setImmediate(resolve))
  calls.get('a')?.({ kind: 'result', output: {}, outputHash: 'h', version: '1.0.0' })
  t.equal(await walked, 'ended')
  t.match(ends, [{ status: 'cancelled' }])
})
