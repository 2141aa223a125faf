// The short form of the measurement runs to its end; its figures mean nothing.

import t from 'tap'
import { bench } from '../inference/inference.ts'

t.test('every figure of the inference bench is taken', { timeout: 120_000 }, async t => {
  const { samples, ratios } = await bench({ quick: true, say: () => {} })
  t.equal(Object.keys(samples).length, 17)
  for (const [name, [value]] of Object.entries(samples)) t.ok(Number(value) > 0, `${name}: ${value}`)
  t.equal(Object.keys(ratios).length, 7, 'with the goal beside each')
  t.ok((ratios['600 KB, CPU: JSON / binary (goal: at least 10)'] ?? 0) > 1, 'bytes cost less than JSON')
})
