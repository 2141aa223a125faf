import { MeshError, ProblemError } from '@meshwork/contracts'

/** Runs work that reads a file of the caller; what DuckDB says against the file becomes a problem of the file. */
export async function readable<T>(
  file: { name: string; path: string; format: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw fileFailure(error, file)
  }
}

/** Lines that end in different ways make DuckDB's strict reader give up. */
export const isMixedLines = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('state machine reached an invalid state')

const ours = /^DuckDB (Binder|Parser|Catalog|Permission|INTERNAL)/

function fileFailure(error: unknown, file: { name: string; path: string; format: string }): unknown {
  if (!(error instanceof Error)) return error
  const known = error instanceof ProblemError
  if (
    known
      ? error.code !== 'MESHWORK_EXPRESSION_FAILED'
      : !error.message.startsWith('DuckDB ') || ours.test(error.message)
  )
    return error
  const reason = error.message
    .replace(/^(The data: |DuckDB [A-Za-z ]+: )/, '')
    .replaceAll(`file "${file.path}"`, file.name)
    .replaceAll(file.path, file.name)
    .replace(/[.\s]+$/, '')
  if (reason.includes('parse format specifier'))
    return new MeshError(
      'MESHWORK_INGEST_OPTION',
      { option: 'csv.dateFormat or csv.timestampFormat', reason },
      { cause: error },
    )
  return new MeshError(
    'MESHWORK_INGEST_UNREADABLE',
    { source: file.name, format: file.format, reason },
    { cause: error },
  )
}
