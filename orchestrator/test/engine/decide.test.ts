import type { Problem, StepStatus } from '@meshwork/contracts'
import t from 'tap'
import { decide } from '../../src/engine/decide.ts'
import { retryDelayMs } from '../../src/step/retry.ts'
import { answered, cancelled, failed, skipped, started } from '../../src/step/settle.ts'
import { hasOutput, isSettled, pendingStep, type RunState, type StepState } from '../../src/step/state.ts'
import { orderOf } from '../../src/plan/order.ts'
import { ancestorsOf, needsOf, type Plan, planOf, type PlanStep, retryDefaults } from '../../src/plan/plan.ts'

const plan = (needs: Record<string, string[]>): Plan => ({
  steps: Object.entries(needs).map(([name, before]) => ({
    name,
    stage: 's',
    major: 1,
    with: {},
    needs: before,
    retry: retryDefaults,
    timeoutMs: 1000,
  })),
  outputs: {},
})
/** The same, with more said of some steps. */
const flow = (needs: Record<string, string[]>, more: Record<string, Partial<PlanStep>>): Plan => ({
  ...plan(needs),
  steps: plan(needs).steps.map(step => ({ ...step, ...more[step.name] })),
})
const states = (statuses: Record<string, StepStatus>): Map<string, StepState> =>
  new Map(Object.entries(statuses).map(([name, status]) => [name, { ...pendingStep(name), status }]))
const told = (of: Plan, statuses: Record<string, StepStatus>, cancelling = false, paused = false, now = 0) =>
  decide(of, { steps: states(statuses), cancelling, paused }, now).commands.map(command =>
    command.kind === 'finish'
      ? command.status
      : command.kind === 'park'
        ? 'park'
        : `${command.kind} ${command.step.name}`,
  )

