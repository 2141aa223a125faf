import t from 'tap'
import type { CallWait } from '../../src/calls/call-wait.ts'
import { QuietCalls } from '../../src/engine/quiet-calls.ts'
import type { StepNote } from '../../src/engine/step-notes.ts'

const of = { runId: 'run', fence: 1, step: 'each', attempt: 1 }
const place: CallWait = { reason: 'deployment-places', url: 'http://a', max: 3 }
const away: CallWait = { reason: 'no-deployment', contract: 'a@1', urls: ['http://a', 'http://b'] }

function begin() {
  let now = 0
  const told: StepNote[] = []
  const quiet = new QuietCalls(
    note => told.push(note),
    () => now,
  )
  const after = (ms: number) => {
    now += ms
    quiet.look()
    return told.splice(0)
  }
  return { quiet, after }
}

t.test('a call that waits is told of after two seconds, once, and that it was sent', async t => {
  const { quiet, after } = begin()
  const call = {}
  quiet.waits(of, call, place)
  t.same(after(1999), [])
  t.match(after(1), [
    {
      ...of,
      type: 'step.limited',
      data: { reason: 'deployment-places', calls: 1, detail: /^http:\/\/a has 3 calls in flight.*\.$/ },
    },
  ])
  t.same(after(60_000), [])
  quiet.moves(of, call)
  t.match(after(0), [{ ...of, type: 'step.called', data: {} }])
  quiet.moves(of, call)
  t.same(after(60_000), [], 'its answer is no news')
})

t.test('what nobody mends by waiting is told as such, also where it waited for something else before', async t => {
  const { quiet, after } = begin()
  const call = {}
  quiet.waits(of, call, place)
  t.equal(after(2000)[0]?.type, 'step.limited')
  quiet.waits(of, call, away)
  const [note] = after(2000)
  t.match(note, { type: 'step.stuck', data: { detail: /"a@1" answers: http:\/\/a, http:\/\/b/ } })
  t.same(after(60_000), [])
})

t.test('a list is quiet when none of its calls was sent for a while', async t => {
  const { quiet, after } = begin()
  const calls = Array.from({ length: 5 }, () => ({}))
  for (const call of calls) quiet.waits(of, call, place)
  for (const call of calls.slice(0, 3)) {
    t.same(after(1900), [])
    quiet.moves(of, call)
  }
  t.match(after(2000), [{ type: 'step.limited', data: { calls: 2 } }])
})

t.test('one that waits and goes on in turns is told of more and more seldom', async t => {
  const { quiet, after } = begin()
  const others = [{}, {}]
  quiet.waits(of, {}, place)
  for (const [i, call] of others.entries()) {
    quiet.waits(of, call, place)
    t.same(after(2000 * 2 ** i - 1), [])
    t.equal(after(1)[0]?.type, 'step.limited')
    quiet.moves(of, call)
    t.equal(after(0)[0]?.type, 'step.called')
  }
})

t.test('also where none of its calls waits meanwhile', async t => {
  const { quiet, after } = begin()
  for (const patienceMs of [2000, 4000, 8000]) {
    const call = {}
    quiet.waits(of, call, place)
    t.same(after(patienceMs - 1), [])
    t.equal(after(1)[0]?.type, 'step.limited')
    quiet.moves(of, call)
    after(1000)
  }
})

t.test('a call that was ended leaves nothing to tell', async t => {
  const { quiet, after } = begin()
  const call = {}
  quiet.waits(of, call, away)
  quiet.gone(of, call)
  t.same(after(60_000), [])
})
