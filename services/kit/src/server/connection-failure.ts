// What is not even HTTP, or comes too late, has no request and no reply: its problem is written to the socket.

import type { Socket } from 'node:net'
import { STATUS_CODES } from 'node:http'
import { MeshError } from '@meshwork/contracts'

/** Bounds on the arrival of a request. An upload may take an hour; headers are small. */
export const headersTimeoutMs = 30_000
export const requestTimeoutMs = 3_600_000

export function answerConnectionFailure(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const failure = failureOf(error.code)
  const body = JSON.stringify(failure.toProblem())
  const head = [
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function failureOf(code: string | undefined): MeshError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new MeshError('MESHWORK_REQUEST_TIMEOUT', { headersMs: headersTimeoutMs, requestMs: requestTimeoutMs })
  const problems = code === 'HPE_HEADER_OVERFLOW' ? 'its headers are too large' : 'it is not HTTP/1.1'
  return new MeshError('MESHWORK_REQUEST_INVALID', { what: 'The request', problems })
}
