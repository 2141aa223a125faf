import { MeshError, ProblemError } from '@meshwork/contracts'
import { systemHint } from '../system-hint.ts'

interface S3Error extends Error {
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

const full = new Set(['QuotaExceeded', 'QuotaExceededException', 'XMinioStorageFull', 'InsufficientStorage'])
const conditions = new Set(['PreconditionFailed', 'ConditionalRequestConflict'])

/** Another object stood there, or another write of the same key was under way: not ours in both cases. */
export function isPreconditionFailed(error: unknown): boolean {
  const { name, $metadata } = error as S3Error
  return conditions.has(name) || $metadata?.httpStatusCode === 412
}

/** A failure of an S3 server as the store reports it. */
export function s3Failure(error: unknown, bucket: string): unknown {
  if (error instanceof ProblemError || !(error instanceof Error)) return error
  const { name, message, code, $metadata } = error as S3Error
  if (error.name === 'AbortError') return error
  if (full.has(name) || $metadata?.httpStatusCode === 507)
    return new MeshError(
      'MESHWORK_STORE_FULL',
      { folder: `bucket ${bucket}`, reason: message || name },
      { cause: error },
    )
  const hintName = name === 'Error' ? code : name
  const status = $metadata?.httpStatusCode === undefined ? '' : ` (status ${$metadata.httpStatusCode})`
  const said = [hintName, message].filter(Boolean).join(': ').replace(/\.$/, '')
  const hint = message === 'Region is missing' ? 'add ?region=… to the URL or set AWS_REGION' : systemHint(hintName)
  const reason = [`bucket ${bucket}${status}: ${said}`, hint].filter(Boolean).join('; ')
  return new MeshError('MESHWORK_STORE_UNAVAILABLE', { reason }, { cause: error })
}
