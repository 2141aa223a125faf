import t from 'tap'
import { ownFaults, standIns } from '../../src/plan/stand-ins.ts'

const fault = (pointer: string) => ({ pointer, detail: 'is wrong' })

t.test('what is not known is replaced, and it is kept where', async t => {
  const closed = { kind: 'dataset', columns: [{ name: 'a', type: 'int64' }] }
  const real = { kind: 'dataset', hash: 'f'.repeat(64), rows: 1, bytes: 1, parts: 1, columns: closed.columns }
  const { input, checked, unknown, open, unmade } = standIns({
    closed,
    open: { kind: 'dataset', columns: [], open: true },
    real,
    file: { kind: 'artefact' },
    list: [1, { kind: 'unknown' }],
    'a/b': { kind: 'unknown' },
    other: { kind: 'unknown', more: 1 },
  }) as ReturnType<typeof standIns> & { input: Record<string, object>; checked: Record<string, { columns: unknown[] }> }
  t.strictSame(unknown, ['/list/1', '/a~1b'])
  t.ok(
    unmade.has(input['closed'] as object) && unmade.has(input['open'] as object) && unmade.has(input['file'] as object),
  )
  t.notOk(unmade.has(input['real'] as object), 'what is in the store is made')
  t.strictSame(input['real'], real)
  t.ok(open.has(input['open'] as object))
  t.equal(open.size, 1)
  t.equal(checked['open']?.columns.length, 1, 'a contract asks for at least one column')
  t.strictSame(input['other'], { kind: 'unknown', more: 1 }, 'another object with this kind is not one')
})

t.test('faults of unknown values, of what they are in and of what is in them are not the own of the body', async t => {
  const faults = ['/list/1', '/list', '/list/1/x', '/list/10', '/other', ''].map(fault)
  t.strictSame(
    ownFaults(faults, ['/list/1']).map(({ pointer }) => pointer),
    ['/list/10', '/other'],
  )
})
