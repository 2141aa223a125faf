// The one public door. It holds no state and no workflow logic.

import { createService, hoist, type LocalStore, type Service, type TraceSettings, watchStore } from '@meshwork/kit'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { request } from 'undici'
import { useArtefacts } from './artefacts.ts'
import type { Upstreams } from './config.ts'
import { Documents } from './documents.ts'
import { createGatewayMetrics } from './metrics.ts'
import { useProxy } from './proxy.ts'
import { referencesOf } from './sweep/references.ts'
import { useSweep } from './sweep/route.ts'
import { Sweeper } from './sweep/sweeper.ts'

export const version = '0.1.0'

export interface GatewayOptions {
  readonly upstreams: Upstreams
  readonly store: LocalStore
  /** Seconds for which a file is kept that nothing refers to; 0, the default, for ever. */
  readonly artefactsKeepSeconds?: number
  readonly log: Logger
  /** Where traces go; nowhere without it. */
  readonly traces?: TraceSettings
}

const lookTimeoutMs = 1000

export async function createGateway({
  upstreams,
  store,
  artefactsKeepSeconds = 0,
  log,
  traces,
}: GatewayOptions): Promise<Service> {
  let documents: Documents | undefined
  const service = await createService({
    name: 'gateway',
    version,
    log,
    ...(traces ? { traces } : {}),
    api: {
      title: 'Meshwork',
      version,
      description: 'Workflows, runs, data and stages behind one address.',
      tags: [
        { name: 'artefacts', description: 'Files under their hash.' },
        { name: 'operation', description: 'Health and metrics.' },
      ],
      document: async own => (await documents?.merged()) ?? own,
    },
  })
  const app = service.app as unknown as FastifyInstance
  documents = new Documents(upstreams, () => hoist(app.swagger() as never))
  await useArtefacts(service.app, store)
  const metrics = createGatewayMetrics(service.registry)
  const sweeper = new Sweeper({
    store,
    readPage: referencesOf(upstreams.orchestrator),
    keepSeconds: artefactsKeepSeconds,
    log,
    removed: ({ artefacts, records, bytes }) => {
      metrics.swept.inc({ kind: 'artefacts' }, artefacts)
      metrics.swept.inc({ kind: 'records' }, records)
      metrics.sweptBytes.inc(bytes)
    },
  })
  useSweep(service.app, sweeper)
  sweeper.start()
  app.addHook('onClose', async () => await sweeper.stop())
  await useProxy(app, upstreams, metrics)
  app.get('/', { schema: { hide: true } }, async () => ({
    name: 'meshwork',
    version,
    docs: '/docs',
    openapi: '/openapi.json',
    workflows: '/v1/workflows',
    runs: '/v1/runs',
    stages: '/v1/stages',
  }))
  watchStore(service.readiness, store)
  service.readiness.add('orchestrator', async () => await unready(upstreams.orchestrator))
  // One stage that is away closes the door to nothing but itself.
  for (const [name, url] of upstreams.stages) service.readiness.watch(name, async () => await unready(url))
  return service
}

async function unready(url: string): Promise<string | undefined> {
  const { statusCode, body } = await request(`${url}/readyz`, { signal: AbortSignal.timeout(lookTimeoutMs) })
  await body.dump()
  return statusCode === 200 ? undefined : `answers ${statusCode}`
}
