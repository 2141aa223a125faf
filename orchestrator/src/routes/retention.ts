import { Problem, RetentionView } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import type { Janitor } from '../upkeep/janitor.ts'
import type { Retention } from '../store/retention.ts'
import { DryRun } from './verbs.ts'

export function retentionRoutes(app: App, retention: Retention, janitor: Janitor, keepSeconds: number): void {
  app.post(
    '/v1/runs::sweep',
    {
      schema: {
        operationId: 'sweepRuns',
        tags: ['runs'],
        summary: 'Remove runs that are no longer kept',
        description:
          'Runs that ended longer ago than MESHWORK_RUNS_KEEP_HOURS, with their steps and events, and with them their idempotency keys. This happens by itself once a minute; here it can be asked for at once, or with `dryRun` seen before.',
        querystring: DryRun,
        response: { 200: RetentionView, default: Problem },
      },
    },
    async request => {
      const { dryRun } = request.query
      if (keepSeconds === 0) return { dryRun, keepSeconds: null, runs: 0, steps: 0, events: 0 }
      const counted = dryRun ? await retention.preview(keepSeconds) : await janitor.sweep()
      return { dryRun, keepSeconds, ...counted }
    },
  )
}
