// A log line of ours in the Elastic Common Schema, as docs/logs.md has the table. Pure.

/** What each key is called there. Where two lead to one name the first that a line has counts. */
export const ecsNames: Readonly<Record<string, string>> = {
  time: '@timestamp',
  msg: 'message',
  level: 'log.level',
  module: 'service.name',
  version: 'service.version',
  traceId: 'trace.id',
  requestId: 'http.request.id',
  code: 'error.code',
  detail: 'error.message',
  'err.message': 'error.message',
  'err.stack': 'error.stack_trace',
  'err.type': 'error.type',
  inputHash: 'meshwork.input.hash',
  outputHash: 'meshwork.output.hash',
  runId: 'meshwork.run.id',
  step: 'meshwork.step.name',
  attempt: 'meshwork.step.attempt',
}
const ecsVersion = '8.11.0'

/** A line of JSON, with dotted names, as the schema asks it of loggers; anything else comes back as it is. */
export function ecsLine(line: string): string {
  let read: Record<string, unknown>
  try {
    read = JSON.parse(line) as Record<string, unknown>
  } catch {
    return line
  }
  const { err, ...flat } = read
  const written = new Map<string, unknown>()
  for (const [key, value] of [...Object.entries(flat), ...entriesOfError(err)]) {
    const name = ecsNames[key] ?? `meshwork.${key}`
    if (!written.has(name)) written.set(name, value)
  }
  const head = ['@timestamp', 'log.level', 'message']
  return `${JSON.stringify({
    ...Object.fromEntries(head.map(name => [name, written.get(name)])),
    'ecs.version': ecsVersion,
    'event.dataset': 'meshwork.log',
    ...Object.fromEntries(written),
  })}\n`
}

function entriesOfError(error: unknown): [string, unknown][] {
  return typeof error === 'object' && error !== null
    ? Object.entries(error).map(([key, value]) => [`err.${key}`, value])
    : []
}
