// The Open Inference Protocol v2 over HTTP, with those of Triton's extensions that are true here.

import { ProblemError } from '@meshwork/contracts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { OipFault } from '../oip/fault.ts'
import type { ServedModels } from '../serving/served-models.ts'
import { useInferRoutes } from './infer.ts'
import { useModelRoutes } from './models.ts'
import { useQualityRoutes } from './quality.ts'
import { useRepositoryRoutes } from './repository.ts'
import { OipError, OipLive, OipReady, OipServer } from './schemas.ts'

export interface OipRoutesOptions {
  /** There are none before the service has started. */
  readonly models: () => ServedModels | undefined
  readonly version: string
  readonly bodyBytesMax: number
  readonly inFlightBytesMax: number
  readonly workers: () => number
  /** Whether the service is about to end and should get no more work. */
  readonly draining: () => boolean
}
export interface OipParts {
  readonly models: () => ServedModels
  readonly workers: () => number
  readonly bodyBytesMax: number
  readonly inFlightBytesMax: number
}

const extensions = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'parameters',
  'schedule_policy',
  'statistics',
]
/** Of bodies without tensors. */
const smallBodyBytes = 1_048_576

/** What a path is asked with, where the protocol has the path. */
const verbs: readonly (readonly [path: RegExp, verb: 'GET' | 'POST'])[] = [
  [/^\/v2\/models\/[^/]+(\/versions\/[^/]+)?\/infer$/, 'POST'],
  [/^\/v2\/repository\/(index|models\/[^/]+\/(load|unload))$/, 'POST'],
  [/^\/v2\/?$|^\/v2\/health\/(live|ready)$/, 'GET'],
  [/^\/v2\/models\/[^/]+(\/versions\/[^/]+)?\/labels$/, 'POST'],
  [/^\/v2\/models\/[^/]+\/traffic$/, 'GET'],
  [/^\/v2\/models(\/[^/]+(\/versions\/[^/]+)?(\/(ready|config|stats|drift|quality))?)?$/, 'GET'],
]

/** For a scope with the prefix /v2. */
export async function useOipRoutes(app: FastifyInstance, options: OipRoutesOptions): Promise<void> {
  // Clients send JSON as octets, without a type, or not at all: bodies are read by what they are.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  // Requests are checked against the model, with messages of the protocol; the schemas are for the document.
  app.setValidatorCompiler(() => value => ({ value }))
  app.setSerializerCompiler(() => value => JSON.stringify(value))
  // A logger for each request costs more than reading one; the only line that is written here has the id itself.
  app.setChildLoggerFactory(logger => logger)
  app.setErrorHandler((error, request, reply) => {
    const fault = faultOf(error, request.routeOptions.bodyLimit ?? smallBodyBytes)
    if (fault.status >= 500 && fault.status !== 503)
      request.log.error({ err: error, requestId: request.id }, 'request failed')
    return sendFault(reply, fault)
  })
  app.setNotFoundHandler(async (request, reply) => {
    const verb = verbs.find(([path]) => path.test(request.url.split('?', 1)[0] as string))?.[1]
    if (verb === undefined) return await sendFault(reply, new OipFault(404, 'Not Found'))
    return await sendFault(reply.header('allow', verb), new OipFault(405, `Method Not Allowed: use ${verb}`))
  })

  const parts: OipParts = {
    workers: options.workers,
    bodyBytesMax: options.bodyBytesMax,
    inFlightBytesMax: options.inFlightBytesMax,
    models: () => {
      const models = options.models()
      if (models === undefined) throw new OipFault(503, 'the server is starting', 1)
      return models
    },
  }
  const schema = (operationId: string, summary: string, answer: unknown) => ({
    operationId,
    tags: ['inference protocol'],
    summary,
    response: { 200: answer, default: OipError },
  })
  app.get('/', { schema: schema('oipServer', 'What this server is', OipServer) }, async () => ({
    name: 'meshwork',
    version: options.version,
    extensions,
  }))
  app.get(
    '/health/live',
    { logLevel: 'warn', schema: schema('oipLive', 'Whether it is alive', OipLive) },
    async () => ({
      live: true,
    }),
  )
  app.get(
    '/health/ready',
    { logLevel: 'warn', schema: schema('oipReady', 'Whether every model that is to be served is', OipReady) },
    async (_, reply) => {
      const ready = !options.draining() && (options.models()?.ready ?? false)
      return await reply.code(ready ? 200 : 503).send({ ready })
    },
  )
  useModelRoutes(app, parts)
  useQualityRoutes(app, parts)
  useRepositoryRoutes(app, parts)
  useInferRoutes(app, parts)
}

/** For URLs that no route can be found for: those of the protocol are answered in its shape. */
export function answerMalformedUrl(error: unknown, { url }: FastifyRequest, reply: FastifyReply): boolean {
  if (!/^\/v2(?![^/?])/.test(url)) return false
  sendFault(reply, faultOf(error, smallBodyBytes))
  return true
}

function sendFault(reply: FastifyReply, { status, message, retryAfterSeconds }: OipFault): FastifyReply {
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds))
  return reply
    .code(status)
    .type('application/json')
    .send(JSON.stringify({ error: message }))
}

function faultOf(error: unknown, bodyLimit: number): OipFault {
  if (error instanceof OipFault) return error
  if (error instanceof ProblemError) return new OipFault(error.status, error.message, error.retryAfterSeconds)
  const { statusCode, message, code } = error as { statusCode?: number; message?: string; code?: string }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new OipFault(413, `the body has more than ${bodyLimit} bytes`)
  if (statusCode !== undefined && statusCode < 500)
    return new OipFault(statusCode, message ?? 'the request is malformed')
  return new OipFault(500, 'internal: the server could not answer; its log says why')
}
