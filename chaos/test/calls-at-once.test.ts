import t from 'tap'
import { checkCallsAtOnce } from '../check/calls-at-once.ts'
import type { LedgerLine } from '../stage/effects.ts'

const call = (key: string, began: number, ended?: number): LedgerLine[] => {
  const of = { key, run: 'r', step: key, attempt: 1 }
  return [
    { kind: 'call', ...of, at: began },
    ...(ended === undefined ? [] : [{ kind: 'effect' as const, ...of, at: ended, token: '', seen: [] }]),
  ]
}
const limited = { concurrency: 2, from: 100, to: 200 }

t.test('more calls than allowed are found, while the limit stood', async t => {
  const two = [...call('a', 90, 150), ...call('b', 110, 160)]
  t.same(checkCallsAtOnce(two, limited), [])
  t.match(checkCallsAtOnce([...two, ...call('c', 120, 130)], limited), [
    { promise: 'no more calls at one time than allowed', run: 'r', detail: /^3 were in flight at 120, of 2/ },
  ])
  t.same(checkCallsAtOnce([...two, ...call('c', 150, 170)], limited), [], 'one begins as another ends')
  t.same(
    checkCallsAtOnce([...two, ...call('c', 120)], limited),
    [],
    'it has no effect, so nobody knows how long it was',
  )
  t.same(checkCallsAtOnce([...two, ...call('c', 20, 95)], limited), [], 'before it')
  t.same(checkCallsAtOnce([...call('a', 201, 260), ...call('b', 202, 260), ...call('c', 203, 260)], limited), [])
})
