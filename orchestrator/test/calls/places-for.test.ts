import fc from 'fast-check'
import t from 'tap'
import { goneMs, type OthersStanding, placesFor } from '../../src/calls/places-for.ts'

const me = { taken: 1, waiting: 4, waitedMs: 100 }
const other = (of: Partial<OthersStanding> = {}): OthersStanding => ({
  taken: 0,
  waiting: 0,
  waitedMs: 0,
  silentMs: 5,
  ...of,
})

for (const [title, concurrency, others, places] of [
  ['what is left goes to those that wait', 3, [], 2],
  ['and no more than there are', 9, [], 4],
  ['what others have is theirs', 4, [other({ taken: 2 })], 1],
  ['a limit that was lowered gives nothing until enough have ended', 1, [other({ taken: 3 })], 0],
  ['who has waited for longer goes first', 4, [other({ waiting: 2, waitedMs: 101 })], 1],
  ['who has not, does not', 4, [other({ waiting: 2, waitedMs: 99 })], 3],
  ['who looks no more goes before nobody', 4, [other({ waiting: 2, waitedMs: 5000, silentMs: 1500 })], 3],
  ['but keeps what it has', 4, [other({ taken: 2, waiting: 2, waitedMs: 5000, silentMs: goneMs - 1 })], 1],
  ['until it is given up', 4, [other({ taken: 2, silentMs: goneMs })], 3],
] as const)
  t.equal(placesFor(concurrency, me, others).granted, places, title)

t.test('a place may be passed on to who has waited for longer than anybody elsewhere', async t => {
  const passOnAfterMs = (concurrency: number, ...others: OthersStanding[]) =>
    placesFor(concurrency, me, others).passOnAfterMs
  t.equal(passOnAfterMs(4), 0)
  t.equal(passOnAfterMs(4, other({ taken: 3 })), 0, 'nobody waits elsewhere')
  t.equal(passOnAfterMs(4, other({ waiting: 1, waitedMs: 70 }), other({ waiting: 2, waitedMs: 90 })), 90)
  t.equal(passOnAfterMs(4, other({ waiting: 1, waitedMs: 70, silentMs: 2000 })), 0, 'it looks no more')
  t.equal(passOnAfterMs(2, other({ taken: 2 })), Infinity, 'there are more than there may be')
})

t.test('never more than the limit, whoever asks when; and some who wait get in when there is a place', async () => {
  const asks = fc.array(fc.record({ who: fc.nat(2), ended: fc.nat(3), come: fc.nat(3) }), { maxLength: 60 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), asks, (concurrency, all) => {
      const holders = [0, 1, 2].map(() => ({ taken: 0, waiting: 0, since: 0 }))
      const at = (who: number) => holders[who] as (typeof holders)[number]
      let now = 0
      const ask = (who: number) => {
        const holder = at(who)
        const others = [0, 1, 2].filter(one => one !== who).map(at)
        const standing = ({ taken, waiting, since }: typeof holder) => ({ taken, waiting, waitedMs: now - since })
        const { granted: given } = placesFor(
          concurrency,
          standing(holder),
          others.map(of => ({ ...standing(of), silentMs: 0 })),
        )
        holder.taken += given
        holder.waiting -= given
        if (holders.reduce((sum, { taken }) => sum + taken, 0) > concurrency) throw new Error('too many')
      }
      for (const { who, ended, come } of all) {
        now++
        const holder = at(who)
        holder.taken -= Math.min(ended, holder.taken)
        if (holder.waiting === 0) holder.since = now
        holder.waiting += come
        ask(who)
      }
      for (const who of [0, 1, 2, 0, 1, 2]) ask(who)
      const taken = holders.reduce((sum, of) => sum + of.taken, 0)
      if (taken < concurrency && holders.some(({ waiting }) => waiting > 0)) throw new Error('a place stays free')
    }),
    { numRuns: 500 },
  )
})