const diamond = plan({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] })
const cases: [title: string, found: string[], expected: string[]][] = [
  ['at first only what needs nothing is started', told(diamond, {}), ['start a']],
  [
    'branches are started together, in the order of the plan',
    told(diamond, { a: 'succeeded' }),
    ['start b', 'start c'],
  ],
  ['a join waits for its slowest branch', told(diamond, { a: 'succeeded', b: 'succeeded', c: 'running' }), []],
  [
    'a reused step is as good as one that ran',
    told(diamond, { a: 'reused', b: 'reused', c: 'succeeded' }),
    ['start d'],
  ],
  [
    'when all have an output the run has succeeded',
    told(diamond, { a: 'succeeded', b: 'reused', c: 'succeeded', d: 'succeeded' }),
    ['succeeded'],
  ],
  [
    'after a failure nothing starts: what runs is aborted, the rest is skipped',
    told(diamond, { a: 'succeeded', b: 'failed', c: 'running' }),
    ['cancel c', 'skip d'],
  ],
  [
    'a failed run ends when everything has settled',
    told(diamond, { a: 'succeeded', b: 'failed', c: 'cancelled', d: 'skipped' }),
    ['failed'],
  ],
  [
    'while it is cancelled nothing starts',
    told(diamond, { a: 'succeeded' }, true),
    ['cancel b', 'cancel c', 'cancel d'],
  ],
  [
    'a cancelled run ends as cancelled',
    told(diamond, { a: 'succeeded', b: 'cancelled', c: 'cancelled', d: 'cancelled' }, true),
    ['cancelled'],
  ],
  [
    'a failure during a cancel is told as a failure',
    told(diamond, { a: 'failed', b: 'cancelled', c: 'cancelled', d: 'cancelled' }, true),
    ['failed'],
  ],
  [
    'a cancel that comes when all is done comes too late',
    told(diamond, { a: 'succeeded', b: 'succeeded', c: 'succeeded', d: 'succeeded' }, true),
    ['succeeded'],
  ],
  ['while it is paused what runs is left to end', told(diamond, { a: 'succeeded', b: 'running' }, false, true), []],
  ['a paused run in which nothing runs is parked', told(diamond, { a: 'succeeded' }, false, true), ['park']],
  ['also one that waits for a retry', told(diamond, { a: 'retrying' }, false, true), ['park']],
  ['a cancel goes before a pause', told(plan({ a: [] }), {}, true, true), ['cancel a']],
  ['a failure ends a paused run', told(plan({ a: [], b: [] }), { a: 'failed' }, false, true), ['skip b']],
  ['and so does its last answer', told(plan({ a: [] }), { a: 'succeeded' }, false, true), ['succeeded']],
]
const timed = (of: Plan, statuses: Record<string, StepStatus>, leftMs: number, cancelling = false) => {
  const { commands, wakeAt } = decide(of, { steps: states(statuses), cancelling, paused: false, leftMs }, 1000)
  return [
    ...commands.map(command =>
      command.kind === 'finish'
        ? command.status
        : command.kind === 'park'
          ? 'park'
          : `${command.kind} ${command.step.name}`,
    ),
    ...(wakeAt === undefined ? [] : [`wake ${wakeAt}`]),
  ]
}
const rests = (statuses: Record<string, StepStatus>, nextAt: number | null, more: Partial<RunState> = {}) => {
  const waiting = (name: string, state: StepState) =>
    [name, state.status === 'waiting' ? { ...state, nextAt } : state] as const
  const steps = new Map([...states(statuses)].map(([name, state]) => waiting(name, state)))
  const { commands, wakeAt } = decide(diamond, { steps, cancelling: false, paused: false, ...more }, 1000)
  return [...commands.map(command => (command.kind === 'park' ? command.why : command.kind)), String(wakeAt ?? 'never')]
}
cases.push(
  ['a run that only waits for an answer rests', rests({ a: 'waiting' }, null), ['waiting', 'never']],
  ['one that waits for long rests until then', rests({ a: 'waiting' }, 20_000), ['waiting', '20000']],
  ['one that waits for a moment is held', rests({ a: 'waiting' }, 3000), ['3000']],
  ['and so is one that waits beside a call', rests({ a: 'succeeded', b: 'waiting', c: 'running' }, null), ['never']],
  [
    'or beside a retry that is due sooner',
    rests({ a: 'succeeded', b: 'waiting', c: 'retrying' }, 20_000),
    ['start', '20000'],
  ],
  ['a wait whose time is over is ended', rests({ a: 'waiting' }, 1000), ['start', 'never']],
  ['and one whose answer has come', rests({ a: 'waiting' }, null, { answered: new Set(['a']) }), ['start', 'never']],
  ['not while the run is paused', rests({ a: 'waiting' }, 1000, { paused: true }), ['paused', 'never']],
  [
    'a cancel ends a wait',
    rests({ a: 'waiting' }, null, { cancelling: true }),
    ['cancel', 'cancel', 'cancel', 'cancel', 'never'],
  ],
  [
    'a failure ends the waits beside it',
    rests({ a: 'succeeded', b: 'waiting', c: 'failed' }, null),
    ['cancel', 'skip', 'never'],
  ],
  ['the end of the time of the run wakes it', rests({ a: 'waiting' }, null, { leftMs: 60_000 }), ['waiting', '61000']],
)
cases.push(
  ['the end of the time of a run is waited for', timed(diamond, { a: 'running' }, 500), ['wake 1500']],
  [
    'then what runs and what has not begun is cancelled',
    timed(diamond, { a: 'succeeded', b: 'running', c: 'retrying' }, 0),
    ['cancel b', 'cancel c', 'cancel d'],
  ],
  [
    'and the run has failed',
    timed(diamond, { a: 'succeeded', b: 'cancelled', c: 'succeeded', d: 'cancelled' }, -5),
    ['failed'],
  ],
  [
    'one that was being cancelled is cancelled',
    timed(diamond, { a: 'succeeded', b: 'cancelled', c: 'cancelled', d: 'cancelled' }, -5, true),
    ['cancelled'],
  ],
  [
    'one that was done has succeeded',
    timed(diamond, { a: 'succeeded', b: 'succeeded', c: 'succeeded', d: 'succeeded' }, -5),
    ['succeeded'],
  ],
  [
    'last steps run after the end of the time',
    timed(flow({ a: [], z: [] }, { z: { last: true } }), { a: 'cancelled' }, -5),
    ['start z'],
  ],
)
const tolerant = flow({ a: [], b: ['a'], c: ['a', 'b'] }, { a: { continues: true }, c: { tests: ['b'] } })
const tidy = flow(
  { a: [], b: ['a'], z: [], y: ['z'], x: ['a'] },
  { z: { last: true }, y: { last: true }, x: { last: true } },
)
cases.push(
  [
    'what needs a step that was skipped is skipped',
    told(diamond, { a: 'succeeded', b: 'skipped', c: 'succeeded' }),
    ['skip d'],
  ],
  ['at once, whatever else runs', told(diamond, { a: 'succeeded', b: 'skipped', c: 'running' }), ['skip d']],
  [
    'a run with skipped steps has succeeded',
    told(diamond, { a: 'skipped', b: 'skipped', c: 'skipped', d: 'skipped' }),
    ['succeeded'],
  ],
  [
    'a step that continues fails for itself and for what needs it',
    told(tolerant, { a: 'failed' }),
    ['skip b', 'skip c'],
  ],
  ['what it tests for may be missing', told(tolerant, { a: 'succeeded', b: 'skipped' }), ['start c']],
  ['but is waited for', told(tolerant, { a: 'succeeded', b: 'running' }), []],
  ['its failure does not fail the run', told(tolerant, { a: 'failed', b: 'skipped', c: 'skipped' }), ['succeeded']],
  ['last steps wait for all others', told(tidy, { a: 'succeeded', b: 'running' }), []],
  ['and then go in their order', told(tidy, { a: 'succeeded', b: 'succeeded' }), ['start z', 'start x']],
  ['also after a failure', told(tidy, { a: 'failed', b: 'skipped' }), ['start z', 'skip x']],
  ['which ends what runs first', told(tidy, { a: 'failed', b: 'pending', z: 'pending' }), ['skip b']],
  ['not after a cancel', told(tidy, { a: 'succeeded', b: 'succeeded' }, true), ['cancel z', 'cancel y', 'cancel x']],
  ['a failed run that is paused rests before them', told(tidy, { a: 'failed', b: 'skipped' }, false, true), ['park']],
  [
    'a failed last step fails the run, and not the others',
    told(tidy, { a: 'succeeded', b: 'succeeded', z: 'failed', x: 'running' }),
    ['skip y'],
  ],
  [
    'such a run has failed',
    told(tidy, { a: 'succeeded', b: 'succeeded', z: 'failed', y: 'skipped', x: 'succeeded' }),
    ['failed'],
  ],
)
for (const [title, found, expected] of cases) t.test(title, async t => void t.same(found, expected))

