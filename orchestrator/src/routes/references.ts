import { MeshError, Problem, ReferencesPage } from '@meshwork/contracts'
import type { App } from '@meshwork/kit'
import Type from 'typebox'
import type { Database } from '../store/database.ts'
import { readReferences, type ReferencePlace } from '../store/references.ts'

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function referenceRoutes(app: App, database: Database): void {
  app.get(
    '/v1/references',
    {
      schema: {
        operationId: 'listReferences',
        tags: ['operation'],
        summary: 'Hashes of the artefact store that anything here names',
        description:
          'In parameters and outputs of runs and steps, in signals, workflows and schedules. For whoever clears the artefact store; the gateway does.',
        querystring: Type.Object({
          cursor: Type.Optional(Type.String({ maxLength: 256 })),
          since: Type.Optional(
            Type.String({
              format: 'date-time',
              description: 'Of runs only those that have not ended, and those that ended since.',
            }),
          ),
        }),
        response: { 200: ReferencesPage, default: Problem },
      },
    },
    async request => {
      const { cursor, since } = request.query
      const place: ReferencePlace = cursor === undefined ? { kind: 'definitions' } : placeOf(cursor)
      const found = await readReferences(database, place, since === undefined ? null : new Date(since))
      return {
        hashes: [...found.hashes],
        datasets: [...found.datasets],
        next: found.next ? cursorOf(found.next) : null,
      }
    },
  )
}

const cursorOf = (place: ReferencePlace): string => Buffer.from(JSON.stringify(place)).toString('base64url')

function placeOf(cursor: string): ReferencePlace {
  try {
    const { kind, id, step } = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Record<string, unknown>
    if (typeof id === 'string' && idPattern.test(id)) {
      if (kind === 'runs') return { kind, id }
      if (kind === 'steps' && typeof step === 'string') return { kind, id, step }
    }
  } catch {
    // told below
  }
  throw new MeshError('MESHWORK_REQUEST_INVALID', { what: 'The cursor', problems: 'it is not one that was given out' })
}
