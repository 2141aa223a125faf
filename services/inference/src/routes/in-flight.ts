// Bytes of bodies that are in memory at a time. The queue of a model counts requests that were read; this counts those
// that are being read, so that many large uploads cannot take the memory of the service.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { OipFault } from '../oip/fault.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What is to be done when the caller leaves; there is nothing when it has its answer. */
    leave: (() => void) | undefined
  }
}

const retryAfterSeconds = 1

export class InFlight {
  readonly #bytesMax: number
  readonly #bodyBytesMax: number
  #bytes = 0

  constructor(bytesMax: number, bodyBytesMax: number) {
    this.#bytesMax = bytesMax
    this.#bodyBytesMax = bodyBytesMax
  }

  /**
   * Throws a 503 where there is no room; gives the room back when the reply is over, and then calls what was put down to be
   * done if the caller leaves before it is answered.
   */
  enter(request: FastifyRequest, reply: FastifyReply): void {
    const { headers } = request
    const declared = headers['content-encoding'] === undefined ? headers['content-length'] : undefined
    // What does not say how large it is, or will be, may be as large as is allowed.
    const bytes = Math.min(Number(declared ?? this.#bodyBytesMax), this.#bodyBytesMax)
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      void reply.header('connection', 'close') // its body will not be read
      throw new OipFault(
        503,
        `requests of ${this.#bytes} bytes are in memory, with this one more than ${this.#bytesMax}; try again`,
        retryAfterSeconds,
      )
    }
    this.#bytes += bytes
    reply.raw.once('close', () => {
      this.#bytes -= bytes
      request.leave?.()
    })
  }
}
