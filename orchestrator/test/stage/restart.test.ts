import t from 'tap'
import { restartMs } from '../../src/stage/client.ts'

t.test('five attempts outlast a stage that is away for fifteen seconds, and no wait is without end', async t => {
  t.equal(
    [1, 2, 3, 4].map(restartMs).reduce((sum, ms) => sum + ms),
    15_000,
  )
  t.equal(restartMs(50), 32_000)
})
