import { MeshError, Problem, StageLimit, StageLimitView, StageName } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import type { CallRates } from '../engine/call-rates.ts'
import { durationMs, durationText } from '../plan/duration.ts'
import type { StageLimitRow, StageLimits } from '../store/stage-limits.ts'

const LimitList = Type.Object(
  { items: Type.Array(StageLimitView) },
  { additionalProperties: false, title: 'StageLimitList' },
)
const ofStage = Type.Object({ stage: StageName })
const tags = ['stages']
const perMsMax = 86_400_000

export function stageLimitRoutes(app: App, limits: StageLimits, rates: CallRates): void {
  const view = (row: StageLimitRow): StageLimitView => ({
    stage: row.stage,
    count: row.count,
    per: durationText(row.perMs),
    waiting: rates.of(row.stage)?.waiting ?? 0,
    updatedAt: row.updatedAt.toISOString(),
  })
  const missing = (stage: string) => new MeshError('MESHWORK_STAGE_LIMIT_UNKNOWN', { stage })

  app.get(
    '/v1/stages/limits',
    {
      schema: {
        operationId: 'listStageLimits',
        tags,
        summary: 'How often stages may be called',
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
        summary: 'Limit how often a stage is called',
        description:
          'Calls of the stage that begin within any time of this length, over all orchestrators; the others wait in order. Holds within a second or two everywhere.',
        params: ofStage,
        body: StageLimit,
        response: { 200: StageLimitView, default: Problem },
      },
    },
    async request => {
      const { count, per } = request.body
      const perMs = durationMs(per)
      if (!(perMs >= 1 && perMs <= perMsMax))
        throw new MeshError('MESHWORK_REQUEST_INVALID', {
          what: 'The body',
          problems: `"per" is ${String(per)}, which is not between 1ms and a day`,
        })
      const row = await limits.set(request.params.stage, { count, perMs })
      await rates.refresh()
      return view(row)
    },
  )

  app.get(
    '/v1/stages/:stage/limit',
    {
      schema: {
        operationId: 'getStageLimit',
        tags,
        summary: 'How often a stage may be called',
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
      await rates.refresh()
      return { items: (await limits.list()).map(view) }
    },
  )
}
