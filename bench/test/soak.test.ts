// The short form of the soak runs to its end; its figures mean nothing.

import t from 'tap'
import { bench } from '../soak/soak.ts'

t.test('memory is looked at over requests and over reloads', { timeout: 120_000 }, async t => {
  const { samples, ratios } = await bench({ quick: true, say: () => {} })
  t.equal(Object.keys(samples).length, 2)
  for (const [name, values] of Object.entries(samples))
    t.ok(values.length >= 8 && values.every(value => value > 0), name)
  t.ok(Object.values(ratios).every(ratio => ratio < 2))
})
