import { newTrace, readTraceparent, writeTraceparent } from '@meshwork/kit'
import t from 'tap'
import { RunSpans, traceparentOf, traceparentOfStep } from '../../src/telemetry/run-spans.ts'
import { pendingStep, type StepState } from '../../src/step/state.ts'
import type { ClaimedRun } from '../../src/store/runs.ts'

const given = newTrace(true)
const id = '3f0e4c1a-0000-4000-8000-000000000001'
const claimed = (traceparent = writeTraceparent(given)): ClaimedRun =>
  ({
    run: { id, workflow: 'w', version: 3, traceparent },
    at: 10_000,
    openMs: 4000,
    steps: [],
  }) as unknown as ClaimedRun
const done: StepState = {
  ...pendingStep('a'),
  status: 'succeeded',
  attempts: 2,
  startedAt: 7000,
  endedAt: 9000,
  rows: 5,
  version: '1.0.0',
}
const plan = { stage: 'clean' }
const ended = { attempt: 2, startMs: 8000, endMs: 9000 }

t.test('run, step and attempt stand in each other, in the trace of the request', async t => {
  const spans = new RunSpans(claimed(), 0)
  const run = spans.run({ status: 'succeeded', outputs: null, problem: null }, 9500)
  const step = spans.step(plan, done)
  const attempt = spans.attempt(plan, done, ended)
  for (const one of [run, step, attempt]) t.equal(one?.context.traceId, given.traceId)
  t.equal(run.parentId, given.spanId)
  t.equal(step?.parentId, run.context.spanId)
  t.equal(attempt.parentId, step?.context.spanId)
  t.same([run.startMs, run.endMs], [6000, 9500], 'from when it was asked for')
  t.equal(readTraceparent(spans.traceparent(done))?.spanId, attempt.context.spanId, 'the stage is called within it')
  const before = spans.attempt(plan, done, { ...ended, attempt: 1 })
  t.same(attempt.links, [before.context], 'it leads back to the attempt before it')
  t.same(before.links, [])
  t.match(step?.attributes, { 'cicd.pipeline.task.name': 'a', 'meshwork.rows': 5, 'meshwork.attempts': 2 })
})

t.test('another orchestrator makes the same ids; what is run again makes others', async t => {
  const [one, other] = [new RunSpans(claimed(), 0), new RunSpans(claimed(), 0)]
  t.same(one.step(plan, done), other.step(plan, done))
  t.same(one.attempt(plan, done, ended), other.attempt(plan, done, ended))
  const again = { ...done, generation: 2 }
  t.not(one.step(plan, again)?.context.spanId, one.step(plan, done)?.context.spanId)
  const end = { status: 'succeeded', outputs: null, problem: null } as const
  t.not(new RunSpans(claimed(), 1).run(end, 1).context.spanId, one.run(end, 1).context.spanId)
})

t.test('failures are told; what did not begin or did not end has no span', async t => {
  const spans = new RunSpans(claimed(), 0)
  const problem = { code: 'MESHWORK_X', detail: 'it broke' }
  const failed = spans.step(plan, { ...done, status: 'failed', problem: problem as StepState['problem'] })
  t.equal(failed?.error, 'it broke')
  t.equal(failed?.attributes['error.type'], 'MESHWORK_X')
  t.equal(spans.attempt(plan, done, { ...ended, problem }).error, 'it broke')
  t.equal(spans.step(plan, { ...done, status: 'running', endedAt: null }), undefined)
  t.equal(spans.step(plan, { ...done, status: 'skipped', startedAt: null }), undefined)
  const cancelled = spans.run({ status: 'cancelled', outputs: null, problem: null }, 1)
  t.equal(cancelled.error, undefined)
  t.equal(cancelled.attributes['cicd.pipeline.result'], 'cancellation')
})

t.test('an item is called within its step', async t => {
  const spans = new RunSpans(claimed(), 0)
  const item = spans.attempt(plan, { ...done, name: 'a[3]' }, ended)
  t.equal(item.parentId, spans.step(plan, done)?.context.spanId)
  t.equal(item.attributes['meshwork.item'], 3)
})

t.test('a run that nobody traced begins a trace; one of a step stands in the step', async t => {
  const own = traceparentOf(undefined, id, () => false)
  t.equal(readTraceparent(own)?.sampled, false)
  const spans = new RunSpans(claimed(own), 0)
  t.equal(spans.run({ status: 'succeeded', outputs: null, problem: null }, 1).parentId, undefined, 'it is the first')
  t.equal(
    traceparentOf(writeTraceparent(given), id, () => false),
    writeTraceparent(given),
  )
  const sub = traceparentOfStep({ id, traceparent: own }, done)
  t.equal(readTraceparent(sub)?.spanId, spans.step(plan, done)?.context.spanId)
  t.equal(readTraceparent(sub)?.sampled, false, 'and is sent when it is')
})
