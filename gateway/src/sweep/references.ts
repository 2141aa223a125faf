import { compile, MeshError, ReferencesPage } from '@meshwork/contracts'
import { request } from 'undici'
import type { ReadPage } from './referred.ts'

const timeoutMs = 60_000

/** Asks the orchestrator. */
export function referencesOf(orchestrator: string): ReadPage {
  const shape = compile(ReferencesPage)
  return async (cursor, since) => {
    const url = new URL('/v1/references', orchestrator)
    if (cursor !== undefined) url.searchParams.set('cursor', cursor)
    if (since) url.searchParams.set('since', since.toISOString())
    const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(timeoutMs) })
    const page: unknown = await body.json()
    const problem = statusCode === 200 ? shape.check(page)[0] : { pointer: '', detail: `it answered ${statusCode}` }
    if (problem)
      throw new MeshError('MESHWORK_GATEWAY_UPSTREAM', {
        service: 'orchestrator',
        reason: `${problem.pointer} ${problem.detail}`.trim(),
      })
    return page as ReferencesPage
  }
}
