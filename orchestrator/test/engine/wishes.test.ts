import t from 'tap'
import { newer } from '../../src/engine/wishes.ts'

const calm = { cancelling: false, paused: false, signals: 0 }

t.test('news that was read before a cancel and comes after it does not take the cancel back', async t => {
  t.same(newer({ ...calm, cancelling: true }, calm), { ...calm, cancelling: true })
  t.same(newer(calm, { ...calm, cancelling: true }), { ...calm, cancelling: true })
})

t.test('answers do not become fewer; a pause is what was told last', async t => {
  t.same(newer({ ...calm, signals: 2 }, { ...calm, signals: 1 }), { ...calm, signals: 2 })
  t.same(newer({ ...calm, paused: true }, { ...calm, signals: 3 }), { ...calm, signals: 3 })
})
