import t from 'tap'
import { childOf, newTrace, readTraceparent, spanIdOf, writeTraceparent } from '../../src/telemetry/span.ts'

t.test('a traceparent is read as W3C has it, and what is not one is none', async t => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  t.same(readTraceparent(`00-${trace}-b7ad6b7169203331-01`), {
    traceId: trace,
    spanId: 'b7ad6b7169203331',
    sampled: true,
  })
  t.equal(readTraceparent(`00-${trace}-b7ad6b7169203331-00`)?.sampled, false)
  t.equal(readTraceparent(`00-${trace}-b7ad6b7169203331-03`)?.sampled, true, 'other flags do not matter')
  for (const wrong of [
    undefined,
    '',
    'x',
    `00-${trace.toUpperCase()}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `ff-${trace}-b7ad6b7169203331-01`,
    `00-${trace}-b7ad6b7169203331-01-more`,
    `00-${trace}-b7ad6b7169203331`,
  ])
    t.equal(readTraceparent(wrong), undefined, String(wrong))
})

t.test('a child is of the same trace; ids of a key are the same everywhere', async t => {
  const first = newTrace(false)
  const child = childOf(first)
  t.equal(child.traceId, first.traceId)
  t.not(child.spanId, first.spanId)
  t.equal(child.sampled, false)
  t.same(readTraceparent(writeTraceparent(child)), child)
  t.equal(spanIdOf('run'), spanIdOf('run'))
  t.not(spanIdOf('run'), spanIdOf('run/1'))
  t.match(spanIdOf('run'), /^[0-9a-f]{16}$/)
})
