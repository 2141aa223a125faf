import { ProblemError } from '@meshwork/contracts'
import { ConfigError } from '../config/read-config.ts'

/** What the operator has to put right before a service can start, in one line; undefined for faults of ours. */
export function startFault(error: unknown): string | undefined {
  if (error instanceof ConfigError || error instanceof TypeError) return error.message
  if (error instanceof ProblemError && error.code.startsWith('MESHWORK_STORE_'))
    return `MESHWORK_STORE_URL: ${error.message}`
  return undefined
}
