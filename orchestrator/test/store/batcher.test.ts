import t from 'tap'
import { Batcher } from '../../src/store/batcher.ts'

t.test('what comes while a write is on its way is written by the next, never two of one key together', async t => {
  const written: string[][] = []
  let go: () => void = () => {}
  const batcher = new Batcher<string, string>({
    max: 3,
    keyOf: item => item.slice(0, 1),
    write: async items => {
      written.push([...items])
      if (written.length === 1) await new Promise<void>(resolve => (go = resolve))
      if (items.includes('x1')) throw new Error('broken')
      return items.map(item => item.toUpperCase())
    },
  })
  const first = batcher.add('a1')
  await new Promise(resolve => setImmediate(resolve))
  const rest = ['a2', 'a3', 'b1', 'c1', 'd1'].map(item => batcher.add(item))
  go()
  t.equal(await first, 'A1')
  t.same(await Promise.all(rest), ['A2', 'A3', 'B1', 'C1', 'D1'])
  t.same(written, [['a1'], ['a2', 'b1', 'c1'], ['a3', 'd1']])
  await t.rejects(batcher.add('x1'), /broken/)
  t.equal(await batcher.add('y1'), 'Y1', 'a write that failed is told to its own')
})

t.test('a write that blocks the thread leaves a turn of the event loop for what comes meanwhile', async t => {
  const written: number[] = []
  const batcher = new Batcher<number, void>({
    max: 10,
    write: async items => {
      written.push(items.length)
      return items.map(() => undefined)
    },
  })
  // Each comes in a turn of its own task queue, as answers that are read from sockets do.
  const added = await new Promise<Promise<void>[]>(resolve => {
    const promises: Promise<void>[] = []
    const { port1, port2 } = new MessageChannel()
    port2.on('message', (n: number) => {
      promises.push(batcher.add(n))
      if (promises.length < 4) return
      port2.close()
      resolve(promises)
    })
    for (let n = 0; n < 4; n++) port1.postMessage(n)
  })
  await Promise.all(added)
  t.same(written, [4])
})
