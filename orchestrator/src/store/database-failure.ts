// Whether the database itself failed, and not a statement: callers try again, operators are told where to look.

import { MeshError } from '@meshwork/contracts'

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
/** Classes of SQLSTATE: connection, authorisation, no such database, no room, read-only (a standby), shutdown, system. */
const states = /^(08...|28...|3D000|53...|25006|57P0.|58...)$/
/** What pg says without a code. */
const phrases = /connection terminated|timeout exceeded when trying to connect|connection error and is not queryable/i
const retryAfterSeconds = 2

/** What is wrong with the database, in a few words; undefined when the error is about something else. */
export function databaseFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== undefined && (unreachable.has(code) || states.test(code))) return message || code
  return phrases.test(message) ? message : undefined
}

/** The problem that callers get for a failure of the database; other errors as they are. */
export function explainDatabase(error: unknown): unknown {
  const reason = databaseFault(error)
  if (reason === undefined) return error
  return new MeshError('MESHWORK_DATABASE_UNAVAILABLE', { reason }, { cause: error, retryAfterSeconds })
}
