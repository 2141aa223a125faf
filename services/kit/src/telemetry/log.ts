// One shape of log line for the whole mesh: pino JSON with time (ISO), level, module, version, what the call is for,
// and a short message. docs/logs.md describes it.

import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino'
import { ecsLine } from './ecs.ts'

/** Ours, or the Elastic Common Schema. */
export type LogFormat = 'json' | 'ecs'

export interface LogOptions {
  readonly module: string
  readonly version: string
  readonly level: string
  readonly format?: LogFormat
  /** Where lines go; standard output without it. */
  readonly destination?: { write(line: string): void }
}

const redacted = ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.secret', '*.token']

export function createLog(options: LogOptions): Logger {
  const settings = {
    level: options.level,
    base: { module: options.module, version: options.version },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redacted, censor: '[redacted]' },
  }
  const lines = options.destination ?? standardOutput()
  return pino(settings, options.format === 'ecs' ? { write: line => lines.write(ecsLine(line)) } : lines)
}

/** Lines that nobody reads any more, because the reader has died, are dropped: they must not hold up the end. */
function standardOutput(): DestinationStream {
  const stream = destination({ fd: 1, sync: true })
  stream.on('error', () => {})
  return stream
}
