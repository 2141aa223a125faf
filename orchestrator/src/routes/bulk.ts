import { BulkAnswer, BulkCancel, bulkMax, BulkStart, MeshError, Problem, ProblemError } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import type { Starter } from '../start/starter.ts'
import { ask, DryRun, type VerbRoutesOptions } from './verbs.ts'

type Item = BulkAnswer['items'][number]
const tags = ['runs']
const bodyBytesMax = 1_048_576
/** Items that are worked on at a time: writes of one moment go together. */
const together = 100

export function bulkRoutes(app: App, options: VerbRoutesOptions & { readonly starter: Starter }): void {
  const { runs, starter } = options

  app.post(
    '/v1/runs::start',
    {
      bodyLimit: bodyBytesMax,
      schema: {
        operationId: 'startRuns',
        tags,
        summary: 'Start many runs',
        description:
          'At most 1,000. Each is accepted or refused by itself; those accepted are durable when this is answered. With an `idempotencyKey` each, the whole request is safe to send again.',
        body: BulkStart,
        response: { 200: BulkAnswer, default: Problem },
      },
    },
    async request =>
      await each(request.body.runs, async ({ idempotencyKey, ...start }) => {
        const { kind, run } = await starter.start(start, { key: idempotencyKey })
        return { id: run.id, status: kind === 'standing' ? 200 : 202, problem: null }
      }),
  )

  app.post(
    '/v1/runs::cancel',
    {
      schema: {
        operationId: 'cancelRuns',
        tags,
        summary: 'Cancel many runs',
        description:
          'As cancelling each: once this is answered no step of those runs is started. With `workflow` its oldest 1,000 that have not ended; send it again until none is left. `dryRun` tells which.',
        querystring: DryRun,
        body: BulkCancel,
        response: { 200: BulkAnswer, default: Problem },
      },
    },
    async request => {
      const { ids, workflow } = request.body
      if ((ids === undefined) === (workflow === undefined))
        throw new MeshError('MESHWORK_BULK_CHOICE', { given: ids ? '"ids" and "workflow"' : 'neither' })
      const chosen = ids ?? (await runs.open(workflow ?? '', bulkMax))
      return await each(chosen, async id => {
        if (request.query.dryRun) {
          const run = await runs.get(id)
          if (!run) throw new MeshError('MESHWORK_RUN_UNKNOWN', { run: id })
          return { id, status: run.ended_at === null ? 202 : 200, problem: null }
        }
        const run = await ask(options, id, 'cancel')
        return { id, status: run.ended_at === null ? 202 : 200, problem: null }
      })
    },
  )
}

async function each<T>(all: readonly T[], work: (item: T) => Promise<Item>): Promise<BulkAnswer> {
  const items: Item[] = []
  for (let at = 0; at < all.length; at += together)
    items.push(...(await Promise.all(all.slice(at, at + together).map(item => work(item).catch(refused)))))
  return { items, done: items.filter(({ problem }) => problem === null).length }
}

function refused(error: unknown): Item {
  if (!(error instanceof ProblemError)) throw error
  const problem = error.toProblem()
  return { id: null, status: problem.status, problem }
}
