import { ProblemError } from '@meshwork/contracts'
import { ConfigError } from '../config/read-config.ts'
import { createLog } from '../telemetry/log.ts'

/** What the operator has to put right before a service can start, in a line for each; undefined for faults of ours. */
export function startFault(error: unknown): string | undefined {
  if (error instanceof ConfigError || error instanceof TypeError) return error.message
  if (error instanceof ProblemError && error.code.startsWith('MESHWORK_STORE_'))
    return `MESHWORK_STORE_URL: ${error.message}`
  return listenFault(error)
}

/** Tells why a service did not start: what the operator can put right in a line, anything else is logged whole. */
export function tellStartFault(service: string, version: string, error: unknown, explain = startFault): void {
  const told = explain(error)
  if (told !== undefined) console.error(`meshwork ${service}: ${told}`)
  else createLog({ module: service, version, level: 'info' }).fatal({ err: error }, 'could not start')
}

function listenFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  if (syscall !== 'listen') return undefined
  if (code === 'EADDRINUSE')
    return `MESHWORK_PORT: port ${port} of ${address} is taken by another process; stop that one, or set another port`
  if (code === 'EADDRNOTAVAIL')
    return `MESHWORK_HOST: ${address} is not an address of this machine; set 127.0.0.1, 0.0.0.0 or one that is`
  if (code === 'EACCES') return `MESHWORK_PORT: port ${port} is kept for privileged processes; set one from 1024`
  return undefined
}
