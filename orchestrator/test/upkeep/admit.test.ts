import t from 'tap'
import fc from 'fast-check'
import { admit } from '../../src/upkeep/admit.ts'

const now = 1_000_000
const starts = { count: 2, perMs: 60_000 }

t.test('runs at one time', async t => {
  const waiting = [{ runs: 3 }, { runs: 3 }, { runs: 3 }]
  t.same(admit(waiting, { runs: 0, begins: [] }, now), { count: 3, nextAt: undefined })
  t.same(admit(waiting, { runs: 2, begins: [] }, now), { count: 1, nextAt: undefined })
  t.same(admit(waiting, { runs: 3, begins: [] }, now), { count: 0, nextAt: undefined })
  t.same(admit([], { runs: 0, begins: [] }, now), { count: 0, nextAt: undefined })
})

t.test('starts within a time', async t => {
  const waiting = [{ starts }, { starts }, { starts }]
  t.same(admit(waiting, { runs: 9, begins: [] }, now), { count: 2, nextAt: now + 60_000 })
  t.same(admit(waiting, { runs: 9, begins: [now - 59_000] }, now), { count: 1, nextAt: now + 1000 })
  t.same(admit(waiting, { runs: 9, begins: [now - 70_000, now - 60_000] }, now), { count: 2, nextAt: now + 60_000 })
  t.same(admit(waiting, { runs: 9, begins: [now - 2, now - 1] }, now), { count: 0, nextAt: now + 59_998 })
})

t.test('one that may not begin is not overtaken by one of a version that allows more', async t => {
  t.same(admit([{ runs: 2 }, { runs: 9 }], { runs: 2, begins: [] }, now).count, 0)
  t.same(admit([{ runs: 9 }, { runs: 2 }, { runs: 9 }], { runs: 1, begins: [] }, now).count, 1)
})

t.test('within no time of the length that is set there are more begins than are allowed', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 }),
      (count, pauses) => {
        const limits = { starts: { count, perMs: 50 } }
        const begins: number[] = []
        let at = 0
        for (const pause of pauses) {
          at += pause
          const { count: admitted } = admit([limits, limits, limits], { runs: 0, begins }, at)
          for (let i = 0; i < admitted; i++) begins.push(at)
        }
        return begins.every(from => begins.filter(of => of >= from && of < from + 50).length <= count)
      },
    ),
  )
})
