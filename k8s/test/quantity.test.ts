import t from 'tap'
import { quantity } from '../policy/quantity.ts'

t.test('quantities are read as Kubernetes reads them', async t => {
  const table: readonly (readonly [string, number])[] = [
    ['2', 2],
    ['250m', 0.25],
    ['1.5', 1.5],
    ['512Mi', 536_870_912],
    ['3Gi', 3_221_225_472],
    ['2G', 2e9],
  ]
  for (const [text, value] of table) t.equal(quantity(text), value, text)
  for (const text of ['', 'Mi', '1x', '-1', '1 Gi', 'a1']) t.throws(() => quantity(text), TypeError, `"${text}"`)
})
