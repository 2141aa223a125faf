import { ConfigError, createLog } from '@meshwork/kit'
import { databaseFault } from './store/database-failure.ts'
import { FolderLocked } from './store/folder-lock.ts'

/** What the operator can put right is told in a line, anything else is logged whole. */
export function tellStartFault(error: unknown, version: string): void {
  const expected = error instanceof ConfigError || error instanceof FolderLocked || error instanceof TypeError
  const fault = databaseFault(error)
  if (expected) console.error(`meshwork orchestrator: ${error.message}`)
  else if (fault !== undefined)
    console.error(`meshwork orchestrator: the PostgreSQL of MESHWORK_DATABASE_URL cannot be used: ${fault}`)
  else createLog({ module: 'orchestrator', version, level: 'info' }).fatal({ err: error }, 'could not start')
}
