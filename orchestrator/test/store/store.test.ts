// What the store promises, on both homes.

import { randomUUID } from 'node:crypto'
import { readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { JsonValue } from '@meshwork/contracts'
import t, { type Test } from 'tap'
import { pendingStep } from '../../src/step/state.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { Admission } from '../../src/store/admission.ts'
import { openBoss } from '../../src/store/boss.ts'
import { type Database, openFolder, openPostgres } from '../../src/store/database.ts'
import { Ledger, runQueue } from '../../src/store/ledger.ts'
import { lockFolder } from '../../src/store/folder-lock.ts'
import { migrate } from '../../src/store/migrations.ts'
import { Notes } from '../../src/store/notes.ts'
import { type NewRun, Runs } from '../../src/store/runs.ts'
import type { Transition } from '../../src/store/transition.ts'
import { Verbs } from '../../src/store/verbs.ts'
import { Workflows } from '../../src/store/workflows.ts'
import { startPostgres } from '../postgres.ts'

const plan: Plan = { steps: [], outputs: {} }
const places = new Map([['a', { place: 0, stage: 'echo' }]])
const newRun = (key: string | null = null): NewRun => ({
  id: randomUUID(),
  jobId: randomUUID(),
  workflow: 'w',
  version: 1,
  params: { text: "it's" },
  cache: false,
  plan,
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  idempotencyKey: key,
  requestHash: 'h',
})

const homes: Record<string, (t: Test) => Promise<Database>> = {
  PGlite: async t => await openFolder(`${t.testdir()}/state`),
  PostgreSQL: async t =>
    openPostgres((await startPostgres(t)).url, error => {
      throw error
    }),
}

for (const [home, open] of Object.entries(homes))
  t.test(home, async t => {
    const database = await open(t)
    await migrate(database)
    await migrate(database)
    const boss = await openBoss(database, () => {})
    t.teardown(async () => {
      await boss.stop({ graceful: false })
      await database.close()
    })
    const runs = new Runs(database, boss, new Admission(database, boss))
    const ledger = new Ledger(database)
    const verbs = new Verbs(database, boss, new Admission(database, boss))
    const claimOne = async (owner = 'me') => {
      const accepted = await runs.accept(newRun())
      const [claimed] = await runs.claim(owner, 10)
      if (!claimed || claimed.run.id !== accepted.run.id) throw new Error('not claimed')
      return claimed.run
    }
    const transition = (
      run: { id: string; job_id: string; fence: number },
      more: Partial<Transition> = {},
    ): Transition => ({
      runId: run.id,
      jobId: run.job_id,
      fence: run.fence,
      starts: false,
      steps: [],
      events: [],
      ...more,
    })
    const record = async (of: Transition) => await ledger.record({ transition: of, places })

    await t.test('of many runs with one key at once exactly one is kept', async t => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => runs.accept(newRun('key'))))
      t.equal(answers.filter(({ kind }) => kind === 'accepted').length, 1)
      t.equal(new Set(answers.map(({ run }) => run.id)).size, 1)
      t.same(answers[0]?.run.params, { text: "it's" })
      const [claimed] = await runs.claim('me', 10)
      t.equal(claimed?.run.fence, 1)
      t.equal(
        await record(transition(claimed?.run as never, { end: { status: 'succeeded', outputs: {}, problem: null } })),
        'recorded',
      )
    })

    await t.test('a transition is recorded whole: run, steps and events numbered on', async t => {
      const run = await claimOne()
      const step = { ...pendingStep('a'), status: 'running' as const, attempts: 1, startedAt: 1_700_000_000_123 }
      t.equal(
        await record(
          transition(run, {
            starts: true,
            steps: [step],
            events: [{ type: 'run.started' }, { type: 'step.started', step: 'a', attempt: 1 }],
          }),
        ),
        'recorded',
      )
      t.match(await runs.steps(run.id), [
        { name: 'a', stage: 'echo', status: 'running', attempts: 1, started_at: new Date(1_700_000_000_123) },
      ])
      const done = { ...step, status: 'succeeded' as const, output: null, rows: 3_000_000_000, outputHash: 'o' }
      await record(
        transition(run, {
          steps: [done],
          events: [{ type: 'step.succeeded', step: 'a', data: { rows: 3 } }],
          end: { status: 'succeeded', outputs: { x: 1 }, problem: null },
        }),
      )
      t.same(
        (await runs.events(run.id, 0, 10)).map(({ id, type }) => [id, type]),
        [
          [1, 'run.created'],
          [2, 'run.started'],
          [3, 'step.started'],
          [4, 'step.succeeded'],
        ],
      )
      t.match(await runs.get(run.id), { status: 'succeeded', outputs: { x: 1 }, ended_at: Date })
      t.equal(Number((await runs.steps(run.id))[0]?.rows), 3_000_000_000)
      t.same(
        await boss.findJobs(runQueue, { id: run.job_id }).then(([job]) => job?.state),
        'completed',
        'the end of the run and of its job are one',
      )
      t.equal(
        await record(transition(run, { events: [{ type: 'step.progress' }] })),
        'lost',
        'nothing is written after the end',
      )
    })

    await t.test('who held a run before writes nothing any more', async t => {
      const run = await claimOne('first')
      await runs.giveBack([run.job_id])
      const [again] = await runs.claim('second', 10)
      t.equal(again?.run.fence, run.fence + 1)
      t.type(run.started_at, Date)
      t.same(again?.run.started_at, run.started_at, 'what a step is sent of it stays the same')
      t.equal(await record(transition(run, { events: [{ type: 'run.started' }] })), 'lost')
      t.equal(
        await record(
          transition(again?.run as never, {
            events: [{ type: 'run.recovered' }],
            end: { status: 'failed', outputs: null, problem: null },
          }),
        ),
        'recorded',
      )
      t.same(
        (await runs.events(run.id, 1, 10)).map(({ type }) => type),
        ['run.recovered'],
      )
    })

    await t.test('after a cancel is acknowledged a start is refused, an end is not', async t => {
      const run = await claimOne()
      t.match(await verbs.cancel(run.id), { kind: 'done', run: { cancel_requested: true, ended_at: null } })
      t.same(await record(transition(run, { starts: true, events: [{ type: 'step.started', step: 'a' }] })), {
        cancelling: true,
        paused: false,
        signals: 0,
      })
      t.same(await runs.asked([run.id]), [{ id: run.id, cancelling: true, paused: false, signals: 0 }])
      t.equal(
        await record(
          transition(run, {
            end: { status: 'cancelled', outputs: null, problem: null },
            events: [{ type: 'run.cancelled' }],
          }),
        ),
        'recorded',
      )
      t.same(
        (await runs.events(run.id, 1, 10)).map(({ type }) => type),
        ['run.cancelling', 'run.cancelled'],
      )
    })

    await t.test('a run that nobody has begun is cancelled at once, and its job is done with', async t => {
      const { run } = await runs.accept(newRun())
      t.match(await verbs.cancel(run.id), { kind: 'done', run: { status: 'cancelled', ended_at: Date } })
      t.same(await runs.claim('me', 10), [])
      t.same(await runs.activeJobs(), [])
    })

    await t.test('many transitions of many runs at once are all recorded, each in its order', async t => {
      const ids = await Promise.all(Array.from({ length: 40 }, async () => (await runs.accept(newRun())).run.id))
      const claimed = await runs.claim('me', 64)
      t.equal(claimed.length, ids.length)
      await Promise.all(
        claimed.flatMap(({ run }) => [
          ...Array.from({ length: 5 }, (_, i) =>
            record(transition(run, { events: [{ type: 'step.progress', data: { i } }] })),
          ),
          record(transition(run, { end: { status: 'succeeded', outputs: {}, problem: null } })),
        ]),
      )
      for (const { run } of claimed)
        t.same(
          (await runs.events(run.id, 1, 10)).map(({ id, data }) => [id, data['i']]),
          [0, 1, 2, 3, 4].map(i => [i + 2, i]),
        )
    })

    await t.test('a value that the database refuses fails its own run, not those that are written with it', async t => {
      const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as JsonValue
      for (const params of [{ text: '\0' }, { deep }]) {
        const answers = await Promise.allSettled(
          [newRun(), { ...newRun(), params }, newRun()].map(run => runs.accept(run)),
        )
        t.same(
          answers.map(({ status }) => status),
          ['fulfilled', 'rejected', 'fulfilled'],
        )
      }
      const claimed = await runs.claim('me', 10)
      t.equal(claimed.length, 4)
      const last = claimed.pop()
      t.equal(
        await record(transition(last?.run as never, { end: { status: 'succeeded', outputs: {}, problem: null } })),
        'recorded',
      )
      const [first, second, third] = claimed.map(({ run }) => run)
      const step = { ...pendingStep('a'), status: 'succeeded' as const, attempts: 1 }
      const end = { status: 'succeeded' as const, outputs: {}, problem: null }
      const recorded = await Promise.allSettled([
        record(transition(first as never, { steps: [{ ...step, output: 'fine' }], end })),
        record(transition(second as never, { steps: [{ ...step, output: deep }], end })),
        record(transition(third as never, { steps: [{ ...step, output: 'fine' }], end })),
      ])
      t.same(
        recorded.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      const words = { type: 'x', title: 'x', status: 500, code: 'X', retryable: false, detail: 'a\0b \ud800 \\u0000' }
      const problem = { ...end, status: 'failed' as const, outputs: null, problem: words }
      t.equal(await record(transition(second as never, { end: problem })), 'recorded')
      t.equal(
        (await runs.get(second?.id ?? ''))?.problem?.detail,
        'a\ufffdb \ufffd \\u0000',
        'words are kept as far as can be',
      )
    })

    await t.test('the newest output of equal work is found, and only of equal work that succeeded', async t => {
      const work = { ...pendingStep('a'), attempts: 1, version: '1.0.0', inputHash: 'same', outputHash: 'o' }
      for (const [status, output, endedAt] of [
        ['succeeded', 'old', 1000],
        ['succeeded', 'new', 3000],
        ['failed', 'broken', 4000],
      ] as const) {
        const run = await claimOne()
        const end = { status: 'succeeded' as const, outputs: {}, problem: null }
        await record(transition(run, { steps: [{ ...work, status, output, endedAt }], end }))
      }
      t.match(await runs.reusable('echo', '1.0.0', 'same'), { output: 'new', output_hash: 'o' })
      t.equal(await runs.reusable('echo', '1.0.1', 'same'), undefined)
      t.equal(await runs.reusable('clean', '1.0.0', 'same'), undefined)
      t.equal(await runs.reusable('echo', '1.0.0', 'other'), undefined)
    })

    await t.test('pages hold every run once, newest first, however many came in one moment', async t => {
      const workflow = 'paged'
      await Promise.all(Array.from({ length: 50 }, () => runs.accept({ ...newRun(), workflow })))
      const seen: string[] = []
      let before: { at: string; id: string } | undefined
      for (;;) {
        const page = await runs.list({ workflow, limit: 7, ...(before ? { before } : {}) })
        seen.push(...page.map(({ id }) => id))
        const last = page.at(-1)
        if (!last || page.length < 7) break
        before = { at: last.cursor_at, id: last.id }
      }
      t.equal(seen.length, 50)
      t.equal(new Set(seen).size, 50)
      t.same(
        seen,
        (await runs.list({ workflow, limit: 100 })).map(({ id }) => id),
      )
      for (const { run } of await runs.claim('me', 100))
        await record(transition(run, { end: { status: 'succeeded', outputs: {}, problem: null } }))
      t.equal((await runs.list({ workflow, status: 'succeeded', limit: 100 })).length, 50)
      t.same(await runs.list({ workflow, status: 'queued', limit: 100 }), [])
    })

    await t.test('a changed workflow is the next version, also of many at once', async t => {
      const workflows = new Workflows(database)
      const document = { name: 'versions', steps: {} }
      const register = async (hash: string) => await workflows.register({ document, source: '', hash, plan })
      const same = await Promise.all(Array.from({ length: 10 }, () => register('one')))
      t.equal(same.filter(({ created }) => created).length, 1)
      await Promise.all(['two', 'three'].map(register))
      t.match(await workflows.get('versions'), { version: 3 })
      t.match(await workflows.get('versions', 1), { version: 1, hash: 'one' })
      t.equal(await workflows.get('versions', 4), undefined)
    })

    await t.test('progress is kept for the step that runs, under the fence', async t => {
      const run = await claimOne()
      await record(transition(run, { steps: [{ ...pendingStep('a'), status: 'running', attempts: 1 }] }))
      const note = { runId: run.id, step: 'a', attempt: 1, fence: run.fence, type: 'step.progress' } as const
      const notes = new Notes(database)
      await notes.save([{ ...note, data: { fraction: 0.5 } }])
      await notes.save([{ ...note, fence: run.fence - 1, data: { fraction: 0.1 } }])
      t.match((await runs.steps(run.id))[0], { progress: { fraction: 0.5 } })
      t.equal((await runs.events(run.id, 1, 10)).length, 1)
      await record(transition(run, { end: { status: 'cancelled', outputs: null, problem: null } }))
    })
  })