t.test('a retry waits for its time, and the decision says when that is', async t => {
  const waiting: StepState = { ...pendingStep('a'), status: 'retrying', attempts: 1, nextAt: 500 }
  const at = (now: number) =>
    decide(plan({ a: [] }), { steps: new Map([['a', waiting]]), cancelling: false, paused: false }, now)
  t.same(at(499), { commands: [], wakeAt: 500 })
  t.match(at(500), { commands: [{ kind: 'start' }], wakeAt: undefined })
})

t.test('random runs over random graphs keep the invariants', async t => {
  let seed = 20_261_123
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed / 2_147_483_648
  }
  for (let round = 0; round < 500; round++) {
    const names = Array.from({ length: 1 + Math.floor(random() * 12) }, (_, i) => `s${i}`)
    const graph = plan(
      Object.fromEntries(names.map((name, i) => [name, names.slice(0, i).filter(() => random() < 0.3)])),
    )
    const current = new Map(names.map(name => [name, pendingStep(name)]))
    let cancelling = false
    let finished = 0
    let guard = 0
    let failedOnce = false
    while (finished === 0) {
      if (++guard > 10_000) throw new Error('the run does not end')
      if (random() < 0.01) cancelling = true
      const { commands } = decide(graph, { steps: current, cancelling, paused: false }, 0)
      t.same(commands, decide(graph, { steps: current, cancelling, paused: false }, 0).commands, 'D3')
      for (const command of commands) {
        if (command.kind === 'finish') {
          finished++
          if (commands.length !== 1 || ![...current.values()].every(isSettled)) t.fail('D5')
          continue
        }
        if (command.kind === 'park') throw new Error('it is not paused')
        const state = current.get(command.step.name) as StepState
        if (isSettled(state)) t.fail('D2')
        if (command.kind === 'start') {
          if (cancelling || failedOnce) t.fail('D4')
          if (!command.step.needs.every(name => hasOutput(current.get(name) as StepState))) t.fail('D1')
          current.set(state.name, started(state, 0, 'hash', '1.0.0').state)
        } else if (command.kind === 'skip') current.set(state.name, skipped(state, 'a reason', 0).state)
        else current.set(state.name, cancelled(state, 0).state)
      }
      const running = [...current.values()].filter(({ status }) => status === 'running')
      const one = running[Math.floor(random() * running.length)]
      if (!one) continue
      const fails = random() < 0.05
      failedOnce ||= fails
      current.set(one.name, fails ? failed(one, problem(false), 0).state : { ...one, status: 'succeeded' })
    }
  }
  t.pass('500 runs ended')
})

