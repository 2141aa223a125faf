// The one place where a failure becomes an answer: application/problem+json for everything, Fastify's own errors too.

import { MeshError, ProblemError, sentence } from '@meshwork/contracts'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RequestFault } from './validators.ts'

const partNames: Record<string, string> = {
  body: 'The body',
  querystring: 'The query',
  params: 'The path',
  headers: 'The headers',
}

/** `explain` turns failures that the service knows into problems, and gives back all others. */
export function useProblemHandler(app: FastifyInstance, explain: (error: unknown) => unknown = error => error): void {
  app.setErrorHandler((error, request, reply) => sendProblem(explain(error), request, reply))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      new MeshError('MESHWORK_ROUTE_UNKNOWN', { method: request.method, path: pathOf(request) }),
      request,
      reply,
    ),
  )
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = toProblemError(error, request)
  if (known.status >= 500 && !(error instanceof ProblemError))
    request.log.error({ err: error, requestId: request.id }, 'request failed')
  else request.log.debug({ code: known.code, requestId: request.id }, 'request refused')
  if (known.retryAfterSeconds !== undefined) void reply.header('retry-after', String(known.retryAfterSeconds))
  // Serialised here: a problem is not checked against the contract of the route, which may not name its status.
  return reply
    .code(known.status)
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(known.toProblem({ instance: pathOf(request), requestId: request.id }))
}

/** What a caller is told of any error. Unknown ones are MESHWORK_INTERNAL and say nothing of their inside. */
export function toProblemError(error: unknown, request: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof RequestFault)
    return new MeshError(
      'MESHWORK_REQUEST_INVALID',
      { what: partNames[error.part] ?? 'The request', problems: sentence(error.items) },
      { errors: error.items },
    )
  const { code, statusCode, message } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new MeshError('MESHWORK_REQUEST_TOO_LARGE', { limitBytes: request.routeOptions.bodyLimit })
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new MeshError('MESHWORK_REQUEST_MEDIA_TYPE', {
      mediaType: request.headers['content-type'] ?? '',
      supported: 'application/json',
    })
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY')
    return new MeshError('MESHWORK_REQUEST_NOT_JSON', { reason: 'it is empty' })
  if (error instanceof SyntaxError || code === 'FST_ERR_CTP_INVALID_JSON_BODY')
    return new MeshError('MESHWORK_REQUEST_NOT_JSON', { reason: message ?? '' })
  if (code === 'FST_ERR_REP_ALREADY_SENT' || statusCode === undefined || statusCode >= 500)
    return new MeshError('MESHWORK_INTERNAL', { requestId: request.id })
  if (statusCode === 413)
    return new MeshError('MESHWORK_REQUEST_TOO_LARGE', { limitBytes: request.routeOptions.bodyLimit })
  return new MeshError('MESHWORK_REQUEST_INVALID', { what: 'The request', problems: message ?? 'it is malformed' })
}

const pathOf = (request: FastifyRequest): string => request.url.split('?')[0] as string
