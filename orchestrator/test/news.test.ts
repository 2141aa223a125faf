// Who waits for news of a run, where another orchestrator walks it.

import t from 'tap'
import { RunNews, type RunPulse } from '../src/events.ts'

t.test(
  'of runs that are walked elsewhere, news come by looking, all together and only while somebody waits',
  async t => {
    const runs = new Map<string, RunPulse>([
      ['a', { id: 'a', seq: 1, ended: false }],
      ['b', { id: 'b', seq: 1, ended: false }],
    ])
    const looks: string[][] = []
    const news = new RunNews({
      isHere: id => id === 'here',
      look: async ids => {
        looks.push([...ids].sort())
        return ids.flatMap(id => runs.get(id) ?? [])
      },
    })
    const looked = async (count: number) => {
      while (looks.length < count) await new Promise(resolve => setTimeout(resolve, 1))
    }
    const woken: string[] = []
    const waits = [
      news.wait('a').then(() => woken.push('news of a')),
      news.waitForEnd('a', 60_000).then(() => woken.push('end of a')),
      news.waitForEnd('b', 60_000).then(() => woken.push('end of b')),
      news.waitForEnd('here', 60_000).then(() => woken.push('end of here')),
    ]
    await looked(1)
    t.same(looks[0], ['a', 'b'])
    runs.set('a', { id: 'a', seq: 2, ended: false })
    await looked(3)
    t.same(woken, ['news of a'], 'an event is no end')
    runs.set('a', { id: 'a', seq: 3, ended: true })
    await looked(5)
    t.same(woken, ['news of a', 'end of a'])
    news.tell('here', true)
    await Promise.all(waits)
    const { length } = looks
    await new Promise(resolve => setTimeout(resolve, 200))
    t.ok(looks.length <= length + 1, 'nobody waits, nobody looks')
  },
)

t.test('a database that is away makes nobody fail', async t => {
  const news = new RunNews({ isHere: () => false, look: async () => await Promise.reject(new Error('away')) })
  await news.waitForEnd('a', 100)
  t.pass()
})
