import { MeshError, ProblemError } from '@meshwork/contracts'
import { systemHint } from './system-hint.ts'

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const away = new Set(['EACCES', 'EPERM', 'EROFS', 'EIO', 'ENOTDIR', 'EEXIST', 'EMFILE', 'ENFILE', 'ENOENT'])

/** A failure of the file system under `folder` as the store reports it; anything else passes through. */
export function storeFailure(error: unknown, folder: string): unknown {
  if (error instanceof ProblemError || !(error instanceof Error)) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== undefined && full.has(code))
    return new MeshError('MESHWORK_STORE_FULL', { folder, reason: code }, { cause: error })
  if (code !== undefined && away.has(code))
    return new MeshError(
      'MESHWORK_STORE_UNAVAILABLE',
      { reason: [message, systemHint(code)].filter(Boolean).join('; ') },
      { cause: error },
    )
  return error
}
