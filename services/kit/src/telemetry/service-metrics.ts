import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface ServiceMetrics {
  readonly registry: Registry
  readonly requestSeconds: Histogram<'method' | 'route' | 'status'>
  readonly traceSpans: Counter<'result'>
}

/** A registry with what every service of the mesh exposes. */
export function createServiceMetrics(service: string, version: string): ServiceMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'meshwork_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['service', 'version', 'node'],
    registers: [registry],
  }).set({ service, version, node: process.versions.node }, 1)
  const requestSeconds = new Histogram({
    name: 'meshwork_http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [registry],
  })
  const traceSpans = new Counter({
    name: 'meshwork_trace_spans_total',
    help: 'Spans by what came of them, where traces are sent; those written and neither sent nor failed wait, or were dropped from a full queue.',
    labelNames: ['result'],
    registers: [registry],
  })
  return { registry, requestSeconds, traceSpans }
}
