import t from 'tap'
import { type FaultName } from '../nemesis/faults.ts'
import { report } from '../report.ts'
import { runChaos } from '../run-chaos.ts'

const seed = 20_261
const faults: readonly FaultName[] = [
  'kill-one',
  'kill-both',
  'partition',
  'database-crash',
  'answers-lost',
  'calls-reset',
  'stage-dies-during',
  'same-key',
  'few-calls',
]

t.test('no promise is broken while orchestrators, PostgreSQL, the stage and connections are', async t => {
  const result = await runChaos({ seed, seconds: 45, faults, say: line => t.comment(line) })
  t.comment(report(seed, result))
  t.same(result.violations, [])
  t.ok(result.injected.length >= 3, 'faults were injected')
  t.ok(result.runs >= 40, 'runs were under way')
  t.ok(result.duplicates > 0, 'calls were repeated')
})

t.test('the checks have teeth: a key of calls that changes with the attempt is found', async t => {
  const { violations } = await runChaos({
    seed,
    seconds: 10,
    faults: ['answers-lost'],
    plants: ['call-key-per-attempt'],
    say: line => t.comment(line),
    quietSeconds: 20,
  })
  t.ok(violations.some(({ promise }) => promise === 'an effect once'))
})
