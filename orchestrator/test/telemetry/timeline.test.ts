import t from 'tap'
import { Timeline } from '../../src/telemetry/timeline.ts'

t.test('the time of a run is calls, rest, and what is left: orchestration', async t => {
  const line = new Timeline(1000)
  t.equal(line.called(1010), 10, 'the first call')
  t.equal(line.called(1010), undefined)
  line.answered('a', 1110)
  line.answered('b', 1210)
  t.equal(line.since(['a', 'b'], 1215), 5, 'from the last answer')
  t.equal(line.since(['a'], 1215), 105)
  t.equal(line.since([], 1215), undefined, 'what needs nothing has no gap')
  t.equal(line.since(['a', 'x'], 1215), undefined, 'a step that another walk saw')
  line.called(1215) // 5 ms own
  line.answered('c', 1315)
  line.rest(true, 1318) // 3 ms own
  line.rest(false, 2318)
  line.called(2319) // 1 ms own
  line.answered('d', 2320)
  t.same(line.shares(2322, 78), { seconds: 1.4, ownSeconds: 0.099 }, '10 + 5 + 3 + 1 + 2, and 78 in the queue')
})
