import {
  Backfill,
  BackfillView,
  backfillMax,
  FireView,
  MeshError,
  Page,
  Problem,
  ScheduleDefinition,
  ScheduleName,
  ScheduleView,
} from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import { calendarFault, firesBetween, nextFire, nextFires } from '../schedule/cron.ts'
import type { Starter } from '../start/starter.ts'
import { type FireRow, type ScheduleRow, type Schedules, schedulesMax } from '../store/schedules.ts'
import { DryRun } from './verbs.ts'

const tags = ['schedules']
const ofSchedule = Type.Object({ name: ScheduleName })
const limit = Type.Integer({ minimum: 1, maximum: 1000, default: 50 })
const nextDefault = 3

export function scheduleRoutes(app: App, schedules: Schedules, starter: Starter): void {
  app.put(
    '/v1/schedules/:name',
    {
      schema: {
        operationId: 'putSchedule',
        tags,
        summary: 'Make or change a schedule',
        description:
          'Fires from now on. Daylight saving: a time of day that is left out fires at the end of the gap, one that comes twice fires the first time; intervals go on through both.',
        params: ofSchedule,
        body: ScheduleDefinition,
        response: { 200: ScheduleView, default: Problem },
      },
    },
    async request => {
      const definition = request.body
      const fault = calendarFault(definition)
      if (fault !== undefined) throw new MeshError('MESHWORK_SCHEDULE_INVALID', { reason: fault })
      const { timeParam, params = {} } = definition
      const ready = await starter.prepare(definition.workflow, definition.version)
      ready({ ...params, ...(timeParam !== undefined && { [timeParam]: new Date(0).toISOString() }) }, {})
      if (!(await schedules.get(request.params.name)) && (await schedules.count()) >= schedulesMax)
        throw new MeshError('MESHWORK_SCHEDULE_INVALID', { reason: `there are ${schedulesMax} schedules, the limit` })
      return view(await schedules.put(request.params.name, definition, nextFire(definition, new Date())))
    },
  )

  app.get(
    '/v1/schedules',
    {
      schema: {
        operationId: 'listSchedules',
        tags,
        summary: 'List schedules by name',
        querystring: Type.Object({ limit, cursor: Type.String({ maxLength: 63, default: '' }) }),
        response: { 200: Page(ScheduleView, 'SchedulePage'), default: Problem },
      },
    },
    async request => {
      const rows = await schedules.list(request.query.cursor, request.query.limit)
      return {
        items: rows.map(row => view(row)),
        next: rows.length < request.query.limit ? null : (rows.at(-1)?.name ?? null),
      }
    },
  )

  app.get(
    '/v1/schedules/:name',
    {
      schema: {
        operationId: 'getSchedule',
        tags,
        summary: 'A schedule, and when it fires next',
        params: ofSchedule,
        querystring: Type.Object({ next: Type.Integer({ minimum: 0, maximum: 100, default: nextDefault }) }),
        response: { 200: ScheduleView, default: Problem },
      },
    },
    async request => view(await find(request.params.name), request.query.next),
  )

  app.delete(
    '/v1/schedules/:name',
    {
      schema: {
        operationId: 'deleteSchedule',
        tags,
        summary: 'Remove a schedule and the record of its fires; its runs stay',
        params: ofSchedule,
        response: { 204: Type.Null(), default: Problem },
      },
    },
    async (request, reply) => {
      if (!(await schedules.remove(request.params.name))) throw unknown(request.params.name)
      return await reply.code(204).send(null)
    },
  )

  for (const [verb, paused, summary, description] of [
    ['pause', true, 'Stop firing', 'Runs that were started go on. What would have fired meanwhile is not caught up.'],
    ['resume', false, 'Fire again, from now on', 'A schedule that is not paused stays as it is.'],
  ] as const)
    app.post(
      `/v1/schedules/:name/${verb}`,
      {
        schema: {
          operationId: `${verb}Schedule`,
          tags,
          summary,
          description,
          params: ofSchedule,
          response: { 200: ScheduleView, default: Problem },
        },
      },
      async request => {
        const { definition, name } = await find(request.params.name)
        const row = await schedules.setPaused(name, paused, nextFire(definition, new Date()))
        if (!row) throw unknown(name)
        return view(row)
      },
    )

  app.get(
    '/v1/schedules/:name/fires',
    {
      schema: {
        operationId: 'listFires',
        tags,
        summary: 'What came of the fires of a schedule, newest first',
        params: ofSchedule,
        querystring: Type.Object({ limit, cursor: Type.Optional(Type.String({ format: 'date-time' })) }),
        response: { 200: Page(FireView, 'FirePage'), default: Problem },
      },
    },
    async request => {
      const { cursor, limit: most } = request.query
      const { name } = await find(request.params.name)
      const items = (await schedules.fires(name, cursor === undefined ? undefined : new Date(cursor), most)).map(
        fireView,
      )
      return { items, next: items.length < most ? null : (items.at(-1)?.at ?? null) }
    },
  )

  app.post(
    '/v1/schedules/:name/backfill',
    {
      schema: {
        operationId: 'backfillSchedule',
        tags,
        summary: 'Run the times of a range that a schedule has not run',
        description: `At most ${backfillMax} times, oldest first, so many at a time. A time that has an entry already is left out; so the same request again adds nothing. \`dryRun\` tells which.`,
        params: ofSchedule,
        querystring: DryRun,
        body: Backfill,
        response: { 200: BackfillView, default: Problem },
      },
    },
    async request => {
      const { definition, name } = await find(request.params.name)
      const { from, to, concurrency = 1 } = request.body
      const times = firesBetween(definition, new Date(from), new Date(to), backfillMax + 1)
      if (times.length > backfillMax) throw new MeshError('MESHWORK_BACKFILL_TOO_LONG', { limit: backfillMax })
      const { dryRun } = request.query
      const fires = await schedules.backfill(name, times, concurrency, dryRun)
      return { dryRun, fires: fires.map(at => at.toISOString()) }
    },
  )

  async function find(name: string): Promise<ScheduleRow> {
    const row = await schedules.get(name)
    if (!row) throw unknown(name)
    return row
  }
}

const unknown = (schedule: string): MeshError => new MeshError('MESHWORK_SCHEDULE_UNKNOWN', { schedule })

const view = ({ name, definition, paused, created_at }: ScheduleRow, next = nextDefault): ScheduleView => ({
  name,
  definition,
  paused,
  next: paused || next === 0 ? [] : nextFires(definition, new Date(), next).map(at => at.toISOString()),
  createdAt: new Date(created_at).toISOString(),
})

const fireView = ({ at, outcome, reason, run_id, backfill, recorded_at }: FireRow): FireView => ({
  at: new Date(at).toISOString(),
  outcome,
  reason,
  run: run_id,
  backfill: backfill !== null,
  recordedAt: new Date(recorded_at).toISOString(),
})
