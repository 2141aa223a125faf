import fc from 'fast-check'
import t from 'tap'
import { reserve } from '../../src/calls/reserve.ts'

const rate = { count: 3, perMs: 1000 }

t.test('what is left begins at once, the rest when the first of the last ones is old enough', async t => {
  t.same(reserve(rate, [], 5, 10_000, 2000), {
    at: [10_000, 10_000, 10_000, 11_000, 11_000],
    begins: [10_000, 11_000, 11_000],
    nextAt: 11_000,
  })
  t.same(reserve(rate, [9500, 9600, 9700], 2, 10_000, 700).at, [10_500, 10_600])
  t.same(reserve(rate, [1, 2, 3], 1, 10_000, 0).at, [10_000], 'old ones do not count')
})

t.test('nothing is given out beyond the horizon, and it is told when to come again', async t => {
  const { at, nextAt, begins } = reserve(rate, [9900, 9900, 9900], 2, 10_000, 250)
  t.same(at, [])
  t.equal(nextAt, 10_900)
  t.same(begins, [9900, 9900, 9900])
})

t.test('a limit that was lowered looks at the newest, one that was raised lets more in at once', async t => {
  t.same(reserve({ count: 1, perMs: 1000 }, [9000, 9400, 9800], 1, 10_000, 5000).at, [10_800])
  t.same(reserve({ count: 5, perMs: 1000 }, [9900, 9900, 9900], 2, 10_000, 0).at, [10_000, 10_000])
})

t.test('never more than the limit within any time of its length, whoever asks when', async () => {
  const asks = fc.array(fc.record({ afterMs: fc.nat(700), wanted: fc.integer({ min: 1, max: 8 }) }), { maxLength: 40 })
  const rates = fc.record({ count: fc.integer({ min: 1, max: 6 }), perMs: fc.integer({ min: 1, max: 900 }) })
  fc.assert(
    fc.property(rates, asks, fc.nat(400), (of, all, horizonMs) => {
      let now = 0
      let begins: readonly number[] = []
      const given: number[] = []
      for (const { afterMs, wanted } of all) {
        now += afterMs
        const one = reserve(of, begins, wanted, now, horizonMs)
        begins = one.begins
        given.push(...one.at)
        if (one.at.some(at => at < now || at > now + horizonMs)) return false
        if (one.at.length < wanted && one.nextAt <= now + horizonMs) return false
      }
      const sorted = given.every((at, i) => i === 0 || at >= (given[i - 1] as number))
      return sorted && given.every((at, i) => i < of.count || at - (given[i - of.count] as number) >= of.perMs)
    }),
  )
})
