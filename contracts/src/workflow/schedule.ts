// Schedules as they are written and answered.

import Type, { type Static } from 'typebox'
import { Closed, Json, MapOf, Nullable, OneOf } from '../schema.ts'
import { WorkflowName } from './document.ts'

const Time = (description: string) => Type.String({ format: 'date-time', description })

export const ScheduleName = Type.String({
  pattern: '^[a-z][a-z0-9-]{0,62}$',
  description: 'Lower-case letters, digits and hyphens.',
  examples: ['nightly'],
})

export const Overlap = OneOf(['allow', 'skip', 'queue', 'replace'], {
  title: 'Overlap',
  description:
    'When a run of the schedule is still open at the next fire. allow: start another. skip: leave the fire out. queue: start it when the open one has ended. replace: cancel the open one.',
})
export type Overlap = Static<typeof Overlap>

export const CatchUp = OneOf(['none', 'latest', 'all'], {
  title: 'CatchUp',
  description:
    'For fires that are more than a minute late because nothing ran. none: leave them out. latest: only the last one. all: each.',
})
export type CatchUp = Static<typeof CatchUp>

export const ScheduleDefinition = Closed(
  {
    workflow: WorkflowName,
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'Default: the newest at each fire.' })),
    params: Type.Optional(MapOf(Json, { maxProperties: 256 })),
    timeParam: Type.Optional(
      Type.String({ maxLength: 63, description: 'Parameter that gets the time of the fire (ISO 8601, UTC).' }),
    ),
    cron: Type.String({
      minLength: 9,
      maxLength: 256,
      description: 'Five fields (minute first) or six (second first).',
      examples: ['0 30 2 * * *'],
    }),
    timeZone: Type.Optional(Type.String({ maxLength: 64, description: 'IANA name.', examples: ['Europe/Berlin'] })),
    overlap: Type.Optional(Overlap),
    catchUp: Type.Optional(CatchUp),
  },
  {
    title: 'ScheduleDefinition',
    description: 'Defaults: timeZone UTC, overlap skip, catchUp latest.',
  },
)
export type ScheduleDefinition = Static<typeof ScheduleDefinition>

export const ScheduleView = Closed(
  {
    name: ScheduleName,
    definition: ScheduleDefinition,
    paused: Type.Boolean(),
    next: Type.Array(Time('A fire to come.'), { maxItems: 100, description: 'The next fires; none while paused.' }),
    createdAt: Time('When it was first made.'),
  },
  { title: 'Schedule' },
)
export type ScheduleView = Static<typeof ScheduleView>

export const fireOutcomes = ['started', 'queued', 'skipped', 'missed', 'failed'] as const

/** One nominal time of a schedule, and what came of it: exactly one entry each. */
export const FireView = Closed(
  {
    at: Time('The time that the schedule names.'),
    outcome: OneOf(fireOutcomes, {
      description:
        'skipped: by the overlap policy. missed: by the catch-up policy. failed: a run could not be started. queued: waits for its turn.',
    }),
    reason: Nullable(Type.String()),
    run: Nullable(Type.String({ format: 'uuid' })),
    backfill: Type.Boolean(),
    recordedAt: Time('When that was decided.'),
  },
  { title: 'Fire' },
)
export type FireView = Static<typeof FireView>

export const backfillMax = 1000

export const Backfill = Closed(
  {
    from: Time('First time, included.'),
    to: Time('Last time, included.'),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 1, description: 'Runs of it at a time.' }),
    ),
  },
  { title: 'Backfill', examples: [{ from: '2026-01-01T00:00:00Z', to: '2026-01-31T23:59:59Z', concurrency: 2 }] },
)
export type Backfill = Static<typeof Backfill>

export const BackfillView = Closed(
  {
    dryRun: Type.Boolean(),
    fires: Type.Array(Time('A time that will be run.'), {
      maxItems: backfillMax,
      description: 'Times of the range that the schedule has no entry of yet.',
    }),
  },
  { title: 'BackfillAnswer' },
)
export type BackfillView = Static<typeof BackfillView>
