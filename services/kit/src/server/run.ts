// A service as a process: listen, tell the parent, drain on a signal, end.

import type { Logger } from 'pino'
import type { Service } from './service.ts'

export interface RunOptions {
  readonly service: Service
  readonly log: Logger
  readonly host: string
  readonly port: number
  readonly drainTimeoutMs: number
  /** Called when the drain begins; resolves when no work is left. */
  readonly drain?: () => Promise<void>
  /** Called when the drain timed out: stop what is left. */
  readonly abort?: () => void
  /** Called after the server has closed. */
  readonly end?: () => Promise<void>
}

/** Time to tell callers that their work was stopped. */
export const cutAfterMs = 3000
const endSignals = ['SIGTERM', 'SIGINT'] as const
const loopback = /^(127\.|::1$|localhost$)/

export async function runService(options: RunOptions): Promise<string> {
  const { service, log } = options
  let draining: Promise<void> | undefined
  const stop = (why: string) => {
    if (draining) process.exit(1) // asked twice
    draining = drain(options, why).then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'the drain failed')
        process.exit(1)
      },
    )
  }
  // Before anybody can know that it listens: whoever is told so may end it at once.
  for (const signal of endSignals) {
    process.off(signal, endAtOnce)
    process.on(signal, () => stop(signal))
  }
  process.on('disconnect', () => stop('the parent is gone'))
  process.on('uncaughtException', error => {
    log.fatal({ err: error }, 'uncaught exception')
    process.exit(1)
  })
  process.on('unhandledRejection', error => {
    log.fatal({ err: error }, 'unhandled rejection')
    process.exit(1)
  })

  const url = await service.app.listen({ host: options.host, port: options.port })
  if (!loopback.test(options.host))
    log.warn(
      { host: options.host },
      'listening beyond loopback; there is no authentication yet, so let only trusted networks in',
    )
  if (draining === undefined) service.readiness.phase = 'ready'
  log.info({ url }, 'listening')
  process.send?.({ type: 'listening', url })
  return url
}

/**
 * Lets a signal end a service that is still starting: nothing is in progress, so there is nothing to drain. Without it
 * the first process of a container would not hear the signal.
 */
export function endWhileStarting(): void {
  for (const signal of endSignals) process.on(signal, endAtOnce)
}

const endAtOnce = () => process.exit(0)

async function drain(options: RunOptions, why: string): Promise<void> {
  const { service, log } = options
  service.readiness.phase = 'draining'
  log.info({ why }, 'draining')
  let cut: NodeJS.Timeout | undefined
  const timer = setTimeout(() => {
    log.warn({ drainTimeoutMs: options.drainTimeoutMs }, 'the drain takes too long; stopping what is left')
    options.abort?.()
    cut = setTimeout(() => service.app.server.closeAllConnections(), cutAfterMs)
  }, options.drainTimeoutMs)
  await options.drain?.()
  await service.app.close()
  clearTimeout(timer)
  clearTimeout(cut)
  await options.end?.()
  await service.traces.close()
  log.info('closed')
}
