// Every HTTP service of the mesh is built here: stages, the orchestrator and the gateway. It never listens; run.ts does.

import { randomUUID } from 'node:crypto'
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createServiceMetrics } from '../telemetry/service-metrics.ts'
import { traceRequests } from '../telemetry/trace-requests.ts'
import { noTraces, openTraces, type Traces, type TraceSettings } from '../telemetry/traces.ts'
import { Readiness, useHealth } from './health.ts'
import { type ApiInfo, useOpenApi } from './openapi.ts'
import { answerConnectionFailure, headersTimeoutMs, requestTimeoutMs } from './connection-failure.ts'
import { sendProblem, useProblemHandler } from './problem-handler.ts'
import { endUnusedConnections } from './unused-connections.ts'
import { useValidators } from './validators.ts'

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface ServiceOptions {
  /** Name in logs, metrics and health. */
  readonly name: string
  readonly version: string
  readonly log: Logger
  readonly api: ApiInfo
  /** Largest JSON body in bytes (default 1 MiB). */
  readonly bodyLimitBytes?: number
  /** Turns failures that the service knows into problems, and gives back all others. */
  readonly explain?: (error: unknown) => unknown
  /** Where traces go; nowhere without it. */
  readonly traces?: TraceSettings
  /** Answers for a URL that no route can be found for, see StageOptions. */
  readonly malformedUrl?: AnswerMalformedUrl
}

/** Whether it has answered. The URL cannot be read (`%zz`), or a part of its path is too long. */
export type AnswerMalformedUrl = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => boolean

export interface Service {
  readonly app: App
  readonly registry: Registry
  readonly readiness: Readiness
  readonly traces: Traces
}

const requestIdPattern = /^[A-Za-z0-9._-]{1,64}$/

export async function createService(options: ServiceOptions): Promise<Service> {
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimitBytes ?? 1_048_576,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: 0, // an answer may take as long as its work, which has its own deadline
    keepAliveTimeout: 72_000,
    routerOptions: { maxParamLength: 256, caseSensitive: true },
    frameworkErrors: (error, request, reply) => {
      const [asked, answer] = [request as FastifyRequest, reply as FastifyReply]
      if (!options.malformedUrl?.(error, asked, answer)) void sendProblem(error, asked, answer)
    },
    clientErrorHandler: answerConnectionFailure,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    forceCloseConnections: 'idle',
    genReqId: request => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && requestIdPattern.test(given) ? given : randomUUID()
    },
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as App
  app.server.headersTimeout = headersTimeoutMs
  endUnusedConnections(app)
  useValidators(app)
  useProblemHandler(app, options.explain)
  const { registry, requestSeconds, traceSpans } = createServiceMetrics(options.name, options.version)
  const { name, version, log } = options
  const traces = options.traces
    ? await openTraces({ settings: options.traces, service: name, version, counted: traceSpans, log })
    : noTraces
  const readiness = new Readiness()
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id)
    if (readiness.phase === 'draining') void reply.header('connection', 'close')
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    const labels = { method: request.method, route, status: `${Math.floor(reply.statusCode / 100)}xx` }
    requestSeconds.observe(labels, reply.elapsedTime / 1000)
  })
  const plain = app as unknown as FastifyInstance
  traceRequests(plain, traces)
  await useOpenApi(plain, options.api)
  useHealth(plain, options.name, options.version, readiness, registry)
  return { app, registry, readiness, traces }
}
