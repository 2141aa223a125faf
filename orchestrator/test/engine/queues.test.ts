// Who waits, and for what: places for calls, and the walker's inbox.

import t from 'tap'
import { CallLimits } from '../../src/calls/call-limits.ts'
import { Inbox } from '../../src/engine/inbox.ts'

const never = new AbortController().signal
/** Everything that can happen without time passing has happened. */
const settled = () => new Promise<void>(resolve => setImmediate(resolve))

t.test('calls', async t => {
  await t.test('at most so many have a place; who waits is let in first come first served, at once', async t => {
    const limits = new CallLimits(2)
    const entered: number[] = []
    const releases: (() => void)[] = []
    for (let i = 0; i < 5; i++)
      void limits.take('a', never).then(release => {
        entered.push(i)
        releases.push(release)
      })
    await settled()
    t.same(entered, [0, 1])
    releases[1]?.()
    await settled()
    t.same(entered, [0, 1, 2])
    releases[0]?.()
    await settled()
    let late = false
    const newcomer = limits.take('a', never).then(release => {
      late = true
      release()
    })
    await settled()
    t.same(entered, [0, 1, 2, 3])
    t.equal(late, false, 'a place that was handed on is not free')
    for (const i of [2, 3, 4]) {
      releases[i]?.()
      await settled()
    }
    await newcomer
    t.same(entered, [0, 1, 2, 3, 4])
    const again = await Promise.all([limits.take('a', never), limits.take('a', never)])
    t.equal(again.length, 2, 'all places are free again')
  })

  await t.test('addresses do not wait for each other', async t => {
    const limits = new CallLimits(1)
    await limits.take('a', never)
    t.type(await limits.take('b', never), 'function')
  })

  await t.test('who is aborted leaves the queue and takes no place', async t => {
    const limits = new CallLimits(1)
    const release = await limits.take('a', never)
    const gone = new AbortController()
    const refused = t.rejects(limits.take('a', gone.signal), { message: 'gone' })
    let entered = false
    const next = limits.take('a', never).then(release => {
      entered = true
      return release
    })
    gone.abort(new Error('gone'))
    await refused
    await settled()
    t.equal(entered, false, 'the place is still taken')
    release()
    ;(await next)()
    t.type(await limits.take('a', never), 'function', 'no place was lost')
    await t.rejects(limits.take('b', gone.signal), { message: 'gone' }, 'an aborted call asks in vain')
  })

  await t.test('a place that was handed over is not lost when its call is aborted later', async t => {
    const limits = new CallLimits(1)
    const release = await limits.take('a', never)
    const late = new AbortController()
    const taken = limits.take('a', late.signal)
    const behind = limits.take('a', never)
    release()
    late.abort(new Error('late'))
    ;(await taken)()
    t.type(await behind, 'function')
  })
})

t.test('the inbox', async t => {
  await t.test('gives everything that has come, in order, once', async t => {
    const inbox = new Inbox<number>()
    inbox.put(1)
    inbox.put(2)
    t.same(await inbox.take(undefined), [1, 2])
    const waiting = inbox.take(undefined)
    inbox.put(3)
    inbox.put(4)
    t.same(await waiting, [3, 4])
  })

  await t.test('gives nothing when the time has passed, and loses nothing that comes afterwards', async t => {
    const inbox = new Inbox<number>()
    t.same(await inbox.take(-1), [])
    inbox.put(1)
    t.same(await inbox.take(1), [1])
  })
})
