// The OpenAPI documents of the services behind the gateway: fetched when asked for, kept for a while, and left out
// (with a word about it) while a service does not answer.

import { request } from 'undici'
import type { Upstreams } from './config.ts'
import { mergeOpenApi, type Part } from './merge-openapi.ts'

const keepMs = 10_000
const timeoutMs = 2000
const operationPaths = new Set(['/healthz', '/readyz', '/metrics'])

export class Documents {
  readonly #upstreams: Upstreams
  readonly #own: () => object
  #kept: { at: number; document: object } | undefined

  constructor(upstreams: Upstreams, own: () => object) {
    this.#upstreams = upstreams
    this.#own = own
  }

  async merged(): Promise<object> {
    if (this.#kept && performance.now() - this.#kept.at < keepMs) return this.#kept.document
    const { orchestrator, stages } = this.#upstreams
    const found = await Promise.all([
      fetchPart('orchestrator', orchestrator, path => (operationPaths.has(path) ? undefined : path)),
      ...[...stages].map(([name, url]) =>
        fetchPart(name, url, path =>
          operationPaths.has(path)
            ? undefined
            : (name === 'ingest' && path.startsWith('/v1/datasets')) ||
                (name === 'inference' && path.startsWith('/v2/'))
              ? path
              : `/stages/${name}${path}`,
        ),
      ),
    ])
    const parts = found.filter(part => part !== undefined)
    const document = mergeOpenApi(this.#own() as never, parts)
    if (parts.length === found.length) this.#kept = { at: performance.now(), document }
    return document
  }
}

async function fetchPart(service: string, url: string, rename: Part['rename']): Promise<Part | undefined> {
  try {
    const { statusCode, body } = await request(`${url}/openapi.json`, { signal: AbortSignal.timeout(timeoutMs) })
    const document = (await body.json()) as Part['document']
    return statusCode === 200 ? { service, document, rename } : undefined
  } catch {
    return undefined
  }
}
