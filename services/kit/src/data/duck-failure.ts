import { MeshError, ProblemError } from '@meshwork/contracts'

/** What DuckDB says about a failure, with `errors_as_json` on. */
export interface DuckFailure {
  readonly type: string
  readonly message: string
  readonly subtype: string | undefined
  /** Offset in the statement. */
  readonly position: number | undefined
  readonly candidates: readonly string[]
  readonly name: string | undefined
}

const messageLengthMax = 600

/** Reads an error of DuckDB; undefined for any other error. */
export function readDuckFailure(error: unknown): DuckFailure | undefined {
  if (!(error instanceof Error)) return undefined
  const json = /^(?:(?:[A-Z][A-Za-z]*|INTERRUPT|TransactionContext) Error: )?(\{"exception_type".*)$/s.exec(
    error.message,
  )
  if (json) {
    const parsed = parse(json[1] as string)
    const [message] = (parsed?.['exception_message'] ?? error.message).split('\n')
    return {
      type: parsed?.['exception_type'] ?? 'Unknown',
      message: (message ?? '').slice(0, messageLengthMax),
      subtype: parsed?.['error_subtype'],
      position: parsed?.['position'] === undefined ? undefined : Number(parsed['position']),
      candidates: (parsed?.['candidates'] ?? '').split(/[,\n]/).filter(Boolean).slice(0, 5),
      name: parsed?.['name'],
    }
  }
  const plain = /^(?:Error: )?([A-Z][A-Za-z ]*|INTERRUPT) Error: (.*)$/s.exec(error.message)
  if (!plain) return undefined
  const [message] = (plain[2] as string).split('\n')
  return {
    type: plain[1] as string,
    message: (message ?? '').slice(0, messageLengthMax),
    subtype: undefined,
    position: undefined,
    candidates: [],
    name: undefined,
  }
}

/** A failure of a statement that we wrote, as the caller of a stage is told it. It spills into `folder`. */
export function duckFailure(error: unknown, folder: string): unknown {
  if (error instanceof ProblemError) return error
  const failure = readDuckFailure(error)
  if (!failure) return error
  const { type, message } = failure
  // Before it spills, DuckDB looks how much space there is, and calls the lack of it "Out of Memory".
  if (/no space left|ENOSPC|failed to offload data block|max_temp_directory_size/i.test(message))
    return new MeshError('MESHWORK_STORE_FULL', { folder, reason: message }, { cause: error })
  if (type === 'Out of Memory')
    return new MeshError('MESHWORK_STAGE_QUERY_MEMORY', { reason: message }, { cause: error })
  if (type === 'Conversion' || type === 'Out of Range' || type === 'Invalid Input' || type === 'Constraint')
    return new MeshError('MESHWORK_EXPRESSION_FAILED', { where: 'The data', reason: message }, { cause: error })
  return new Error(`DuckDB ${type}: ${message}`, { cause: error })
}

function parse(json: string): Record<string, string> | undefined {
  try {
    return JSON.parse(json) as Record<string, string>
  } catch {
    return undefined
  }
}
