import { Problem, SweepView } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import type { Sweeper } from './sweeper.ts'

export function useSweep(app: App, sweeper: Sweeper): void {
  app.post(
    '/v1/artefacts::sweep',
    {
      schema: {
        operationId: 'sweepArtefacts',
        tags: ['artefacts'],
        summary: 'Remove files that nothing refers to',
        description:
          'Files that no run, workflow or schedule names, and that were put longer ago than MESHWORK_ARTEFACTS_KEEP_HOURS. This happens by itself once an hour; here it can be asked for at once, or with `dryRun` seen before.',
        querystring: Type.Object({
          dryRun: Type.Boolean({ default: false, description: 'Only tell what would be done.' }),
        }),
        response: { 200: SweepView, default: Problem },
      },
    },
    async request => (request.query.dryRun ? await sweeper.preview() : await sweeper.sweep()),
  )
}
