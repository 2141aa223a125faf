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

/** By the code of the system or SQLSTATE. */
const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'see whether it runs, and whether host and port are its own',
  ENOTFOUND: 'the name of its host is unknown; see the URL',
  EAI_AGAIN: 'the name of its host is unknown at present; see the URL and the name server',
  ETIMEDOUT: 'see whether the network lets this process reach it',
  '28P01': 'the password is wrong; see MESHWORK_DATABASE_PASSWORD or its file',
  '28000': 'its pg_hba.conf does not let this user in from here',
  '3D000': 'make the database (createdb), or see its name in the URL',
  '53300': 'raise max_connections, or run fewer orchestrators',
  '53100': 'free space on its disk',
  '25006': 'it is a standby; name the primary',
  '57P03': 'it is starting; try again',
}
const unanswered = /timeout/i

/** What an operator can do about it, for the end of a sentence. */
export function databaseHint(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException
  return hints[code ?? ''] ?? (unanswered.test(message) ? hints['ETIMEDOUT'] : undefined)
}

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
