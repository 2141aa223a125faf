import type { ProblemError } from '@meshwork/contracts'
import t from 'tap'
import { Starter, type StarterOptions } from '../../src/start/starter.ts'
import type { WorkflowRow } from '../../src/store/rows.ts'
import type { NewRun } from '../../src/store/runs.ts'

t.test(
  'a request under a key that is being accepted is told to come again; afterwards the key has its run',
  async t => {
    const kept = new Map<string, NewRun>()
    let go: () => void = () => {}
    const held = new Promise<void>(resolve => (go = resolve))
    let asked = 0
    const starter = new Starter({
      find: async () =>
        ({
          name: 'w',
          version: 1,
          document: { name: 'w', steps: {} },
          plan: { steps: [], outputs: {} },
        }) as unknown as WorkflowRow,
      directory: { known: async () => [], views: () => [] } as unknown as StarterOptions['directory'],
      metrics: { accepted: { inc: () => {} } } as unknown as StarterOptions['metrics'],
      sample: () => true,
      wake: () => {},
      runs: {
        accept: async (run: NewRun) => {
          asked++
          await held
          const standing = kept.get(run.idempotencyKey ?? run.id)
          if (!standing) kept.set(run.idempotencyKey ?? run.id, run)
          const { id, requestHash } = standing ?? run
          return { kind: standing ? 'standing' : 'accepted', run: { id, request_hash: requestHash } }
        },
      } as unknown as StarterOptions['runs'],
    })
    const first = starter.start({ workflow: 'w' }, { key: 'k' })
    const code = async (work: Promise<unknown>) =>
      await work.then(
        () => 'accepted',
        (error: unknown) => (error as ProblemError).toProblem().code,
      )
    t.equal(await code(starter.start({ workflow: 'w' }, { key: 'k' })), 'MESHWORK_RUN_KEY_IN_FLIGHT')
    const other = starter.start({ workflow: 'w' }, { key: 'k2' })
    const keyless = starter.start({ workflow: 'w' })
    go()
    t.match(await first, { kind: 'accepted' })
    t.match(await other, { kind: 'accepted' }, 'another key is not in its way')
    t.match(await keyless, { kind: 'accepted' })
    t.match(await starter.start({ workflow: 'w' }, { key: 'k' }), {
      kind: 'standing',
      run: { id: (await first).run.id },
    })
    t.equal(await code(starter.start({ workflow: 'w', cache: true }, { key: 'k' })), 'MESHWORK_RUN_KEY_REUSED')
    t.equal(asked, 5)
  },
)
