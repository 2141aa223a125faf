// Passes requests on as they come, in both directions, without holding them.

import fastifyReplyFrom from '@fastify/reply-from'
import { closest, headers as names, MeshError, ProblemError } from '@meshwork/contracts'
import { sendProblem, writeTraceparent } from '@meshwork/kit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Agent } from 'undici'
import type { Upstreams } from './config.ts'
import type { GatewayMetrics } from './metrics.ts'

const connectTimeoutMs = 2000
/** Bodies that the services refuse. A service that answers before it has read all breaks the connection, so it is said here. */
const bodyLimits: readonly (readonly [path: RegExp, bytes: number])[] = [
  [/^\/v1\/workflows:plan/, 524_288],
  [/^\/v1\/workflows/, 262_144],
  [/^\/v1\/(runs|schedules|stages|webhooks)/, 1_048_576],
  [/^\/(stages\/inference\/)?v2\/|^\/stages\/inference\/v1\/inference\/online/, 67_108_864],
  [/^\/stages\/[^/]+\/v\d+\/(?!datasets)/, 1_048_576],
]
const silenceMs = 120_000
/** Of collections: POST /v1/workflows:validate. */
const verbs = ['validate', 'plan', 'start', 'cancel', 'check', 'sweep']

export async function useProxy(app: FastifyInstance, upstreams: Upstreams, { seconds }: GatewayMetrics): Promise<void> {
  const agent = new Agent({
    connect: { timeout: connectTimeoutMs },
    headersTimeout: 0,
    bodyTimeout: silenceMs,
    connections: 256,
  })
  app.addHook('onClose', async () => await agent.destroy())

  await app.register(async scope => {
    await scope.register(fastifyReplyFrom, { undici: agent as never, disableRequestLogging: true })
    // Bodies are passed on unread, whatever their type and size.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_, payload, done) => done(null, payload))

    const forward =
      (service: string, origin: string, path: (request: FastifyRequest) => string, tell: typeof sendProblem) =>
      (request: FastifyRequest, reply: FastifyReply) => {
        refuseTooLarge(request)
        const started = performance.now()
        const observe = (status: string) => seconds.observe({ service, status }, (performance.now() - started) / 1000)
        return reply.from(`${origin}${path(request)}`, {
          rewriteRequestHeaders: (_, headers) => ({
            ...headers,
            'x-request-id': request.id,
            ...(request.trace ? { [names.traceparent]: writeTraceparent(request.trace) } : {}),
          }),
          onResponse: (_request, answer, response) => {
            const { statusCode, stream } = response as unknown as { statusCode: number; stream: NodeJS.ReadableStream }
            observe(`${Math.floor(statusCode / 100)}xx`)
            answer.send(stream)
          },
          onError: (answer, { error }) => {
            observe('error')
            const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException
            const params = { service, reason: code === undefined ? message : `${code} ${message}` }
            const problem = new MeshError('MESHWORK_GATEWAY_UPSTREAM', params, { retryAfterSeconds: 1 })
            tell(problem, request, answer as FastifyReply)
          },
        })
      }
    const hidden = { schema: { hide: true } }
    const whole = (request: FastifyRequest) => request.url

    for (const prefix of ['/v1/workflows', '/v1/runs', '/v1/schedules', '/v1/waits', '/v1/stages', '/v1/webhooks'])
      for (const url of [prefix, `${prefix}/*`, ...verbs.map(verb => `${prefix}::${verb}`)])
        scope.all(url, hidden, forward('orchestrator', upstreams.orchestrator, whole, sendProblem))
    const ingest = upstreams.stages.get('ingest')
    if (ingest !== undefined)
      for (const url of ['/v1/datasets', '/v1/datasets/*'])
        scope.all(url, hidden, forward('ingest', ingest, whole, sendProblem))
    const inference = upstreams.stages.get('inference')
    if (inference !== undefined)
      await scope.register(async models => {
        models.setErrorHandler((error, request, reply) => tellModelClient(error, request, reply))
        for (const url of ['/v2', '/v2/*'])
          models.all(url, hidden, forward('inference', inference, whole, tellModelClient))
      })
    for (const [name, origin] of upstreams.stages)
      scope.all(
        `/stages/${name}/*`,
        hidden,
        forward(name, origin, request => request.url.slice(`/stages/${name}`.length), sendProblem),
      )
    scope.all('/stages/:stage/*', hidden, async request => {
      const { stage } = request.params as { stage: string }
      const known = [...upstreams.stages.keys()]
      const near = closest(stage, known)
      throw new MeshError('MESHWORK_GATEWAY_STAGE_UNKNOWN', {
        stage,
        suggestion: near === undefined ? '' : ` (did you mean "${near}"?)`,
        known: known.join(', ') || 'none',
      })
    })
  })
}

/** Clients of the Open Inference Protocol read `error`, and nothing else. */
function tellModelClient(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (!(error instanceof ProblemError)) return sendProblem(error, request, reply)
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', String(error.retryAfterSeconds))
  return reply.code(error.status).send({ error: error.message, code: error.code })
}

function refuseTooLarge(request: FastifyRequest): void {
  const limitBytes = bodyLimits.find(([path]) => path.test(request.url))?.[1]
  if (limitBytes !== undefined && Number(request.headers['content-length'] ?? 0) > limitBytes)
    throw new MeshError('MESHWORK_REQUEST_TOO_LARGE', { limitBytes })
}
