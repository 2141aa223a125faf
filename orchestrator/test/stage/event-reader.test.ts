import t from 'tap'
import { EventReader } from '../../src/stage/event-reader.ts'

const text = [
  ': hello',
  '',
  'event: progress',
  'data: {"fraction":0.5}',
  '',
  'event:result',
  'data: {',
  'data: "é":1}',
  '',
  'data: plain',
  '',
  '',
]
const expected = [
  { event: 'progress', data: '{"fraction":0.5}' },
  { event: 'result', data: '{\n"é":1}' },
  { event: 'message', data: 'plain' },
]

for (const [title, lineEnd] of [
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
] as const) {
  const whole = text.join(lineEnd)
  t.test(`events with ${title} are the same wherever the text is cut`, async t => {
    t.same(new EventReader(1000).read(whole), expected)
    for (let cut = 1; cut < whole.length; cut++) {
      const reader = new EventReader(1000)
      const found = [...reader.read(whole.slice(0, cut)), ...reader.read(''), ...reader.read(whole.slice(cut))]
      if (JSON.stringify(found) !== JSON.stringify(expected)) t.same(found, expected, `cut at ${cut}`)
    }
    const reader = new EventReader(1000)
    t.same(
      Array.from(whole).flatMap(char => reader.read(char)),
      expected,
    )
  })
}

t.test('an event is given as soon as its empty line is there, and not before', async t => {
  const reader = new EventReader(1000)
  t.same(reader.read('data: x\n'), [])
  t.same(reader.read('\n'), [{ event: 'message', data: 'x' }])
  t.same(reader.read('event: result\n\n'), [], 'without data it is none')
  t.same(reader.read('data: y\n\n'), [{ event: 'message', data: 'y' }], 'and its name is forgotten')
})

for (const [title, chunk] of [
  ['a line that does not end', 'x'.repeat(50)],
  ['data that does not end', `data: ${'x'.repeat(40)}\n`],
  ['empty data that does not end', 'data:\n'.repeat(20)],
] as const)
  t.test(`${title} is too large, not kept`, async t => {
    const reader = new EventReader(100)
    t.throws(
      () => {
        for (let i = 0; i < 10; i++) reader.read(chunk)
      },
      { name: 'AnswerTooLarge' },
    )
  })

t.test('many events in a row are bounded one by one', async t => {
  const reader = new EventReader(100)
  let count = 0
  for (let i = 0; i < 100; i++) count += reader.read(`data: ${'x'.repeat(60)}\n\n`).length
  t.equal(count, 100)
})
