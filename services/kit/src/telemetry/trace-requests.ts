// A span for each request that a service answers: names and attributes after OpenTelemetry's HTTP conventions.

import { headers as names } from '@meshwork/contracts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { childOf, newTrace, readTraceparent, type SpanContext } from './span.ts'
import type { Traces } from './traces.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The span of this request; undefined where requests are not traced. */
    trace: SpanContext | undefined
  }
}

/** What watches a service asks for these every few seconds; they would drown everything else. */
const untraced = /^\/(healthz|readyz|livez|metrics|openapi\.json|docs)(\/|$)|^\/v1\/stage$|^\/v2\/health\//

export function traceRequests(app: FastifyInstance, traces: Traces): void {
  app.decorateRequest('trace', undefined)
  if (!traces.on) return
  app.addHook('onRequest', async request => {
    if (untraced.test(request.routeOptions.url ?? '')) return
    const given = parentOf(request)
    request.trace = given ? childOf(given) : newTrace(traces.sample())
  })
  app.addHook('onResponse', async (request, reply) => {
    const { trace } = request
    if (!trace) return
    const endMs = Date.now()
    const text = (name: string) => request.headers[name] as string | undefined
    const route = request.routeOptions.url
    const status = reply.statusCode
    traces.write({
      name: route === undefined ? request.method : `${request.method} ${route}`,
      kind: 'server',
      context: trace,
      parentId: parentOf(request)?.spanId,
      startMs: endMs - reply.elapsedTime,
      endMs,
      attributes: {
        'http.request.method': request.method,
        'http.route': route,
        'http.response.status_code': status,
        'url.path': request.url.split('?', 1)[0],
        'meshwork.request.id': request.id,
        'meshwork.run.id': text(names.runId),
        'meshwork.step': text(names.step),
        'meshwork.attempt': text(names.attempt),
        'error.type': status >= 500 ? String(status) : undefined,
      },
      error: status >= 500 ? `answered ${status}` : undefined,
    })
  })
}

const parentOf = (request: FastifyRequest): SpanContext | undefined =>
  readTraceparent(request.headers[names.traceparent] as string | undefined)