const problem = (retryable: boolean): Problem => ({
  type: '/errors#X',
  title: 'x',
  status: 500,
  detail: 'x',
  code: 'X',
  retryable,
})

t.test('attempts', async t => {
  const [step] = plan({ a: [] }).steps
  if (!step) throw new Error('no step')
  const begun = started(pendingStep('a'), 10, 'in', '1.0.0').state
  t.match(begun, { status: 'running', attempts: 1, startedAt: 10, inputHash: 'in' })
  const fails = (retryable: boolean, attempts = 1) =>
    answered(
      { ...begun, attempts },
      step,
      { kind: 'problem', problem: problem(retryable), retryAfterMs: undefined },
      100,
      0.5,
      1,
    ).state
  t.match(fails(true), { status: 'retrying', nextAt: 1100, problem: { code: 'X' } })
  t.match(fails(false), { status: 'failed', endedAt: 100 })
  t.match(fails(true, step.retry.attempts), { status: 'failed' }, 'attempts are spent')
  t.match(
    answered(begun, step, { kind: 'result', output: { rows: 5 }, outputHash: 'o', version: '1.0.1' }, 100, 0.5, 0)
      .state,
    { status: 'succeeded', rows: 5, version: '1.0.1', seconds: 0.5 },
  )
  t.match(
    answered(begun, step, { kind: 'result', output: { rows: 1.5 }, outputHash: 'o', version: '1.0.1' }, 100, 0.5, 0)
      .state,
    { rows: null },
  )
})

t.test('the wait before an attempt grows, is jittered, has a bound, and obeys Retry-After', async t => {
  const retry = { attempts: 10, backoffMs: 100, maxBackoffMs: 1000, factor: 2 }
  t.same(
    [1, 2, 3, 4, 5].map(attempts => retryDelayMs(retry, attempts, undefined, 1)),
    [100, 200, 400, 800, 1000],
  )
  t.equal(retryDelayMs(retry, 3, undefined, 0), 0)
  t.equal(retryDelayMs(retry, 3, undefined, 0.5), 200)
  t.equal(retryDelayMs(retry, 1, 5000, 1), 5000)
})

t.test('order', async t => {
  const order = (needs: Record<string, string[]>) => orderOf(new Map(Object.entries(needs)))
  t.same(order({ c: ['a'], b: [], a: [] }), { kind: 'ordered', names: ['b', 'a', 'c'] })
  t.same(order({ d: ['b', 'c'], c: ['a'], b: ['a'], a: [] }), { kind: 'ordered', names: ['a', 'c', 'b', 'd'] })
  t.match(order({ a: ['c'], b: ['a'], c: ['b'] }), { kind: 'cycle', names: ['a', 'c', 'b', 'a'] })
  const document = {
    name: 'w',
    steps: {
      z: { stage: 's@1', with: { x: '${steps.a.y + 1}' } },
      a: { stage: 's@1' },
      m: { stage: 's@2', needs: ['z'], timeout: '90s', retry: { attempts: 5, backoff: '1s' } },
    },
  }
  t.same(
    [...needsOf(document)],
    [
      ['z', ['a']],
      ['a', []],
      ['m', ['z']],
    ],
  )
  const planned = planOf(document)
  t.match(planned.steps.at(-1), {
    name: 'm',
    major: 2,
    timeoutMs: 90_000,
    retry: { attempts: 5, backoffMs: 1000, maxBackoffMs: 30_000 },
  })
  t.same([...ancestorsOf(planned, 'm')].sort(), ['a', 'z'])
})
