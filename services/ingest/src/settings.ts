// Limits that the operator sets. The worker process of a call inherits the environment of its service, so both read
// the same values; `start` reads them first, so that a bad one stops the service and not the first call.

export interface Settings {
  readonly urlBytesMax: number
  readonly urlTimeoutMs: number
  /** Bytes of a file after decompression, or of its copy in UTF-8. */
  readonly expandedBytesMax: number
  readonly uploadBytesMax: number
  readonly allowPrivate: boolean
}

const gib = 1024 ** 3

export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const problems: string[] = []
  const whole = (name: string, fallback: number): number => {
    const text = environment[name]
    if (text === undefined || text === '') return fallback
    if (/^[1-9]\d{0,15}$/.test(text)) return Number(text)
    problems.push(`${name} is "${text}"; it must be a whole number from 1`)
    return fallback
  }
  const privately = environment['MESHWORK_INGEST_ALLOW_PRIVATE'] ?? '0'
  if (!/^[01]?$/.test(privately)) problems.push(`MESHWORK_INGEST_ALLOW_PRIVATE is "${privately}"; it must be 0 or 1`)
  const settings = {
    urlBytesMax: whole('MESHWORK_INGEST_URL_BYTES_MAX', 2 * gib),
    urlTimeoutMs: whole('MESHWORK_INGEST_URL_TIMEOUT_MS', 600_000),
    expandedBytesMax: whole('MESHWORK_INGEST_EXPANDED_BYTES_MAX', 64 * gib),
    uploadBytesMax: whole('MESHWORK_INGEST_UPLOAD_BYTES_MAX', 1024 * gib),
    allowPrivate: privately === '1',
  }
  if (problems.length > 0) throw new TypeError(problems.join('; '))
  return Object.freeze(settings)
}
