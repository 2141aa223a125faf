import { startFault as faultOfServices } from '@meshwork/kit'
import { databaseFault, databaseHint } from './store/database-failure.ts'
import { StateFolderError } from './store/folder-lock.ts'

/** What the operator can put right before the orchestrator can start; undefined for faults of ours. */
export function startFault(error: unknown): string | undefined {
  if (error instanceof StateFolderError) return error.message
  const fault = databaseFault(error)
  if (fault !== undefined)
    return `the PostgreSQL of MESHWORK_DATABASE_URL cannot be used: ${[fault, databaseHint(error)].filter(Boolean).join('; ')}`
  return faultOfServices(error)
}