t.test('a folder has one holder; that of a process that died is taken', async t => {
  const folder = `${t.testdir()}/state`
  const first = await openFolder(folder)
  await t.rejects(openFolder(folder), { name: 'StateFolderError', message: new RegExp(`process ${process.pid}`) })
  await first.close()
  await writeFile(`${dirname(folder)}/state.lock`, JSON.stringify({ pid: 4_194_303, began: '1' }))
  const second = await openFolder(folder)
  t.same(await second.query('SELECT 1 AS one'), [{ one: 1 }])
  await second.close()
})

t.test('a folder is the same folder however it is written, and its lock goes with its holder', async t => {
  const folder = `${t.testdir({ state: {} })}/state`
  await symlink(folder, `${folder}-too`)
  const unlock = await lockFolder(folder)
  for (const name of [`${folder}/`, `${folder}/../state`, `${folder}-too`])
    await t.rejects(lockFolder(name), { name: 'StateFolderError' }, name)
  await unlock()
  await (await lockFolder(`${folder}/`))()
  t.same((await readdir(dirname(folder))).sort(), ['state', 'state-too'], 'nothing is left behind')
})

t.test('of many that find the lock of a dead process one takes it', async t => {
  const folder = `${t.testdir()}/state`
  for (const left of [JSON.stringify({ pid: 4_194_303, began: '1' }), '', '{"pid"']) {
    await writeFile(`${folder}.lock`, left)
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)))
    const unlocks = taken.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    t.equal(unlocks.length, 1, `of ${left}`)
    for (const unlock of unlocks) await unlock()
  }
})

t.test('a pid that another process has now holds no lock', async t => {
  const folder = `${t.testdir()}/state`
  await writeFile(`${folder}.lock`, JSON.stringify({ pid: process.pid, began: '1' }))
  await (await lockFolder(folder))()
})
