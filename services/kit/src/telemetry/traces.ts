// Where spans go: nowhere, or by OTLP over HTTP to a collector. Sending never holds up work: spans wait in a bounded
// queue, those that do not fit are dropped, and how many were sent and lost is counted.

import { hostname } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Counter } from 'prom-client'
import Type, { type Static } from 'typebox'
import type { Span } from './span.ts'

export const traceSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description:
        'URL of a collector that takes OTLP over HTTP, as http://otel-collector:4318; traces go nowhere without it.',
    }),
  ),
  MESHWORK_TRACES_RATIO: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description:
      'Share of the new traces that are sent; a trace that comes with a request keeps what was decided for it.',
  }),
}

const TraceSettings = Type.Object(traceSettings)
export type TraceSettings = Static<typeof TraceSettings>

export interface Traces {
  readonly on: boolean
  /** Whether the next new trace is to be sent. */
  sample(): boolean
  /** Takes a span that is over. One of a trace that is not sampled is left out. */
  write(span: Span): void
  /** Sends what waits, for some seconds at most. */
  close(): Promise<void>
}

export const noTraces: Traces = { on: false, sample: () => true, write: () => {}, close: async () => {} }

export interface TracesOptions {
  readonly settings: TraceSettings
  readonly service: string
  readonly version: string
  readonly counted: Counter<'result'>
  readonly log: Logger
}

const queueMax = 8192
const batchMax = 512
const batchDelayMs = 500
const exportTimeoutMs = 5000
const closeTimeoutMs = 5000
const complainEveryMs = 60_000

export async function openTraces(options: TracesOptions): Promise<Traces> {
  const { settings, service, version, counted, log } = options
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT
  if (endpoint === undefined) return noTraces
  // Only who sends traces pays for the SDK.
  const [{ BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }, { SpanKind, SpanStatusCode }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/api'),
    ])
  let complainedAt = -Infinity
  class Exporter extends OTLPTraceExporter {
    override export(...[spans, done]: Parameters<InstanceType<typeof OTLPTraceExporter>['export']>): void {
      super.export(spans, result => {
        counted.inc({ result: result.error ? 'failed' : 'sent' }, spans.length)
        if (result.error && performance.now() - complainedAt > complainEveryMs) {
          complainedAt = performance.now()
          log.warn({ err: result.error, endpoint, spans: spans.length }, 'the collector did not take spans')
        }
        done(result)
      })
    }
  }
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`
  const exporter = new Exporter({ url, timeoutMillis: exportTimeoutMs })
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: queueMax,
    maxExportBatchSize: batchMax,
    scheduledDelayMillis: batchDelayMs,
    exportTimeoutMillis: exportTimeoutMs,
  })
  const resource = resourceFromAttributes({
    'service.name': `meshwork-${service}`,
    'service.namespace': 'meshwork',
    'service.version': version,
    'service.instance.id': `${hostname()}:${process.pid}`,
  })
  const instrumentationScope = { name: 'meshwork', version }
  const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL }
  const contextOf = ({ traceId, spanId }: Span['context']) => ({ traceId, spanId, traceFlags: 1 })
  return {
    on: true,
    sample: () => Math.random() < settings.MESHWORK_TRACES_RATIO,
    write: span => {
      if (!span.context.sampled) return
      counted.inc({ result: 'written' })
      const { context, parentId, startMs, error, links = [] } = span
      const endMs = Math.max(startMs, span.endMs)
      processor.onEnd({
        name: span.name,
        kind: kinds[span.kind],
        spanContext: () => contextOf(context),
        ...(parentId === undefined ? {} : { parentSpanContext: contextOf({ ...context, spanId: parentId }) }),
        startTime: hrTime(startMs),
        endTime: hrTime(endMs),
        duration: hrTime(endMs - startMs),
        ended: true,
        status: error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
        attributes: defined(span.attributes),
        links: links.map(link => ({ context: contextOf(link) })),
        events: [],
        resource,
        instrumentationScope,
        droppedAttributesCount: 0,
        droppedEventsCount: 0,
        droppedLinksCount: 0,
      })
    },
    close: async () => {
      const sent = processor.shutdown().catch(() => {}) // the exporter has told why
      await Promise.race([sent, setTimeout(closeTimeoutMs, undefined, { ref: false })])
    },
  }
}

/** Seconds and nanoseconds, as OpenTelemetry has times. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
}

const defined = (attributes: Span['attributes']): Record<string, string | number | boolean> =>
  Object.fromEntries(Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
