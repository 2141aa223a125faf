import { Counter, Histogram, type Registry } from 'prom-client'

/** What the gateway counts. `service` is one of its upstreams, `status` a class like "2xx", or "error" for no answer. */
export function createGatewayMetrics(registry: Registry) {
  return {
    seconds: new Histogram({
      name: 'meshwork_gateway_upstream_duration_seconds',
      help: 'Time until the answer of a service behind the gateway has begun.',
      labelNames: ['service', 'status'],
      registers: [registry],
    }),
    swept: new Counter({
      name: 'meshwork_store_swept_total',
      help: 'Files and records removed from the artefact store because nothing refers to them.',
      labelNames: ['kind'],
      registers: [registry],
    }),
    sweptBytes: new Counter({
      name: 'meshwork_store_swept_bytes_total',
      help: 'Size of the files removed from the artefact store.',
      registers: [registry],
    }),
  }
}

export type GatewayMetrics = ReturnType<typeof createGatewayMetrics>
