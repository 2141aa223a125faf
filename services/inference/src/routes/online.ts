import { MeshError, OnlineInput, OnlineOutput, Problem } from '@meshwork/contracts'
import type { FastifyInstance } from 'fastify'
import type { Online } from '../online/online.ts'

export interface OnlineRouteOptions {
  /** There is none before the service has started. */
  readonly online: () => Online
  readonly bodyBytesMax: number
  readonly timeoutMs: number
}

export function useOnlineRoute(app: FastifyInstance, { online, bodyBytesMax, timeoutMs }: OnlineRouteOptions): void {
  app.post<{ Body: OnlineInput }>(
    '/v1/inference/online',
    {
      bodyLimit: bodyBytesMax,
      schema: {
        operationId: 'online',
        tags: ['stage'],
        summary: 'Makes features of records as they were fitted, and runs the model on them.',
        description: 'Answers for a record what a workflow over a dataset says of it, to the bit.',
        body: OnlineInput,
        response: { 200: OnlineOutput, default: Problem },
      },
    },
    async (request, reply) => {
      const stop = new AbortController()
      reply.raw.once('close', () => stop.abort(new MeshError('MESHWORK_STAGE_CANCELLED')))
      const late = new MeshError('MESHWORK_STAGE_DEADLINE', { stage: 'inference', timeoutMs })
      const timer = setTimeout(() => stop.abort(late), timeoutMs)
      try {
        return await online().answer(request.body, stop.signal, request.trace)
      } finally {
        clearTimeout(timer)
      }
    },
  )
}
