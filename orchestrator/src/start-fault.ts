import { ConfigError, createLog } from '@meshwork/kit'
import { databaseFault } from './store/database-failure.ts'
import { FolderLocked } from './store/folder-lock.ts'

/** Ends the process: what the operator can put right is told in a line, anything else is logged whole. */
export function endWith(error: unknown, version: string): never {
  const expected = error instanceof ConfigError || error instanceof FolderLocked || error instanceof TypeError
  const fault = databaseFault(error)
  if (expected) console.error(`meshwork orchestrator: ${error.message}`)
  else if (fault !== undefined)
    console.error(`meshwork orchestrator: the PostgreSQL of MESHWORK_DATABASE_URL cannot be used: ${fault}`)
  else createLog({ module: 'orchestrator', version, level: 'info' }).fatal({ err: error }, 'could not start')
  process.exit(1)
}
