import { MeshError, Problem, StageLimit, StageLimitView, StageName } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import type { StageCalls } from '../calls/stage-calls.ts'
import { durationMs, durationText } from '../plan/duration.ts'
import type { StageBounds, StageLimitRow, StageLimits } from '../store/stage-limits.ts'

const LimitList = Type.Object(
  { items: Type.Array(StageLimitView) },
  { additionalProperties: false, title: 'StageLimitList' },
)
const ofStage = Type.Object({ stage: StageName })
const tags = ['stages']
const perMsMax = 86_400_000

export function stageLimitRoutes(app: App, limits: StageLimits, stageCalls: StageCalls): void {
  const view = (row: StageLimitRow): StageLimitView => ({
    stage: row.stage,
    concurrency: row.concurrency,
    count: row.count,
    per: row.perMs === null ? null : durationText(row.perMs),
    inFlight: row.concurrency === null ? null : row.inFlight,
    waiting: stageCalls.waiting(row.stage),
    updatedAt: row.updatedAt.toISOString(),
  })
  const missing = (stage: string) => new MeshError('MESHWORK_STAGE_LIMIT_UNKNOWN', { stage })

  app.get(
    '/v1/stages/limits',
    {
      schema: {
        operationId: 'listStageLimits',
        tags,
        summary: 'How often, and how many at one time, stages may be called',
        response: { 200: LimitList, default: Problem },
      },
    },
    async () => ({ items: (await limits.list()).map(view) }),
  )

  app.put(
    '/v1/stages/:stage/limit',
    {
      schema: {
        operationId: 'setStageLimit',
        tags,
        summary: 'Limit how often a stage is called, or how many calls are in flight',
        description:
          '`concurrency`: calls of the stage in flight at one time. `count`: calls that begin within any time of length `per`. Both over all orchestrators; the others wait in order. What is not named is not limited any more. Holds within a second or two everywhere.',
        params: ofStage,
        body: StageLimit,
        response: { 200: StageLimitView, default: Problem },
      },
    },
    async request => {
      const row = await limits.set(request.params.stage, boundsOf(request.body))
      await stageCalls.refresh()
      return view(row)
    },
  )

  app.get(
    '/v1/stages/:stage/limit',
    {
      schema: {
        operationId: 'getStageLimit',
        tags,
        summary: 'How often, and how many at one time, a stage may be called',
        params: ofStage,
        response: { 200: StageLimitView, default: Problem },
      },
    },
    async request => {
      const row = await limits.get(request.params.stage)
      if (!row) throw missing(request.params.stage)
      return view(row)
    },
  )

  app.delete(
    '/v1/stages/:stage/limit',
    {
      schema: {
        operationId: 'removeStageLimit',
        tags,
        summary: 'Let a stage be called without a limit',
        params: ofStage,
        response: { 200: LimitList, default: Problem },
      },
    },
    async request => {
      if (!(await limits.remove(request.params.stage))) throw missing(request.params.stage)
      await stageCalls.refresh()
      return { items: (await limits.list()).map(view) }
    },
  )
}

function boundsOf({ concurrency, count, per }: StageLimit): StageBounds {
  const invalid = (problems: string) => new MeshError('MESHWORK_REQUEST_INVALID', { what: 'The body', problems })
  if ((count === undefined) !== (per === undefined))
    throw invalid(`"count" and "per" belong together, and "${count === undefined ? 'count' : 'per'}" is missing`)
  if (concurrency === undefined && count === undefined)
    throw invalid('it limits nothing: name "concurrency", or "count" and "per", or both (DELETE takes a limit away)')
  const perMs = per === undefined ? null : durationMs(per)
  if (perMs !== null && !(perMs >= 1 && perMs <= perMsMax))
    throw invalid(`"per" is ${String(per)}, which is not between 1ms and a day`)
  return { concurrency: concurrency ?? null, count: count ?? null, perMs }
}
