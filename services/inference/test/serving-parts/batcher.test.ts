// The batcher with workers driven by hand: nothing runs until the test says so.

import fc from 'fast-check'
import t from 'tap'
import { Batcher, type BatcherOptions, type Submission } from '../../src/serving/batcher.ts'
import { calibrate } from '../../src/serving/calibration.ts'
import { CallQueue, type Waiting } from '../../src/serving/queue.ts'
import { ModelStatistics } from '../../src/serving/statistics.ts'
import type { Offer } from '../../src/session/pool.ts'

const observer = { dispatched: () => {}, answered: () => {}, executed: () => {}, failed: () => {}, retired: () => {} }

function byHand(options: Partial<BatcherOptions> = {}) {
  const offers: Offer[] = []
  const statistics = new ModelStatistics(observer)
  const batcher = new Batcher({
    name: 'm',
    file: { key: 'm/1', path: '', sha256: '' },
    pool: { offer: offer => void offers.push(offer) },
    statistics,
    spans: { write: () => {} },
    rowsMax: 8,
    queueRowsMax: 100,
    queueBytesMax: 1000,
    defer: work => work(),
    explain: error => error,
    ...options,
  })
  return { batcher, offers, statistics }
}
const submission = (rows = 1, more: Partial<Submission> = {}): Submission => ({
  call: { feeds: [], outputs: [] },
  group: 'g',
  rows,
  bytes: rows,
  priority: 1,
  timeoutMs: 60_000,
  ...more,
})
const seconds = { input: 0, infer: 0.001, output: 0 }

t.test('a batch is made when a worker has room, of all that waits by then', async t => {
  const { batcher, offers } = byHand()
  const waiting = [submission(3), submission(4), submission(4)].map(one => batcher.submit(one).outputs)
  t.equal(offers.length, 1, 'one offer stands for them all')
  const batch = offers.shift()?.take()
  t.equal(batch?.batch.rows.length, 2, 'the third does not fit into 8 rows')
  await Promise.resolve()
  t.equal(offers.length, 1, 'and is offered next')
  batch?.resolve({
    calls: [
      { kind: 'outputs', outputs: [] },
      { kind: 'outputs', outputs: [] },
    ],
    runs: 1,
    seconds,
  })
  const last = offers.shift()?.take()
  last?.resolve({ calls: [{ kind: 'outputs', outputs: [] }], runs: 1, seconds })
  await Promise.all(waiting)
  t.equal(batcher.pending, 0)
})

t.test('it is told why a batch has no more rows, and how full it is', async t => {
  const told: unknown[] = []
  const dispatched = (reason: string, fill: number) => void told.push([reason, fill])
  const { batcher, offers } = byHand({ statistics: new ModelStatistics({ ...observer, dispatched }) })
  const ended = [submission(6), submission(4), submission(2, { group: undefined })].map(
    one => batcher.submit(one).outputs,
  )
  for (let i = 0; i < 3; i++) {
    offers.shift()?.take()?.reject(new Error('enough'))
    await Promise.resolve()
  }
  await Promise.allSettled(ended)
  t.same(told, [
    ['full', 0.75],
    ['full', 0.5],
    ['alone', 0.25],
  ])
  const last = batcher.submit(submission(4)).outputs
  offers.shift()?.take()?.reject(new Error('enough'))
  await t.rejects(last)
  t.same(told.at(-1), ['free', 0.5])
})

t.test('a request whose caller leaves, or whose time is over, is not run', async t => {
  const { batcher, offers, statistics } = byHand()
  const left = batcher.submit(submission())
  const late = batcher.submit(submission(1, { timeoutMs: 1 }))
  left.cancel()
  await t.rejects(left.outputs, { name: 'OipFault', status: 499 })
  await t.rejects(late.outputs, { name: 'OipFault', status: 503, retryAfterSeconds: 1 })
  t.equal(offers.shift()?.take(), undefined)
  t.match(statistics.failures, { CANCELED: 1, REJECTED: 1 })
  await batcher.idle()
})

t.test('a failure of the worker fails its batch and leaves what waits', async t => {
  const { batcher, offers } = byHand({ rowsMax: 1 })
  const [first, second] = [batcher.submit(submission()).outputs, batcher.submit(submission()).outputs]
  offers.shift()?.take()?.reject(new Error('the thread ended'))
  await t.rejects(first, { message: 'the thread ended' })
  offers
    .shift()
    ?.take()
    ?.resolve({ calls: [{ kind: 'outputs', outputs: [] }], runs: 1, seconds })
  await second
})

t.test(
  'generated arrivals: none lost or twice, order within a group kept, nothing over the bound or mixed',
  async t => {
    const arrival = fc.record({
      group: fc.constantFrom('a', 'b', undefined),
      rows: fc.integer({ min: 1, max: 9 }),
      priority: fc.integer({ min: 1, max: 2 }),
      takes: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 60 }), fc.integer({ min: 1, max: 16 }), (arrivals, rowsMax) => {
        const queue = new CallQueue<Waiting & { readonly at: number }>()
        const seen: number[] = []
        const take = () => {
          const batch = queue.take(rowsMax)
          const rows = batch.reduce((sum, one) => sum + one.rows, 0)
          const [first] = batch
          if (
            batch.length > 1 &&
            (rows > rowsMax || batch.some(one => one.group !== first?.group || one.group === undefined))
          )
            return false
          for (const one of batch) {
            const earlier = arrivals.slice(0, one.at).map((other, at) => ({ ...other, at }))
            const overtaken = earlier.some(
              other => other.group === one.group && other.priority <= one.priority && !seen.includes(other.at),
            )
            if (overtaken || seen.includes(one.at)) return false
            seen.push(one.at)
          }
          return true
        }
        for (const [at, { takes, ...one }] of arrivals.entries()) {
          queue.add({ ...one, bytes: one.rows, at })
          if (takes && !take()) return false
        }
        while (queue.length > 0) if (!take()) return false
        return seen.length === arrivals.length && queue.rows === 0 && queue.bytes === 0
      }),
      { numRuns: 500 },
    )
    t.pass('500 examples')
  },
)

t.test('batching is off where longer runs are no faster for a row, and as long as pays elsewhere', async t => {
  const curve = (...times: number[]) => times.map((seconds, i) => ({ rows: 2 ** i, seconds }))
  const sizes = (times: number[], wanted?: boolean) =>
    calibrate({ unmergeable: undefined, curve: curve(...times) }, wanted, 256).rowsMax
  t.equal(sizes([1, 2.1, 4.4, 9]), 1)
  t.equal(sizes([1, 1.1, 1.2, 2.4]), 4)
  t.equal(sizes([1, 1, 1, 1]), 32, 'past the longest run that was tried')
  t.equal(sizes([1, 1, 1, 1], false), 1)
  t.equal(sizes([1, 2.1], true), 256)
  t.equal(calibrate({ unmergeable: 'no', curve: [] }, true, 256).rowsMax, 1, 'never where rows mix')
})
