import { Health, Problem } from '@meshwork/contracts'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Registry } from 'prom-client'

export type Phase = 'starting' | 'ready' | 'draining'

/** Whether a service may take work, and what it looks at before it says so. */
export class Readiness {
  phase: Phase = 'starting'
  readonly #checks = new Map<string, { check: () => Promise<string | undefined>; decides: boolean }>()

  /** `check` answers undefined when all is well, or what is wrong in a few words. */
  add(name: string, check: () => Promise<string | undefined>): void {
    this.#checks.set(name, { check, decides: true })
  }

  /** Told as well, and does not decide: the service takes work while this one is away. */
  watch(name: string, check: () => Promise<string | undefined>): void {
    this.#checks.set(name, { check, decides: false })
  }

  async look(): Promise<{ ok: boolean; checks: Record<string, string> }> {
    const checks: Record<string, string> = {}
    let ok = this.phase === 'ready'
    const looks = [...this.#checks].map(async ([name, { check, decides }]) => {
      const wrong = await check().catch((error: unknown) => String(error instanceof Error ? error.message : error))
      checks[name] = wrong ?? 'ok'
      if (wrong !== undefined && decides) ok = false
    })
    await Promise.all(looks)
    return { ok, checks }
  }
}

export function useHealth(
  app: FastifyInstance,
  service: string,
  version: string,
  readiness: Readiness,
  registry: Registry,
): void {
  const answers = { default: Problem }
  const probe = { tags: ['operation'], security: [] }
  app.get(
    '/healthz',
    {
      logLevel: 'warn',
      schema: {
        ...probe,
        operationId: 'healthz',
        summary: 'Whether the process is alive',
        response: { 200: Health, ...answers },
      },
    },
    async () => ({
      status: 'ok' as const,
      service,
      version,
    }),
  )
  app.get(
    '/readyz',
    {
      logLevel: 'warn',
      schema: {
        ...probe,
        operationId: 'readyz',
        summary: 'Whether it may take work',
        response: { 200: Health, 503: Health, ...answers },
      },
    },
    async (_, reply) => {
      const { ok, checks } = await readiness.look()
      const status = ok ? 'ok' : readiness.phase === 'ready' ? 'failing' : readiness.phase
      return await reply.code(ok ? 200 : 503).send({ status, service, version, checks })
    },
  )
  app.get(
    '/metrics',
    {
      logLevel: 'warn',
      schema: {
        ...probe,
        operationId: 'metrics',
        summary: 'Metrics in Prometheus text format',
        produces: ['text/plain'],
        response: { 200: Type.String({ description: 'The metrics.' }), ...answers },
      },
    },
    async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  )
}
