// Runs on the thread of HTTP, with a session driven by hand.

import { readFile } from 'node:fs/promises'
import type { Tensor } from 'onnxruntime-node'
import t from 'tap'
import { type Batching, inlineRows } from '../../src/serving/calibration.ts'
import { InlineSession } from '../../src/session/inline.ts'
import type { Declared, InferAnswer } from '../../src/session/messages.ts'
import { isSteady, operatorsOf } from '../../src/session/operators.ts'
import type { Offer, OnlineBatch } from '../../src/session/pool.ts'

const tensor = (type: string, shape: number[]): Declared => ({ name: 'x', tensor: true, type, shape })
const batching = (times: readonly number[], rowsMax = 64): Batching => ({
  rowsMax,
  rowwise: true,
  reason: '',
  curve: times.map((us, i) => ({ rows: 2 ** i, seconds: us / 1e6 })),
})
const plain = { inputs: [tensor('float32', [-1, 2])], outputs: [tensor('float32', [-1, 1])] }
const limits = { bytes: 1000, runSecondsMax: 0.00025 }

t.test('runs are made on the thread of HTTP as long as they are quick, and only where a row has one size', async t => {
  t.equal(inlineRows(batching([20, 40, 80, 160, 320]), plain, limits), 8)
  t.equal(inlineRows(batching([20, 40, 80, 160, 320], 2), plain, limits), 2, 'no longer than a batch')
  t.equal(inlineRows(batching([20], 1), plain, limits), 1, 'also where batches do not pay')
  t.equal(inlineRows(batching([300, 400]), plain, limits), 0)
  t.equal(inlineRows(batching([20]), plain, { ...limits, runSecondsMax: 0 }), 0, 'switched off')
  t.equal(inlineRows(batching([20]), plain, { ...limits, bytes: 1e9 }), 0, 'a large file')
  t.equal(inlineRows({ ...batching([20]), rowwise: false }, plain, limits), 0)
  for (const input of [tensor('float32', [-1, -1]), tensor('string', [-1, 1]), tensor('float16', [-1, 2])])
    t.equal(inlineRows(batching([20]), { ...plain, inputs: [input] }, limits), 0, `${input.type} ${input.shape.join()}`)
})

function byHand(run: () => Promise<void> = async () => {}) {
  const forwarded: Offer[] = []
  const running: number[] = []
  const session = {
    run: async (feeds: { x: Tensor }) => {
      running.push(feeds.x.dims[0] as number)
      await run()
      return { y: feeds.x }
    },
    release: async () => {},
  }
  const inline = new InlineSession(session, {
    workers: { offer: one => void forwarded.push(one) },
    rowsMax: 4,
  })
  const offer = (rows: number): Promise<InferAnswer> =>
    new Promise<InferAnswer>((resolve, reject) => {
      const feeds = [{ name: 'x', type: 'float32' as const, dims: [rows, 1], data: new Float32Array(rows) }]
      const batch = { file: { key: 'm/1', path: '', sha256: '' }, feeds, outputs: ['y'], rows: [rows] }
      const taken: OnlineBatch = { batch, resolve, reject }
      inline.offer({ quick: false, take: () => taken })
    })
  return { inline, offer, forwarded, running }
}

t.test('one run at a time, in the order of the offers; what is long goes to the workers', async t => {
  const { offer, forwarded, running } = byHand()
  const answers = [offer(1), offer(3)]
  void offer(9)
  const last = offer(2)
  t.equal(running.length, 1, 'the second waits for the first')
  t.match(await Promise.all(answers), [{ runs: 1 }, { runs: 1 }])
  await new Promise(done => setImmediate(done))
  t.same(running, [1, 3], 'no worker has taken the long one, which waits alone')
  t.match(forwarded[0]?.take()?.batch.rows, [9])
  t.match(await last, { runs: 1 })
})

t.test('a run that fails is told, and the next one is made', async t => {
  let fails = true
  const { offer } = byHand(async () => {
    if (fails) throw new Error('no such index')
  })
  t.match((await offer(1)).calls, [{ kind: 'fault', fault: { reason: 'no such index' } }])
  fails = false
  t.match((await offer(1)).calls, [{ kind: 'outputs' }])
})

t.test('a model that turns out slow is left to the workers', async t => {
  const { inline, offer, forwarded } = byHand(async () => {
    for (const until = performance.now() + 8; performance.now() < until; ) continue
  })
  await new Promise(done => setImmediate(done))
  for (let i = 0; i < 5; i++) {
    t.equal(inline.rowsMax, 4)
    await offer(1)
  }
  t.equal(inline.rowsMax, 0)
  void offer(1)
  t.equal(forwarded.length, 1)
})

t.test('a model that a value could make slow belongs to the workers, and so does what cannot be read', async t => {
  const fixture = async (name: string) => await readFile(new URL(`../fixtures/${name}.onnx`, import.meta.url))
  const spin = await fixture('spin')
  t.same(operatorsOf(spin), ['ReduceMax', 'Cast', 'Loop'])
  t.notOk(isSteady(spin))
  const sum = await fixture('sum-and-half')
  t.same(operatorsOf(sum), ['ReduceSum', 'Add'])
  t.ok(isSteady(sum))
  for (let length = 0; length < 40; length++) t.notOk(isSteady(sum.subarray(0, length)), `the first ${length} bytes`)
  t.notOk(isSteady(Buffer.from('not a model')))
})
